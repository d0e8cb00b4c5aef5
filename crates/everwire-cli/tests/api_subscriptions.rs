//! Live subscriptions, over HTTP, over the downstream WebSocket, and on the command line.

mod service_support;

use std::{
    thread,
    time::{Duration, Instant},
};

use everwire::{
    Message,
    testing::{How, Peer, Script},
};
use serde_json::{Value, json};
use service_support::{
    SOON,
    cli::{ask, done},
    http::{Answer, Client, JSON, Service},
    sse::Sse,
    stderr,
    ways::Way,
    ws::Socket,
};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

/// A peer that refuses `bad` by name, does not answer for `mute`, and accepts all others.
fn market() -> Peer {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/market", serves());
    peer
}

fn serves() -> Script {
    Script::reply_with(|message| {
        let said: Value = serde_json::from_str(message.as_text().unwrap_or_default()).unwrap();
        let (op, item) = (&said["op"], &said["arg"]);
        let answer = match (op.as_str(), item.as_str()) {
            (Some("sub"), Some("bad")) => json!({ "refused": item, "why": "no such stream" }),
            (Some("sub"), Some("mute")) => return Vec::new(),
            (Some("sub"), _) => json!({ "id": said["id"], "result": null }),
            _ => return Vec::new(),
        };
        vec![Message::text(answer.to_string())]
    })
}

fn subscribe() -> Value {
    json!({
        "on": r#"{"op":"sub","id":${id},"arg":${item}}"#,
        "off": r#"{"op":"unsub","arg":${item}}"#,
        "ack": "/id == id",
        "fail": "/refused == key",
        "within": "1s",
        "max": 4,
        "route": { "json": "/stream", "id": "${item}" },
    })
}

fn open(service: &Service, peer: &Peer) {
    let settings = json!({ "url": peer.url("/market"), "subscribe": subscribe(), "history": { "messages": 100, "durable": true } });
    assert_eq!(service.put("feed", &settings).status, 201);
    service.wait_for_state("feed", "open");
}

fn target(key: &str) -> String {
    format!("/v1/connections/feed/subscriptions/{key}")
}

fn put(client: &Client, key: &str, body: &str) -> Answer {
    client.ask("PUT", &target(key), &[JSON], body.as_bytes())
}

/// One subscription of the list.
fn listed(client: &Client, key: &str) -> Value {
    let list = client.get("/v1/connections/feed/subscriptions").json();
    let all = list["subscriptions"].as_array().unwrap().iter();
    let mut found = all.filter(|one| one["key"] == key);
    found.next().cloned().unwrap_or_default()
}

