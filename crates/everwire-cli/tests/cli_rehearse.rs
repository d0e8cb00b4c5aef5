//! `everwire rehearse`: configurations against a peer that is made of them.

mod service_support;

use std::process::Output;

use serde_json::Value as Json;
use service_support::{everwire, file, stderr, stdout};

/// A rehearsal of this configuration, and its result.
fn rehearse(name: &str, config: &str) -> (Output, Json) {
    let path = file(&format!("rehearse_{name}.toml"), config);
    let mut command = everwire(&["rehearse", "--json"]);
    let output = command.arg(&path).output().unwrap();
    let told = stdout(&output);
    let json = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}{}", stderr(&output)));
    (output, json)
}

/// The runs of the only name: where, what, and what became of it.
fn runs(json: &Json) -> Vec<(String, String, &Json)> {
    let runs = json["names"][0]["runs"].as_array().unwrap();
    let text = |run: &Json, key: &str| run[key].as_str().unwrap().to_owned();
    runs.iter()
        .map(|run| (text(run, "place"), text(run, "what"), run))
        .collect()
}

/// The run of this kind at this place.
fn run<'j>(json: &'j Json, place: &str, what: &str) -> &'j Json {
    let found = runs(json)
        .into_iter()
        .find(|(at, is, _)| at == place && is == what);
    found
        .unwrap_or_else(|| panic!("no {what} at {place}: {json:#}"))
        .2
}

/// All runs pass, and there are these among them.
fn passes(name: &str, config: &str, among: &[(&str, &str)]) -> Json {
    let (output, json) = rehearse(name, config);
    assert!(output.status.success(), "{json:#}{}", stderr(&output));
    assert_eq!(
        (&json["failed"], &json["not_inverted"]),
        (&0.into(), &0.into()),
        "{json:#}"
    );
    for (place, what) in among {
        assert_eq!(run(&json, place, what)["outcome"], "passed");
    }
    json
}

/// Some of the cuts, which every name has.
const CUTS: [(&str, &str); 5] = [
    ("all", "as written"),
    ("open_script 1", "cut before the answer"),
    ("open_script 1", "cut within the answer"),
    ("open_script 1", "cut behind the answer"),
    ("open_script 1", "no answer"),
];

const OKX: &str = r#"
[connections.okx]
url = "wss://ws.okx.com:8443/ws/v5/private"
heartbeat = { kind = "text", ping = "ping", pong = "pong", interval = "20s", timeout = "10s" }
let = { ts = '${now("s")}', sign = '${hmac("sha256", OKX_SECRET, ts ~ "GET/users/self/verify", "base64")}' }
open_script = [
  { send = '{"op":"login","args":[{"apiKey":"${OKX_KEY}","passphrase":"${OKX_PASS}","timestamp":"${ts}","sign":"${sign}"}]}', expect = '/event == "login" && /code == "0"', fail = '/event == "error"', give_up = '/event == "error" && /code in ["60005", "60024", "60031"]', within = "5s" },
]
rules = [
  { when = '/event == "notice" && /code == "64008"', do = "rotate" },
  { when = '/event == "channel-conn-count"', deliver = false },
]
"#;

#[test]
fn okx_logs_in_is_refused_and_rotates() {
    let json = passes("okx", OKX, &CUTS);
    for (place, what) in [
        ("open_script 1", "refused"),
        ("open_script 1", "refused for good"),
        ("rule 1", "its message"),
        ("heartbeat", "no answer"),
        ("message", "deep JSON"),
        ("message", "more than max_message"),
    ] {
        assert_eq!(run(&json, place, what)["outcome"], "passed");
    }
    let given_up = run(&json, "open_script 1", "refused for good");
    assert!(
        given_up["text"]
            .as_str()
            .unwrap()
            .starts_with("gives up, as it is to: script_refused")
    );
    let rotated = run(&json, "rule 1", "its message");
    assert_eq!(rotated["text"], "ready again, 2 sockets");
}

