//! `everwire rehearse`: configurations against a peer that is generated from them.

mod service_support;

use std::{fs, process::Output};

use serde_json::Value as Json;
use service_support::{everwire, file, root, stderr, stdout};

/// A rehearsal of this configuration, and its result.
fn rehearse(name: &str, config: &str) -> (Output, Json) {
    let path = file(&format!("rehearse_{name}.toml"), config);
    let mut command = everwire(&["rehearse", "--json"]);
    let output = command.arg(&path).output().unwrap();
    let told = stdout(&output);
    let json = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}{}", stderr(&output)));
    (output, json)
}

/// A shipped recipe.
fn recipe(name: &str) -> String {
    let path = root().join(format!("config/recipes/{name}.toml"));
    fs::read_to_string(path).unwrap()
}

/// The runs of the only name: place, failure, and result.
fn runs(json: &Json) -> Vec<(String, String, &Json)> {
    let runs = json["names"][0]["runs"].as_array().unwrap();
    let text = |run: &Json, key: &str| run[key].as_str().unwrap().to_owned();
    runs.iter()
        .map(|run| (text(run, "place"), text(run, "what"), run))
        .collect()
}

/// The run with this failure at this place.
fn run<'j>(json: &'j Json, place: &str, what: &str) -> &'j Json {
    let found = runs(json)
        .into_iter()
        .find(|(at, is, _)| at == place && is == what);
    found
        .unwrap_or_else(|| panic!("no {what} at {place}: {json:#}"))
        .2
}

/// Asserts that all runs pass, and that these are among them.
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

/// Some of the cuts, which exist for every name.
const CUTS: [(&str, &str); 5] = [
    ("all", "as written"),
    ("open_script 1", "cut before the answer"),
    ("open_script 1", "cut within the answer"),
    ("open_script 1", "cut behind the answer"),
    ("open_script 1", "no answer"),
];

#[test]
fn okx_logs_in_is_refused_and_rotates() {
    let json = passes("okx", &recipe("okx"), &CUTS);
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
            .starts_with("gives up, as it should: script_refused")
    );
    let rotated = run(&json, "rule 1", "its message");
    assert_eq!(rotated["text"], "ready again, 2 sockets");
}

/// The failures for a name with subscriptions.
const SUBSCRIBES: [(&str, &str); 6] = [
    ("subscribe", "cut before the answer"),
    ("subscribe", "cut within the answer"),
    ("subscribe", "cut behind the answer"),
    ("subscribe", "no answer"),
    ("subscribe", "not JSON"),
    ("subscribe", "refused"),
];

#[test]
fn subscriptions_are_asked_for_and_may_be_refused() {
    let batches = r#"
[connections.market]
url = "wss://stream.example/stream"
[connections.market.subscribe]
on = '{"method":"SUBSCRIBE","params":${items},"id":${id}}'
off = '{"method":"UNSUBSCRIBE","params":${items},"id":${id}}'
ack = '/id == id && /result == null'
fail = '/id == id && exists(/error)'
batch = 2
route = { json = "/stream", id = "${item}" }
[connections.market.subscriptions]
trades = "btcusdt@trade"
depth = "btcusdt@depth"
quotes = "btcusdt@quotes"
"#;
    passes("subscribes_batches", batches, &SUBSCRIBES);
    let handles = r#"
[connections.eth]
url = "wss://node.example/${ETH_KEY}"
[connections.eth.subscribe]
on = '{"jsonrpc":"2.0","id":${id},"method":"eth_subscribe","params":${item}}'
off = '{"jsonrpc":"2.0","id":${id},"method":"eth_unsubscribe","params":["${sub}"]}'
ack = '/id == id && exists(/result)'
fail = '/id == id && exists(/error)'
capture = { sub = "/result" }
route = { json = "/params/subscription", id = "${sub}" }
[connections.eth.subscriptions]
heads = ["newHeads"]
logs = { item = ["logs", { topics = ["0xdd"] }] }
"#;
    passes("subscribes_handles", handles, &SUBSCRIBES);
}

#[test]
fn subscriptions_whose_answers_name_their_key_are_answered_by_key() {
    let config = r#"
[connections.user]
url = "wss://user.example"
open_script = [{ send = '{"op":"login","token":"${TOKEN}"}', expect = '/op == "in"', fail = '/op == "out"' }]
[connections.user.subscribe]
on = '{"type":"subscribe","channel":"${key}","product_ids":${item}}'
ack = '/channel == "subscriptions" && exists(at(/events/0/subscriptions, "/" ~ key))'
fail = '/type == "error"'
[connections.user.subscriptions]
heartbeats = { item = [] }
orders = { item = ["BTC-USD"] }
"#;
    passes("subscribes_keys", config, &SUBSCRIBES);
    // The server answers only with refusals.
    let silent = r#"
[connections.graph]
url = "wss://graph.example"
subscribe = { on = '{"id":"${key}","type":"subscribe","payload":${item}}', fail = '/type == "error" && /id == key', end = '/type == "complete" && /id == key' }
subscriptions = { trades = { item = { query = "subscription { trades { price } }" } } }
"#;
    let among = [
        ("subscribe", "cut before the answer"),
        ("subscribe", "refused"),
    ];
    passes("subscribes_silent", silent, &among);
}

#[test]
fn slack_asks_for_its_url_and_answers_what_is_stored() {
    let among = [
        ("prepare 1", "cut within the answer"),
        ("prepare 1", "no answer"),
        ("prepare 1", "refused"),
        ("prepare 1", "refused for good"),
        ("rule 1", "its message"),
        ("rule 2", "its message"),
        ("rule 3", "its message"),
    ];
    let json = passes("slack", &recipe("slack"), &among);
    assert_eq!(json["names"][0]["runs"].as_array().unwrap().len(), 28);
}

#[test]
fn discord_identifies_resumes_and_beats_over_a_compressed_stream() {
    let among = [
        // On the second socket the session is resumed.
        ("open_script 2", "no answer"),
        ("open_script 3", "cut behind the answer"),
        ("rule 1", "its message"),
        ("rule 4", "its message"),
        ("rule 5", "closed with 4009"),
        ("message", "closed with 4004"),
        ("message", "bytes"),
        ("heartbeat", "no answer"),
    ];
    let json = passes("discord", &recipe("discord"), &among);
    let closed = run(&json, "message", "closed with 4004");
    assert_eq!(
        closed["text"],
        "gives up, as it should: closed: the peer closed: 4004"
    );
}

#[test]
fn home_assistant_and_a_fleet_of_charge_points_pass() {
    passes("home", &recipe("home-assistant"), &CUTS);
    let among = [
        ("open_script 1", "asked for again"),
        ("open_script 1", "refused"),
        ("rule 1", "its message"),
        ("rule 2", "its message"),
    ];
    let json = passes("ocpp", &recipe("ocpp"), &among);
    assert_eq!(
        (&json["names"][0]["name"], &json["names"][0]["alike"]),
        (&"cp-0001".into(), &2.into())
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
    // All other runs would fail for the same reason.
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
    // It was told to do this.
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
        stderr(&none).contains("has no such connection"),
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
