//! The service with foreign clients: Python's `websockets` and `http.client`, Node's `ws` and
//! `fetch`.

#[path = "../../../tests/support/chaos.rs"]
mod chaos;
mod service_support;
#[path = "../../../tests/support/mod.rs"]
mod support;

use chaos::{End, Link, Proxy};
use everwire::testing::Peer;
use serde_json::{Value, json};
use service_support::{Running, http::Service};
use support::Foreign;

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']\n\
    [defaults]\nhistory = { messages = 100000, bytes = '64MiB' }\nheartbeat.interval = '50ms'";

/// Runs a client to its end. Returns its output, line by line.
fn run(foreign: Foreign, arguments: &[&str]) -> Vec<String> {
    let mut command = foreign.client();
    command.args(arguments);
    let (status, lines, stderr) = Running::spawn(command).end();
    assert!(status.success(), "{stderr}\n{lines:#?}");
    lines
}

fn parsed(lines: &[String]) -> Vec<Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    lines.iter().map(parse).collect()
}

fn echo(test: &str) -> (Peer, Service) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start(test, LOOPBACK);
    let settings = json!({ "url": peer.url("/echo") });
    assert_eq!(service.put("feed", &settings).status, 201);
    service.wait_for_state("feed", "open");
    (peer, service)
}

fn subscribes_and_sends(foreign: Foreign) {
    let (_peer, service) = echo(&format!("clients-ws-{foreign:?}"));
    let url = format!("ws://{}/v1/ws", service.listen);
    let told = parsed(&run(foreign, &["ws", &url, "feed"]));
    assert_eq!(told.len(), 8, "{told:#?}");
    assert_eq!(
        (&told[0]["type"], &told[0]["id"]),
        (&json!("ack"), &json!("s"))
    );
    for (pair, id, fates, key, payload) in [
        (&told[1..3], "t", &["confirmed"][..], "text", "grüße"),
        (
            &told[3..5],
            "b",
            &["written", "confirmed"],
            "base64",
            "AP8=",
        ),
    ] {
        // The echo may come before the fate is known.
        let is_ack = |told: &&Value| told["type"] == "ack";
        let ack = pair.iter().find(is_ack).unwrap();
        let message = pair.iter().find(|told| !is_ack(told)).unwrap();
        assert_eq!(ack["id"], id);
        assert!(fates.contains(&ack["fate"].as_str().unwrap()), "{ack}");
        assert_eq!(message[key], payload, "{message}");
        assert_eq!(message["subscription"], "s", "{message}");
    }
    assert_eq!(
        (&told[5]["id"], &told[5]["problem"]["status"]),
        (&json!("n"), &json!(404))
    );
    assert_eq!(told[6], json!({ "type": "ack", "id": "s" }));
    assert_eq!(told[7], json!({ "closed": 1000 }));
}

fn talks_over_the_raw_bridge(foreign: Foreign) {
    let (_peer, service) = echo(&format!("clients-raw-{foreign:?}"));
    let url = format!("ws://{}/v1/connections/feed/raw", service.listen);
    let told = parsed(&run(foreign, &["raw", &url]));
    let expected = [
        json!({ "text": "grüße" }),
        json!({ "text": "" }),
        json!({ "base64": "AP8=" }),
        json!({ "text": "x".repeat(70_000) }),
        json!({ "closed": 1000 }),
    ];
    assert_eq!(told, expected);
}

const MESSAGES: u64 = 1000;
const CUTS: u64 = 8;

/// A client that is cut off repeatedly, within an event as well as between two, receives each event
/// of a feed once.
fn misses_nothing_when_it_is_cut(foreign: Foreign, command: &str, path: &str) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start(&format!("clients-{command}-{foreign:?}"), LOOPBACK);
    let (_, port) = service.listen.rsplit_once(':').unwrap();
    let mut links = 0;
    let proxy = Proxy::start(port.parse().unwrap(), move || {
        links += 1;
        let end = (links <= CUTS).then_some((10_000 + 777 * links, End::Reset));
        Link {
            end,
            ..Link::default()
        }
    });
    let url = proxy.url(path);
    let url = match path {
        "/v1/events" => url.replacen("ws:", "http:", 1),
        _ => url,
    };
    let settings = json!({ "url": peer.url("/feed?every=1ms"), "enabled": false });
    assert_eq!(service.put("feed", &settings).status, 201);
    let before = service.status("feed")["subscribers"].as_u64().unwrap();
    let mut client = foreign.client();
    client.args([command, &url, &MESSAGES.to_string()]);
    let client = Running::spawn(client);
    // Events before its arrival are not sent.
    service.wait_for("feed", "the client", |status| {
        status["subscribers"].as_u64() > Some(before)
    });
    service.post("/v1/connections/feed/connect", "");
    let (status, lines, stderr) = client.end();
    assert!(status.success(), "{stderr}\n{lines:#?}");

    let (again, events): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line == "again");
    assert!(again.len() as u64 >= CUTS, "{}", again.len());
    let (mut seq, mut cursor, mut messages) = (0, 0, 0);
    for event in parsed(&events) {
        seq += 1;
        assert_eq!(
            (&event["name"], &event["seq"]),
            (&json!("feed"), &json!(seq))
        );
        let place = u64::from_str_radix(event["cursor"].as_str().unwrap(), 16).unwrap();
        assert!(place > cursor, "{event}");
        cursor = place;
        if event["type"] == "message" {
            messages += 1;
            assert_eq!(event["text"], format!(r#"{{"t":{messages}}}"#));
        }
    }
    assert_eq!(messages, MESSAGES);
}

fn misses_no_server_sent_event(foreign: Foreign) {
    misses_nothing_when_it_is_cut(foreign, "sse-resume", "/v1/events");
}

fn misses_nothing_over_websockets(foreign: Foreign) {
    misses_nothing_when_it_is_cut(foreign, "ws-resume", "/v1/ws");
}

/// Each conversation with each client.
macro_rules! with_each_client {
    ($($conversation:ident),+ $(,)?) => {
        mod python {
            $(#[test]
            fn $conversation() {
                super::$conversation(super::Foreign::Python);
            })+
        }
        mod node {
            $(#[test]
            fn $conversation() {
                super::$conversation(super::Foreign::Node);
            })+
        }
    };
}

with_each_client! {
    subscribes_and_sends,
    talks_over_the_raw_bridge,
    misses_no_server_sent_event,
    misses_nothing_over_websockets,
}