#[test]
fn slack_asks_for_its_url_and_answers_what_is_stored() {
    let config = r#"
[connections.slack]
url = "${socket}"
prepare = [
  { http = { method = "POST", url = "https://slack.com/api/apps.connections.open", headers = { Authorization = "Bearer ${SLACK_APP_TOKEN}" } }, expect = '/ok == true', fail = '/ok == false', give_up = '/error in ["invalid_auth", "not_authed"]', capture = { socket = "/url" } },
]
open_script = [{ expect = '/type == "hello"' }]
history = { messages = 1000, durable = true }
rules = [
  { when = 'exists(/envelope_id)', send = '{"envelope_id":"${/envelope_id}"}', after = "stored" },
  { when = '/type == "disconnect" && /reason == "link_disabled"', do = "give_up" },
  { when = '/type == "disconnect"', do = "rotate" },
]
"#;
    let among = [
        ("prepare 1", "cut within the answer"),
        ("prepare 1", "no answer"),
        ("prepare 1", "refused"),
        ("prepare 1", "refused for good"),
        ("rule 1", "its message"),
        ("rule 2", "its message"),
        ("rule 3", "its message"),
    ];
    let json = passes("slack", config, &among);
    assert_eq!(json["names"][0]["runs"].as_array().unwrap().len(), 28);
}

#[test]
fn discord_identifies_resumes_and_beats_over_a_compressed_stream() {
    let config = r#"
[rates.identify]
messages = 1
per = "5s"
[connections.discord]
url = '${default(resume_url, "wss://gateway.discord.gg")}/?v=10&encoding=json&compress=zlib-stream'
decode = "zlib-stream"
close_code = 4900
rate = { messages = 120, per = "60s", burst = 110 }
capture = { seq = { value = "/s", keep = true } }
open_script = [
  { expect = '/op == 10', capture = { beat = "/d/heartbeat_interval" } },
  { if = 'session', send = '{"op":6,"d":{"token":"${DISCORD_TOKEN}","session_id":"${session}","seq":${seq}}}', expect = '/op == 0 && /t == "RESUMED"', within = "60s" },
  { if = '!session', send = '{"op":2,"d":{"token":"${DISCORD_TOKEN}","intents":513}}', expect = '/op == 0 && /t == "READY"', within = "30s", rate = "identify", capture = { session = { value = "/d/session_id", keep = true }, resume_url = { value = "/d/resume_gateway_url", keep = true } } },
]
rules = [
  { when = '/op == 1', do = "beat" },
  { when = '/op == 7', do = "reconnect" },
  { when = '/op == 9 && /d == true', do = "reconnect" },
  { when = '/op == 9', clear = ["session", "resume_url", "seq"], do = "reconnect" },
  { loss = ["close:1000-1001", "close:4009"], clear = ["session", "resume_url", "seq"] },
]
reconnect = { give_up_on = ["close:4004", "close:4010-4014"] }
[connections.discord.heartbeat]
kind = "text"
first = "jitter"
from = "open"
interval = "${beat}ms"
timeout = "${beat}ms"
ping = '{"op":1,"d":${default(seq, null)}}'
pong = { when = '/op == 11' }
"#;
    let among = [
        // A resume is taken on the second socket.
        ("open_script 2", "no answer"),
        ("open_script 3", "cut behind the answer"),
        ("rule 1", "its message"),
        ("rule 4", "its message"),
        ("rule 5", "closed with 4009"),
        ("message", "closed with 4004"),
        ("message", "bytes"),
        ("heartbeat", "no answer"),
    ];
    let json = passes("discord", config, &among);
    let closed = run(&json, "message", "closed with 4004");
    assert_eq!(
        closed["text"],
        "gives up, as it is to: closed: the peer closed: 4004"
    );
}

