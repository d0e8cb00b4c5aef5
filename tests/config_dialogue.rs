//! The accepted keys of a dialogue, and the settings they produce.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use std::{sync::Arc, time::Duration};

use everwire::config::{
    ConnectionSettings, DialPolicy, GiveUpRule, Heartbeat, Inherited, Opening, Template, masked,
};
use everwire_proto::{
    decode::{Decoding, Separator, Stage},
    language::Name,
    settings::dialogue::{
        Dialogue, FirstBeat, HeartbeatStart, RuleAction, RuleDelay, Sending, Trigger,
    },
};
use memory::Memory;
use serde_json::json;

fn memory() -> Memory {
    Memory::default()
        .with_variable("KEY", "k3y-of-the-environment")
        .with_variable("N", "5")
}

fn connection(keys: &str) -> ConnectionSettings {
    memory()
        .connection(keys)
        .unwrap_or_else(|errors| panic!("{keys}\n{errors}"))
}

fn dialogue(keys: &str) -> Arc<Dialogue> {
    connection(keys)
        .dialogue
        .unwrap_or_else(|| panic!("no dialogue: {keys}"))
}

/// A login like OKX's, a resume like Discord's, a start like OCPP's.
const SESSION: &str = r#"
let = { ts = '${now("s")}', sign = '${hmac("sha256", KEY, ts ~ "GET/verify", "base64")}' }
capture = { seq = "/s", owner = { value = "/user/id", when = 'exists(/user)', secret = true } }
ids = { from = 1000 }
idle_timeout = "${beat}ms"
open_script = [
  { expect = '/op == 10', capture = { beat = "/d/heartbeat_interval" } },
  { if = 'session', send = '{"op":6,"session":"${session}","seq":${seq}}', expect = '/op == 0', within = "1m" },
  { if = '!session', send = '{"op":2,"key":"${KEY}","ts":${ts},"sign":"${sign}","id":${id}}', expect = '/id == id', count = 2, fail = '/op == 9', give_up = '/code == "4004"', again = { when = '/status == "Pending"', after = "${/interval}s" }, capture = { session = { value = "/session", secret = true } }, clear = ["seq"] },
  { send = { base64 = "AAEC" } },
  { send = { bytes = '${unbase64(session)}' }, if = 'session' },
]
rules = [
  { when = '/op == 1', do = "beat" },
  { when = '/op == 7', send = { text = '{"pong":${/ping}}' }, deliver = false, capture = { host = "/host" }, clear = ["session", "seq"], do = "reconnect", url = "${/url}", delay = "1s-5s" },
  { loss = ["close:4009", "cause:dial", "status:401"], clear = ["session"], do = "reconnect", delay = "5s" },
]
[connections.a.heartbeat]
kind = "text"
interval = "${beat}ms"
timeout = "${beat}ms"
ping = '{"op":1,"d":${default(seq, null)}}'
pong = { when = '/op == 11' }
first = "jitter"
from = "open"
"#;