#[track_caller]
fn wait_for(client: &Client, key: &str, state: &str) -> Value {
    let until = Instant::now() + SOON;
    loop {
        let one = listed(client, key);
        if one["state"] == state {
            return one;
        }
        assert!(Instant::now() < until, "{key} is not {state}: {one}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The requests to the peer on all sockets, such as `sub a`.
fn heard(peer: &Peer) -> Vec<String> {
    let connections = peer.connections_at("/market");
    let texts = connections.iter().flat_map(|connection| connection.texts());
    let said = texts.filter_map(|text| serde_json::from_str::<Value>(text).ok());
    said.map(|said| {
        let arg = said["arg"]
            .as_str()
            .map_or_else(|| said["arg"].to_string(), str::to_owned);
        format!("{} {arg}", said["op"].as_str().unwrap_or_default())
    })
    .collect()
}

#[track_caller]
fn wait_to_hear(peer: &Peer, expected: &[&str]) {
    let until = Instant::now() + SOON;
    while heard(peer) != expected {
        assert!(
            Instant::now() < until,
            "{:?} is not {expected:?}",
            heard(peer)
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn say(peer: &Peer, stream: &str, n: u64) {
    let text = json!({ "stream": stream, "n": n }).to_string();
    assert_eq!(peer.send("/market", text), 1);
}

#[test]
fn a_key_is_put_to_a_running_name_and_its_messages_are_read_alone() {
    for way in Way::ALL {
        read_alone(way);
    }
}

fn read_alone(way: Way) {
    let peer = market();
    let service = Service::start_by(way, "subs-alone", LOOPBACK);
    open(&service, &peer);
    let created = put(&service, "a", "");
    assert_eq!(created.status, 201, "{created:?}");
    let location = created.header("location").unwrap();
    assert_eq!(location, target("a"));
    assert_eq!(created.json()["holders"], json!(["api"]));
    assert_eq!(put(&service, "a", "").status, 200);
    let slash = put(&service, "b%2Fc%20d", r#"{"item":{"ch":"b"}}"#);
    assert_eq!((slash.status, &slash.json()["key"]), (201, &json!("b/c d")));
    assert_eq!(slash.header("location"), Some(&*target("b%2Fc%20d")));
    wait_for(&service, "a", "active");
    let slash = wait_for(&service, "b/c d", "active");
    assert_eq!(slash["item"], json!({ "ch": "b" }));
    wait_to_hear(&peer, &["sub a", r#"sub {"ch":"b"}"#]);

    say(&peer, "a", 1);
    say(&peer, "other", 2);
    say(&peer, "a", 3);
    service.wait_for("feed", "messages", |status| {
        status["received"]["messages"] == 5
    });
    assert_eq!(wait_for(&service, "a", "active")["routed"], 2);
    let list = service
        .get("/v1/connections/feed/subscriptions?limit=1")
        .json();
    assert_eq!(
        (
            &list["next_cursor"],
            list["subscriptions"].as_array().unwrap().len()
        ),
        (&json!("a"), 1)
    );
    let list = service
        .get("/v1/connections/feed/subscriptions?cursor=a&state=active")
        .json();
    assert_eq!(
        (&list["next_cursor"], &list["subscriptions"][0]["key"]),
        (&json!(null), &json!("b/c d"))
    );
    let counts = &service.status("feed")["subscriptions"];
    assert_eq!(counts["active"], 2, "{counts}");
    let metrics = service.get("/metrics").body;
    assert!(
        metrics.contains(r#"everwire_subscriptions{name="feed",state="active"} 2"#),
        "{metrics}"
    );

    assert_eq!(service.delete(&target("a")).status, 204);
    service
        .delete(&target("a"))
        .problem(404, "there is no subscription");
    wait_to_hear(&peer, &["sub a", r#"sub {"ch":"b"}"#, "unsub a"]);
}

#[test]
fn a_reader_of_some_subscriptions_hears_them_alone() {
    let peer = market();
    let service = Service::start("subs-readers", LOOPBACK);
    open(&service, &peer);
    let (mut all, start) = Sse::started(&service, "/v1/events?types=message", &[]);
    let (mut some, _) = Sse::started(
        &service,
        "/v1/events?subscription=a,x\\,y&types=message,subscription",
        &[],
    );
    let mut socket = Socket::open(&service, "/v1/ws", &[]);
    socket.ask(
        &json!({ "op": "subscribe", "id": "s", "types": ["message"], "subscriptions": ["a"] }),
    );
    assert_eq!(socket.answer("s")["type"], "ack");
    for key in ["a", "b", "x,y"] {
        assert_eq!(put(&service, key, "").status, 201);
        wait_for(&service, key, "active");
    }
    for (n, key) in (1..).zip(["a", "b", "x,y", "b", "a"]) {
        say(&peer, key, n);
    }
    let (mut numbers, mut changes) = (Vec::new(), Vec::new());
    while numbers.len() < 3 {
        let told = some.next().data;
        match told["type"].as_str() {
            Some("subscription") => changes.push(format!("{} {}", told["key"], told["state"])),
            _ => numbers.push((told["subscription"].clone(), told["text"].clone())),
        }
    }
    let text = |key: &str, n: u64| json!({ "stream": key, "n": n }).to_string();
    let expected =
        [("a", 1), ("x,y", 3), ("a", 5)].map(|(key, n)| (json!(key), json!(text(key, n))));
    assert_eq!(numbers, expected);
    assert_eq!(
        changes,
        [
            r#""a" "sent""#,
            r#""a" "active""#,
            r#""x,y" "sent""#,
            r#""x,y" "active""#
        ]
    );
    let keys: Vec<_> = (0..8)
        .map(|_| all.next().data["subscription"].clone())
        .collect();
    assert_eq!(
        keys.iter().filter(|key| !key.is_null()).count(),
        5,
        "{keys:?}"
    );

    // On this socket the other message answers the request.
    for n in [1, 5] {
        let told = socket.next_json();
        assert_eq!(
            (&told["subscription"], &told["key"]),
            (&json!("s"), &json!("a")),
            "{told}"
        );
        assert_eq!(told["text"], text("a", n));
    }
    // A resumed reader receives the same.
    let again = format!("/v1/events?types=message&subscription=b&since={start}");
    let mut again = Sse::open(&service, &again, &[]);
    let told: Vec<_> = (0..3).map(|_| again.next().data["text"].clone()).collect();
    assert_eq!(
        told,
        [json!(null), json!(text("b", 2)), json!(text("b", 4))]
    );
}

#[test]
fn what_cannot_be_taken_on_is_told() {
    let peer = market();
    let service = Service::start("subs-refused", LOOPBACK);
    open(&service, &peer);
    let plain = json!({ "url": peer.url("/echo") });
    assert_eq!(service.put("plain", &plain).status, 201);
    let plain = service.ask("PUT", "/v1/connections/plain/subscriptions/k", &[], b"");
    assert_eq!(
        plain.problem(422, "has no `subscribe`")["reason"],
        "no_subscribe"
    );
    for (body, status, part) in [
        ("{", 400, "EOF"),
        ("[]", 422, "write an object"),
        (r#"{"itme":1}"#, 422, "itme"),
        (r#"{"item":"${HOME}"}"#, 422, "HOME"),
    ] {
        put(&service, "k", body).problem(status, part);
    }
    let text = service.ask(
        "PUT",
        &target("k"),
        &[("Content-Type", "text/plain")],
        b"{}",
    );
    text.problem(415, "application/json");
    let unknown = service.ask("PUT", "/v1/connections/unknown/subscriptions/k", &[], b"");
    unknown.problem(404, "no connection");

    assert_eq!(put(&service, "k", r#"{"item":"one"}"#).status, 201);
    let other = put(&service, "k", r#"{"item":"two"}"#).problem(409, "another item");
    assert_eq!(other["reason"], "other_item");
    // The peer names the key that it refuses.
    assert_eq!(put(&service, "bad", "").status, 201);
    let refused = wait_for(&service, "bad", "refused");
    assert!(
        refused["text"].as_str().unwrap().contains("no such stream"),
        "{refused}"
    );
    assert_eq!(put(&service, "mute", "").status, 201);
    wait_for(&service, "mute", "unanswered");
    assert_eq!(wait_for(&service, "k", "active")["item"], "one");
    assert_eq!(put(&service, "fourth", "").status, 201);
    let full = put(&service, "fifth", "").problem(409, "4 subscriptions");
    assert_eq!(full["reason"], "full");
    let retried = service.post("/v1/retry?match=feed", "").json();
    assert_eq!(retried["changed"], 1, "{retried}");
}

#[test]
fn a_key_ends_when_its_last_holder_goes() {
    let peer = market();
    let service = Service::start("subs-holders", LOOPBACK);
    open(&service, &peer);
    let mut first = Socket::open(&service, "/v1/ws", &[]);
    let mut second = Socket::open(&service, "/v1/ws", &[]);
    let hold =
        |id: &str| json!({ "op": "hold", "id": id, "name": "feed", "key": "k", "item": "k" });
    first.ask(&hold("h"));
    let ack = first.answer("h");
    assert_eq!(
        (&ack["type"], &ack["key"]),
        (&json!("ack"), &json!("k")),
        "{ack}"
    );
    second.ask(&hold("h"));
    assert_eq!(second.answer("h")["type"], "ack");
    assert_eq!(put(&service, "k", "").status, 201);
    let holders = wait_for(&service, "k", "active")["holders"].clone();
    let holders: Vec<_> = holders
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect();
    assert!(
        holders.len() == 3 && holders[0] == "api" && holders[1].starts_with("ws:"),
        "{holders:?}"
    );

    assert_eq!(service.delete(&target("k")).status, 204);
    service
        .delete(&target("k"))
        .problem(404, "clients of /v1/ws");
    first.ask(&json!({ "op": "release", "id": "r", "name": "feed", "key": "k" }));
    assert_eq!(first.answer("r")["type"], "ack");
    first.ask(&json!({ "op": "release", "id": "r", "name": "feed", "key": "k" }));
    assert_eq!(first.answer("r")["problem"]["status"], 404);
    assert_eq!(listed(&service, "k")["holders"], json!([holders[2]]));
    wait_to_hear(&peer, &["sub k"]);
    // The holds of the last client end with it.
    drop(second);
    wait_to_hear(&peer, &["sub k", "unsub k"]);
    assert_eq!(listed(&service, "k"), Value::Null);
}

#[test]
fn what_the_api_holds_is_held_again_after_a_restart() {
    let peer = market();
    let service = Service::start("subs-restart", LOOPBACK);
    open(&service, &peer);
    assert_eq!(put(&service, "a", r#"{"item":"stream"}"#).status, 201);
    assert_eq!(put(&service, "b", "").status, 201);
    wait_for(&service, "a", "active");
    wait_for(&service, "b", "active");
    assert_eq!(service.delete(&target("b")).status, 204);
    let (mut told, start) = Sse::started(&service, "/v1/events?types=message", &[]);
    for (n, stream) in (1..).zip(["other", "stream", "other", "stream"]) {
        say(&peer, stream, n);
        told.next();
    }
    let mut socket = Socket::open(&service, "/v1/ws", &[]);
    socket.ask(&json!({ "op": "hold", "id": "h", "name": "feed", "key": "c" }));
    assert_eq!(socket.answer("h")["type"], "ack");
    service.end();
    let service = Service::start("subs-restart", LOOPBACK);
    let held = wait_for(&service, "a", "active");
    assert_eq!(
        (&held["item"], &held["holders"]),
        (&json!("stream"), &json!(["api"]))
    );
    assert_eq!(listed(&service, "b"), Value::Null);
    // Stored messages include their key.
    let some = format!("/v1/events?types=message&subscription=a&since={start}");
    let mut some = Sse::open(&service, &some, &[]);
    assert_eq!(some.next().data, Value::Null);
    for n in [2, 4] {
        let told = some.next().data;
        let text = json!({ "stream": "stream", "n": n }).to_string();
        assert_eq!(
            (&told["subscription"], &told["text"]),
            (&json!("a"), &json!(text))
        );
    }
    assert_eq!(
        listed(&service, "c"),
        Value::Null,
        "it ended with its client"
    );
    assert_eq!(put(&service, "a", r#"{"item":"stream"}"#).status, 200);
    assert_eq!(service.delete("/v1/connections/feed").status, 204);
    // The next owner of the name finds none of it.
    service.kill();
    let service = Service::start("subs-restart", LOOPBACK);
    open(&service, &peer);
    assert_eq!(listed(&service, "a"), Value::Null);
}

#[test]
fn what_the_api_holds_is_asked_for_before_the_outbox_after_a_restart() {
    let peer = market();
    let service = Service::start("subs-order", LOOPBACK);
    let settings = json!({
        "url": peer.url("/market"),
        "subscribe": subscribe(),
        "subscriptions": ["file"],
        "outbox": { "durable": true },
    });
    assert_eq!(service.put("feed", &settings).status, 201);
    service.wait_for_state("feed", "open");
    assert_eq!(put(&service, "api", "").status, 201);
    wait_for(&service, "api", "active");
    // The peer is gone: messages wait for the next process.
    peer.script("/market", Script::status(503));
    peer.kick_all(How::Reset);
    service.wait_for_state("feed", "backoff");
    let waits = json!({ "op": "say", "arg": "waits" });
    let sent = service.post("/v1/connections/feed/send", &waits.to_string());
    assert!(sent.status < 300, "{sent:?}");
    service.end();
    let before = heard(&peer).len();
    peer.script("/market", serves());
    let service = Service::start("subs-order", LOOPBACK);
    wait_for(&service, "api", "active");
    let until = Instant::now() + SOON;
    while heard(&peer).len() < before + 3 {
        assert!(Instant::now() < until, "{:?}", heard(&peer));
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(heard(&peer)[before..], ["sub file", "sub api", "say waits"]);
}

#[test]
fn the_command_line_subscribes_and_tells() {
    let peer = market();
    let service = Service::start("subs-cli", LOOPBACK);
    open(&service, &peer);
    let told = done(&service, &["subscribe", "feed", "a"]);
    assert!(told.starts_with("a is "), "{told}");
    let told = done(
        &service,
        &["subscribe", "feed", "b/c", r#"{"ch":1}"#, "--json"],
    );
    assert_eq!(
        serde_json::from_str::<Value>(&told).unwrap()["item"],
        json!({ "ch": 1 })
    );
    wait_for(&service, "a", "active");
    wait_for(&service, "b/c", "active");
    let table = done(&service, &["subscriptions", "feed"]);
    let lines: Vec<_> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "KEY STATE HELD BY ROUTED DETAIL",
            "a active api 0",
            r#"b/c active api 0 {"ch":1}"#
        ]
    );
    assert_eq!(
        done(
            &service,
            &["subscriptions", "feed", "--state", "ended", "--json"]
        ),
        ""
    );
    let status = done(&service, &["status", "feed"]);
    assert!(status.contains("subscribed    2 active"), "{status}");
    assert_eq!(done(&service, &["unsubscribe", "feed", "a"]), "");
    let output = ask(&service, &["unsubscribe", "feed", "a"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("there is no subscription"),
        "{output:?}"
    );
    assert_eq!(
        ask(&service, &["subscribe", "feed", ".."]).status.code(),
        Some(2)
    );
}

/// Held subscriptions stay as long as callers like: they count towards the total memory limit, and
/// are freed on release.
#[test]
fn what_callers_hold_counts_in_the_memory_of_all() {
    let peer = market();
    let service = Service::start("subs-memory", &format!("memory = '16MiB'\n{LOOPBACK}"));
    let mut words = subscribe();
    words["max"] = 1_000.into();
    let settings = json!({ "url": peer.url("/market"), "subscribe": words });
    assert_eq!(service.put("feed", &settings).status, 201);
    let item = json!({ "item": { "text": "x".repeat(60 << 10) } }).to_string();
    let mut put_all = 0..1_000;
    let refused = put_all.find(|n| put(&service, &n.to_string(), &item).status != 201);
    let held = refused.expect("the memory has an end");
    // Each is stored both as requested and as sent.
    assert!((50..160).contains(&held), "{held} were taken on");
    let refused = put(&service, "one-more", &item);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.json()["cause"], "memory", "{refused:?}");
    for n in 0..held {
        let ended = service.ask("DELETE", &target(&n.to_string()), &[JSON], b"");
        assert_eq!(ended.status, 204, "{ended:?}");
    }
    assert_eq!(put(&service, "one-more", &item).status, 201);
}