#[test]
fn home_assistant_and_a_fleet_of_charge_points_pass() {
    let home = r#"
[connections.home]
url = "ws://homeassistant.local:8123/api/websocket"
open_script = [
  { expect = '/type == "auth_required"' },
  { send = '{"type":"auth","access_token":"${HA_TOKEN}"}', expect = '/type == "auth_ok"', give_up = '/type == "auth_invalid"' },
]
heartbeat = { kind = "text", ping = '{"id":${id},"type":"ping"}', pong = { when = '/type == "pong" && /id == id' }, interval = "30s", timeout = "10s" }
"#;
    passes("home", home, &CUTS);
    let ocpp = r#"
[fleet.cp]
range = [1, 300]
name = "cp-{i:04}"
url = "wss://csms.example/ocpp/{name}"
subprotocols = ["ocpp1.6"]
basic_auth = { user = "{name}", password = "${file:secrets/{name}}" }
heartbeat = { kind = "text", first = "jitter", interval = "${beat}s", timeout = "30s", ping = '[2,"${id}","Heartbeat",{}]', pong = { when = '/0 == 3 && /1 == text(id)' } }
[[fleet.cp.open_script]]
send = '[2,"${id}","BootNotification",{"chargePointVendor":"everwire","chargePointModel":"{name}"}]'
expect = '/0 == 3 && /1 == text(id) && /2/status == "Accepted"'
again = { when = '/0 == 3 && /1 == text(id) && /2/status in ["Pending", "Rejected"]', after = "${/2/interval}s" }
fail = '/0 == 4 && /1 == text(id)'
within = "30s"
capture = { beat = "/2/interval" }
[[fleet.cp.rules]]
when = '/0 == 2 && /2 == "TriggerMessage" && /3/requestedMessage == "Heartbeat"'
send = '[3,"${/1}",{"status":"Accepted"}]'
do = "beat"
[[fleet.cp.rules]]
when = '/0 == 2'
send = '[4,"${/1}","NotImplemented","",{}]'
"#;
    let among = [
        ("open_script 1", "asked for again"),
        ("open_script 1", "refused"),
        ("rule 1", "its message"),
        ("rule 2", "its message"),
    ];
    let json = passes("ocpp", ocpp, &among);
    assert_eq!(
        (&json["names"][0]["name"], &json["names"][0]["alike"]),
        (&"cp-0001".into(), &299.into())
    );
}

#[test]
fn what_is_said_again_and_before_the_close_passes() {
    let config = r#"
[connections.transcript]
url = "wss://speech.example/"
proxy = "http://proxy.example:3128"
headers = { Authorization = "Token ${file:not-there.token}" }
periodic = [
  { every = "4s", idle = true, send = '{"type":"KeepAlive"}' },
  { every = "1h", send = '{"id":${id},"type":"renew"}', expect = '/id == id && exists(/until)' },
]
close_script = [{ send = '{"type":"CloseStream"}', expect = '/type == "Metadata"', within = "5s" }]
"#;
    let among = [
        ("periodic 1", "cut before the answer"),
        ("periodic 2", "no answer"),
        ("close_script 1", "no answer"),
        ("close_script 1", "cut within the answer"),
    ];
    passes("transcript", config, &among);
}

#[test]
fn calls_of_scripts_are_answered_cut_and_refused() {
    let config = r#"
[connections.orders]
url = "wss://fstream.example/ws/${listen_key}"
prepare = [{ http = { method = "POST", url = "https://fapi.example/v1/listenKey", headers = { X-Key = "${TOKEN}" } }, capture = { listen_key = "/listenKey" } }]
open_script = [
  { http = { method = "POST", url = "https://fapi.example/v1/token" }, expect = 'status == 201', again = { when = 'status == 202', after = "${/wait}s" }, give_up = '/error == "banned"', capture = { token = { value = "/token", secret = true } } },
  { expect = '/type == "hello"' },
  { send = '{"id":${id},"token":"${token}"}', expect = '/id == id' },
]
periodic = [{ every = "30m", http = { method = "PUT", url = "https://fapi.example/v1/listenKey" } }]
close_script = [{ http = { method = "DELETE", url = "https://fapi.example/v1/listenKey" } }]
"#;
    let among = [
        ("all", "as written"),
        ("open_script 1", "cut within the answer"),
        ("open_script 1", "no answer"),
        ("open_script 1", "refused"),
        ("open_script 1", "refused for good"),
        ("open_script 1", "asked for again"),
        ("periodic 1", "refused"),
        ("close_script 1", "no answer"),
    ];
    passes("script-calls", config, &among);
}

#[test]
fn a_name_that_is_lost_for_its_own_greeting_spins() {
    let config = r#"
[connections.spins]
url = "wss://spin.example/"
open_script = [{ expect = '/type == "hello"' }]
rules = [{ when = '/type == "hello"', do = "reconnect" }]
"#;
    let (output, json) = rehearse("spins", config);
    assert_eq!(output.status.code(), Some(1));
    let whole = run(&json, "all", "as written");
    assert_eq!(
        (&whole["outcome"], &whole["trouble"]),
        (&"failed".into(), &"spins".into())
    );
    assert!(whole["text"].as_str().unwrap().contains("rule 1"));
    // All else would fail for the same.
    assert_eq!(json["failed"], 1);
    assert!(json["names"][0]["left_out"].as_u64().unwrap() > 10);
}