#[test]
fn each_key_becomes_what_it_says() {
    let settings = connection(SESSION);
    let dialogue = settings.dialogue.clone().unwrap();
    let names: Vec<&str> = dialogue.names.captures().collect();
    assert_eq!(names, ["beat", "host", "owner", "seq", "session"]);
    assert_eq!(dialogue.names.lets().collect::<Vec<_>>(), ["sign", "ts"]);
    let capture = |name: &str| match dialogue.names.find(name) {
        Some(Name::Capture(number)) => number,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(dialogue.first_id, 1000);
    assert_eq!(settings.idle_timeout, None);
    assert_eq!(
        dialogue.idle_timeout.as_ref().unwrap().0.as_str(),
        "${beat}ms"
    );

    let [owner, seq] = &dialogue.captures[..] else {
        panic!("{:?}", dialogue.captures)
    };
    assert_eq!((owner.name, seq.name), (capture("owner"), capture("seq")));
    assert_eq!((owner.secret, seq.secret), (true, false));
    assert_eq!(owner.when.as_ref().unwrap().as_str(), "exists(/user)");

    let [hello, resume, login, binary, filled] = &dialogue.open_script[..] else {
        panic!("{:?}", dialogue.open_script)
    };
    assert!(hello.send.is_none() && !hello.is_secret());
    assert_eq!(hello.within, Duration::from_secs(10));
    assert_eq!(resume.condition.as_ref().unwrap().as_str(), "session");
    assert_eq!(resume.within, Duration::from_secs(60));
    assert!(login.is_secret());
    assert_eq!(
        (login.count.get(), &login.clear[..]),
        (2, &[capture("seq")][..])
    );
    assert_eq!(login.fail.as_ref().unwrap().as_str(), "/op == 9");
    assert_eq!(
        login.give_up.as_ref().unwrap().as_str(),
        "/code == \"4004\""
    );
    let again = login.again.as_ref().unwrap();
    assert_eq!(again.after.as_ref().unwrap().0.as_str(), "${/interval}s");
    assert!(matches!(&login.send, Some(Sending::Text(text)) if text.is_json()));
    assert_eq!(binary.send, Some(Sending::Binary(vec![0, 1, 2].into())));
    assert!(matches!(&filled.send, Some(Sending::Bytes(_))));

    let [beat, moved, lost] = &dialogue.rules[..] else {
        panic!("{:?}", dialogue.rules)
    };
    assert_eq!((beat.action, beat.deliver), (Some(RuleAction::Beat), true));
    assert_eq!(
        (moved.action, moved.deliver),
        (Some(RuleAction::Reconnect), false)
    );
    assert_eq!(moved.url.as_ref().unwrap().as_str(), "${/url}");
    assert_eq!(moved.clear, [capture("seq"), capture("session")]);
    let [one, five] = [1, 5].map(Duration::from_secs);
    assert_eq!(
        moved.delay,
        Some(RuleDelay {
            min: one,
            max: five
        })
    );
    assert_eq!(
        lost.delay,
        Some(RuleDelay {
            min: five,
            max: five
        })
    );
    assert_eq!(
        lost.trigger,
        Trigger::Loss(vec![
            GiveUpRule::Close(4009..=4009),
            GiveUpRule::Cause("dial"),
            GiveUpRule::Status(401..=401),
        ])
    );

    let heartbeat = dialogue.heartbeat.as_ref().unwrap();
    assert_eq!(heartbeat.pong.as_ref().unwrap().as_str(), "/op == 11");
    assert_eq!(
        (heartbeat.first, heartbeat.from),
        (FirstBeat::Jitter, HeartbeatStart::Open)
    );
    assert_eq!(heartbeat.interval, heartbeat.timeout);
    assert!(settings.heartbeat.is_text());
    // A condition such as `/op == 1` needs only the key in the message, not a text.
    assert!(dialogue.needles.any_in(br#"{"op":5}"#));
}

#[test]
fn nothing_is_said_where_no_key_says_something() {
    for keys in [
        "",
        "let = {}\ncapture = {}\nopen_script = []\nrules = []\nids = { from = 1 }",
        "on_open = ['{ping}', '{\"n\":${N}}', { base64 = 'AAEC' }]",
        "heartbeat = { kind = 'text', ping = '$${x}', first = 'interval', from = 'ready' }",
        "idle_timeout = '5s'",
    ] {
        assert_eq!(connection(keys).dialogue, None, "{keys}");
    }
    let on_open = connection("on_open = ['{ping}', '{\"n\":${N}}']").on_open;
    let Opening::Text(number) = &on_open[1] else {
        panic!("{on_open:?}")
    };
    assert_eq!(on_open[0], Opening::Text(Template::literal("{ping}")));
    assert_eq!(
        number.render(|_| unreachable!()).unwrap().expose(),
        "{\"n\":5}"
    );
}

#[test]
fn on_open_with_an_expression_is_a_script_that_expects_nothing() {
    let keys =
        r#"on_open = ['{"id":${id}}', 'plain ${N}', { text = '$${x}' }, { base64 = 'AAEC' }]"#;
    let settings = connection(keys);
    assert_eq!(settings.on_open, []);
    let script = r#"open_script = [{ send = '{"id":${id}}' }, { send = 'plain ${N}' }, { send = { text = '$${x}' } }, { send = { base64 = 'AAEC' } }]"#;
    assert_eq!(settings, connection(script));
    assert!(
        settings
            .dialogue
            .unwrap()
            .open_script
            .iter()
            .all(|step| step.expect.is_none())
    );
}

#[test]
fn what_is_shown_is_what_was_written_and_reads_back_as_the_same() {
    let settings = connection(SESSION);
    let shown = masked(&settings);
    assert_eq!(
        shown["let"]["sign"],
        r#"${hmac("sha256", KEY, ts ~ "GET/verify", "base64")}"#
    );
    assert_eq!(
        shown["open_script"][2]["send"],
        r#"{"op":2,"key":"${KEY}","ts":${ts},"sign":"${sign}","id":${id}}"#
    );
    assert_eq!(shown["heartbeat"]["pong"], json!({ "when": "/op == 11" }));
    assert_eq!(shown["heartbeat"]["from"], "open");
    assert_eq!(shown["idle_timeout"], "${beat}ms");
    assert_eq!(shown["rules"][1]["delay"], "1s-5s");
    assert!(!shown.to_string().contains("k3y"), "{shown}");
    assert!(!format!("{settings:?}").contains("k3y"));

    let silent = masked(&connection(""));
    assert_eq!(silent["open_script"], json!([]));
    assert_eq!(
        (&silent["let"], &silent["ids"]),
        (&json!({}), &json!({ "from": 1 }))
    );

    // Over the API no variable may be named, so it is left out here.
    let shown: serde_json::Value = serde_json::from_str(
        &shown
            .to_string()
            .replace("KEY", "id")
            .replace("${id}", "${ts}"),
    )
    .unwrap();
    let read = |json: &serde_json::Value| {
        Inherited::default()
            .connection(json.to_string().as_bytes(), &DialPolicy::Any)
            .unwrap_or_else(|errors| panic!("{json}\n{errors:?}"))
    };
    let again = masked(&read(&shown));
    assert_eq!(read(&again), read(&shown));
    for key in [
        "let",
        "capture",
        "open_script",
        "rules",
        "ids",
        "heartbeat",
        "idle_timeout",
    ] {
        assert_eq!(again[key], shown[key], "{key}");
    }
}

#[test]
fn tables_merge_and_arrays_replace() {
    let text = r#"
[defaults]
let = { a = "1", b = "2" }
capture = { x = { value = "/x", secret = true }, y = "/y" }
rules = [{ when = '/a' }, { when = '/b' }]
on_open = ["${id}"]
[connections.plain]
url = "wss://h"
[connections.own]
url = "wss://h"
let = { b = "3", c = "4" }
capture = { x = { when = '/when' }, z = "/z" }
rules = [{ when = '/c' }]
open_script = [{ expect = '/hello' }]
"#;
    let settings = memory()
        .read(text)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let [plain, own] = ["plain", "own"].map(|name| masked(&settings.connections[name]));
    assert_eq!(plain["let"], json!({ "a": "1", "b": "2" }));
    assert_eq!(plain["open_script"], json!([{ "send": "${id}" }]));
    assert_eq!(own["let"], json!({ "a": "1", "b": "3", "c": "4" }));
    assert_eq!(
        own["capture"],
        json!({ "x": { "value": "/x", "when": "/when", "secret": true }, "y": "/y", "z": "/z" })
    );
    assert_eq!(own["rules"].as_array().map(Vec::len), Some(1));
    // If `on_open` and `open_script` are set in different layers, the nearer one counts.
    assert_eq!(own["open_script"].as_array().map(Vec::len), Some(1));
    assert_eq!(settings.connections["own"].on_open, []);
}

#[test]
fn names_that_say_the_same_share_one_dialogue() {
    let text = r#"
[fleet.cp]
range = [1, 3]
name = "cp-{i}"
url = "wss://csms.example/{name}"
rules = [{ when = '/0 == 2', send = '[4,"${/1}","NotImplemented","",{}]' }]
[fleet.own]
range = [1, 2]
name = "own-{i}"
url = "wss://csms.example/{name}"
open_script = [{ send = '[2,"${id}","Boot",{"name":"{name}"}]', expect = '/0 == 3' }]
[connections.apart]
url = "wss://csms.example/apart"
rules = [{ send = '[4,"${/1}","NotImplemented","",{}]', when = '/0 == 2' }]
"#;
    let settings = memory()
        .read(text)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let of = |name: &str| settings.connections[name].dialogue.clone().unwrap();
    assert!(Arc::ptr_eq(&of("cp-1"), &of("cp-2")) && Arc::ptr_eq(&of("cp-1"), &of("cp-3")));
    assert_eq!(of("cp-1"), of("apart"));
    let Some(Sending::Text(text)) = &of("own-2").open_script[0].send else {
        panic!()
    };
    assert_eq!(text.as_str(), r#"[2,"${id}","Boot",{"name":"own-2"}]"#);
    assert_ne!(of("own-1"), of("own-2"));
}

#[test]
fn the_order_of_names_makes_no_other_dialogue() {
    let one = dialogue("let = { a = '${/x}', b = '${a}' }\ncapture = { p = '/p', q = '/q' }");
    let other = dialogue("capture = { q = '/q', p = '/p' }\nlet = { b = '${a}', a = '${/x}' }");
    assert_eq!(one, other);
}

#[test]
fn files_and_stored_secrets_of_a_dialogue_are_known() {
    let source = memory().with_file(
        "conf/a.toml",
        "[connections.a]\nurl = 'wss://h'\nlet = { pem = '${file:k.pem}', token = '${secret:tok}' }\n\
         open_script = [{ send = '${id} ${secret:other}' }]",
    );
    let settings = everwire::config::Settings::load_with("conf/a.toml", &source).unwrap();
    let settings = &settings.connections["a"];
    let mut ids: Vec<&str> = settings.secret_ids().collect();
    ids.sort_unstable();
    assert_eq!(ids, ["other", "tok"]);
    let dialogue = settings.dialogue.as_ref().unwrap();
    let pem = dialogue
        .lets
        .get(dialogue.names.find("pem").unwrap())
        .unwrap();
    let file = pem.as_template().unwrap();
    assert_eq!(
        file.files().collect::<Vec<_>>(),
        [std::path::Path::new("conf/k.pem")]
    );
}

#[test]
fn what_a_file_says_to_its_servers_is_not_inherited_over_the_api() {
    let text = format!(
        "[defaults]\n{}\n[connections.a]\nurl = 'wss://h'",
        SESSION.replace("connections.a", "defaults")
    );
    let settings = memory()
        .read(&text)
        .unwrap_or_else(|errors| panic!("{errors}"));
    assert!(settings.connections["a"].dialogue.is_some());
    let json = br#"{"url": "wss://example.com"}"#;
    let api = settings
        .inherited
        .connection(json, &DialPolicy::Any)
        .unwrap();
    assert_eq!(api.dialogue, None);
    assert_eq!(
        (api.heartbeat, api.idle_timeout),
        (Heartbeat::default(), None)
    );

    let plain = "[defaults]\nheartbeat = { kind = 'text', ping = 'hi' }\nidle_timeout = '9s'";
    let settings = memory().read(plain).unwrap();
    let api = settings
        .inherited
        .connection(json, &DialPolicy::Any)
        .unwrap();
    assert!(api.heartbeat.is_text() && api.idle_timeout.is_some());
}

#[test]
fn what_a_server_does_to_its_messages_is_undone_in_the_order_that_is_written() {
    let record = || Stage::Split(Separator::new("\u{1e}").unwrap());
    for (keys, stages, shown) in [
        ("", vec![], json!("none")),
        ("decode = 'none'", vec![], json!("none")),
        ("decode = []", vec![], json!("none")),
        ("decode = 'gzip'", vec![Stage::Gzip], json!("gzip")),
        ("decode = 'zlib'", vec![Stage::Zlib], json!("zlib")),
        (
            "decode = ['deflate']",
            vec![Stage::Deflate],
            json!("deflate"),
        ),
        (
            "decode = 'zlib-stream'",
            vec![Stage::ZlibStream],
            json!("zlib-stream"),
        ),
        (
            "decode = { split = \"\\u001e\" }",
            vec![record()],
            json!({ "split": "\u{1e}" }),
        ),
        (
            "decode = [\"gzip\", { split = \"\\u001e\" }]",
            vec![Stage::Gzip, record()],
            json!(["gzip", { "split": "\u{1e}" }]),
        ),
    ] {
        let settings = connection(keys);
        let found = settings.decode.as_ref().map_or(&[][..], Decoding::stages);
        assert_eq!(found, stages, "{keys}");
        assert!(settings.dialogue.is_none(), "{keys}");
        let masked = masked(&settings);
        assert_eq!(masked["decode"], shown, "{keys}");
        let again = json!({ "url": "ws://h", "decode": masked["decode"] }).to_string();
        let again = Inherited::default().connection(again.as_bytes(), &DialPolicy::Any);
        assert_eq!(again.unwrap().decode, settings.decode, "{keys}");
    }
}

#[test]
fn a_nearer_decode_takes_the_place_of_a_farther_one() {
    let layered = |own: &str| {
        let text = format!(
            "[defaults]\ndecode = ['gzip', {{ split = \"\\n\" }}]\n[connections.a]\nurl = 'ws://h'\n{own}\n"
        );
        let settings = memory().read(&text).unwrap();
        let decode = settings.connections["a"].decode.clone();
        decode.map_or_else(Vec::new, |decode| decode.stages().to_vec())
    };
    assert_eq!(layered("").len(), 2);
    assert_eq!(layered("decode = 'zlib'"), [Stage::Zlib]);
    assert_eq!(layered("decode = 'none'"), []);
}

const STEPS: &str = r#"
rate = ["site", "day"]
let = { bearer = '${jwt("RS256", KEY, "{}", "{}")}' }
capture = { expires = "/expires" }
periodic = [
  { every = "${expires - 60}s", send = 'refresh ${bearer}', expect = "/token", fail = "/error", within = "3s", capture = { token = "/token" }, rate = "site" },
  { every = "4s", idle = true, send = "alive ${default(token, expires)}" },
]
close_script = [
  { if = "token", send = "logout ${token}", expect = "/bye", rate = ["day", "site"] },
  { send = { base64 = "AAEC" } },
]
"#;

#[test]
fn steps_beside_the_open_script_become_what_they_say() {
    let text = |limit: u32| {
        format!(
            "[rates]\nsite = {{ messages = {limit} }}\nday = {{ messages = 1000, per = '24h' }}\n[connections.a]\nurl = 'wss://h'\n{STEPS}"
        )
    };
    let read = |limit: u32| {
        let settings = memory().read(&text(limit));
        let settings = settings.unwrap_or_else(|errors| panic!("{errors}"));
        settings.connections["a"].clone()
    };
    let settings = read(5);
    let dialogue = settings.dialogue.clone().unwrap();
    let [refresh, alive] = &dialogue.periodic[..] else {
        panic!("{:?}", dialogue.periodic)
    };
    assert_eq!(refresh.every.0.as_str(), "${expires - 60}s");
    assert_eq!((refresh.idle, alive.idle), (false, true));
    assert_eq!(alive.every.0.as_str(), "4s");
    assert_eq!(refresh.step.within, Duration::from_secs(3));
    let keys = |step: &everwire_proto::settings::dialogue::ScriptStep| -> Vec<String> {
        let keys = step.rate.iter().map(|rate| rate.bucket.as_deref());
        keys.map(|key| key.unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&refresh.step), ["site"]);
    let [logout, _] = &dialogue.close_script[..] else {
        panic!("{:?}", dialogue.close_script)
    };
    assert_eq!(keys(logout), ["day", "site"]);
    assert_eq!(settings.rate.len(), 2);
    let masked = masked(&settings);
    assert_eq!(
        masked["periodic"],
        json!([
            {
                "every": "${expires - 60}s", "idle": false, "send": "refresh ${bearer}", "expect": "/token", "count": 1,
                "fail": "/error", "within": "3s", "capture": { "token": "/token" }, "rate": "site",
            },
            { "every": "4s", "idle": true, "send": "alive ${default(token, expires)}" },
        ])
    );
    assert_eq!(
        masked["close_script"],
        json!([
            {
                "if": "token", "send": "logout ${token}", "expect": "/bye", "count": 1, "within": "10s",
                "rate": ["day", "site"],
            },
            { "send": { "base64": "AAEC" } },
        ])
    );
    // Other numbers for a bucket need no other socket; another bucket does.
    let changes =
        |new: &ConnectionSettings| everwire_proto::settings::Changes::between(&settings, new);
    assert!(changes(&settings).is_empty());
    let numbers = changes(&read(7));
    assert_eq!(
        (&numbers.keys[..], numbers.needs_socket),
        (&["periodic", "close_script", "rate"][..], false)
    );
    let mut other = (*dialogue).clone();
    other.periodic[0].step.rate.clear();
    let other = ConnectionSettings {
        dialogue: Some(Arc::new(other)),
        ..settings.clone()
    };
    assert!(changes(&other).needs_socket);
}

#[test]
fn what_only_periodic_steps_and_a_close_script_say_is_a_dialogue() {
    for keys in [
        "periodic = [{ every = '5s', send = 'x' }]",
        "close_script = [{ send = 'x' }]",
    ] {
        assert!(!dialogue(keys).is_empty(), "{keys}");
    }
    assert_eq!(
        connection("periodic = []\nclose_script = []").dialogue,
        None
    );
}

#[test]
fn a_request_says_where_its_number_stands_and_what_answers_it() {
    let settings = connection(
        "request = { id = '/1', answer = '(/0 == 3 || /0 == 4) && /1 == text(id)', fail = '/0 == 4', in_flight = 1 }",
    );
    let dialogue = settings.dialogue.clone().unwrap();
    let request = dialogue.request.as_ref().unwrap();
    assert_eq!(request.id.to_string(), "/1");
    assert_eq!(request.fail.as_ref().unwrap().as_str(), "/0 == 4");
    assert_eq!(
        (request.within, request.in_flight.get()),
        (Duration::from_secs(10), 1)
    );
    // One place in an answer identifies the request.
    assert_eq!(request.echoes(), [request.key().unwrap()]);
    let shown = masked(&settings)["request"].clone();
    assert_eq!(
        shown,
        json!({
            "id": "/1", "answer": "(/0 == 3 || /0 == 4) && /1 == text(id)", "fail": "/0 == 4",
            "within": "10s", "in_flight": 1,
        })
    );
    let usual = self::dialogue("request = { id = '/id', answer = '/id == id' }\nids.from = 1");
    assert_eq!(usual.request.as_ref().unwrap().in_flight.get(), 1024);
    assert_eq!(masked(&connection(""))["request"], json!(null));
}