#[test]
fn a_name_that_gives_up_on_a_cut_never_comes_back() {
    let config = r#"
[connections.gone]
url = "wss://gone.example/"
open_script = [{ send = 'login ${TOKEN}', expect = '/ok == true', fail = '/ok == false' }]
reconnect = { give_up_on = ["cause:eof", "close:4000"] }
"#;
    let (output, json) = rehearse("gone", config);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(run(&json, "all", "as written")["outcome"], "passed");
    let cut = run(&json, "message", "cut behind the answer");
    assert_eq!(
        (&cut["outcome"], &cut["trouble"]),
        (&"failed".into(), &"gave_up".into())
    );
    assert!(
        cut["text"]
            .as_str()
            .unwrap()
            .starts_with("never comes back")
    );
    // This it was told to.
    assert_eq!(
        run(&json, "message", "closed with 4000")["outcome"],
        "passed"
    );
    assert!(stderr(&output).contains("runs failed"));
}

#[test]
fn a_secret_that_subscribers_get_is_told_and_not_shown() {
    let config = r#"
[connections.shown]
url = "wss://shown.example/?key=${KEY}"
open_script = [{ expect = '/type == "hello"' }]
rules = [{ when = '/type == "token"', capture = { token = { value = "/token", secret = true } } }]
"#;
    let (output, json) = rehearse("shown", config);
    assert_eq!(output.status.code(), Some(1));
    let shown = run(&json, "rule 1", "its message");
    assert_eq!(shown["trouble"], "shows_secret");
    assert_eq!(
        shown["text"],
        "shows the secret capture `token` in the event `message`"
    );
    assert_eq!(json["failed"], 1);
    let quiet = config.replace(
        "secret = true } } }",
        "secret = true } }, deliver = false }",
    );
    passes("quiet", &quiet, &[("rule 1", "its message")]);
}

#[test]
fn what_cannot_be_said_is_told_with_its_reason() {
    let config = r#"
[connections.odd]
url = "wss://odd.example/"
open_script = [{ send = '{"nonce":"${random(8, "hex")}"}', expect = 'hash("sha256", /nonce) == /sum' }]
"#;
    let (output, json) = rehearse("odd", config);
    assert!(output.status.success());
    let whole = run(&json, "all", "as written");
    assert_eq!(whole["outcome"], "not_inverted");
    assert!(
        whole["text"]
            .as_str()
            .unwrap()
            .contains("no message can be found from a value of `hash`")
    );
}

#[test]
fn names_are_chosen_by_a_pattern_and_a_table_is_for_a_person() {
    let config = r#"
[connections.one]
url = "wss://one.example/"
[connections.two]
url = "wss://two.example/"
open_script = [{ expect = 'message == "hello"' }]
"#;
    let path = file("rehearse_pattern.toml", config);
    let output = everwire(&["rehearse"])
        .arg(&path)
        .arg("tw*")
        .output()
        .unwrap();
    let told = stdout(&output);
    assert!(output.status.success(), "{told}{}", stderr(&output));
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("NAME  WHERE"), "{told}");
    assert!(
        lines[1]
            .starts_with("two   all            as written             passed   ready on 1 socket"),
        "{told}"
    );
    assert!(!told.contains("one "), "{told}");
    assert!(told.contains("Waits were shortened"), "{told}");
    let none = everwire(&["rehearse"])
        .arg(&path)
        .arg("three")
        .output()
        .unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(
        stderr(&none).contains("no connection of"),
        "{}",
        stderr(&none)
    );
    let invalid = file(
        "rehearse_invalid.toml",
        "connections.a = { url = 'ws://h', rules = [{ when = '/a ==' }] }",
    );
    let invalid = everwire(&["rehearse"]).arg(&invalid).output().unwrap();
    assert_eq!(invalid.status.code(), Some(2));
}

#[test]
fn what_a_socket_opens_with_is_no_surprise() {
    let config = r#"
[connections.feed]
url = "wss://feed.example/"
on_open = ['{"op":"subscribe","channel":"btc"}', "hello"]
"#;
    let json = passes("on_open", config, &[]);
    let written = run(&json, "all", "as written");
    assert_eq!(written["text"], "ready on 1 socket");
    let cut = run(&json, "message", "cut behind the answer");
    assert_eq!(cut["text"], "ready again, 2 sockets");
}
