//! The downstream WebSocket: subscriptions and sends over one connection.

mod service_support;

use std::io::Write;

use base64::Engine;
use everwire::testing::{How, Peer};
use serde_json::{Value, json};
use service_support::{http::Service, ws::Socket};
use tungstenite::Message;

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

fn open(service: &Service, name: &str, url: String) {
    let settings = json!({ "url": url, "reconnect": { "min": "1ms", "initial": "1ms" } });
    assert_eq!(service.put(name, &settings).status, 201);
}

#[test]
fn subscriptions_and_sends_share_a_connection() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("ws-shared", LOOPBACK);
    let mut ws = Socket::open(&service, "/v1/ws", &[]);
    ws.ask(&json!({ "op": "subscribe", "id": "a", "match": "x*", "types": ["message"] }));
    ws.ask(&json!({ "op": "subscribe", "id": "b", "types": ["ready", "sent"] }));
    assert!(ws.answer("a")["cursor"].is_string());
    ws.answer("b");
    open(&service, "x1", peer.url("/echo"));
    open(&service, "y1", peer.url("/echo"));
    let mut ready = [ws.next_json(), ws.next_json()].map(|event| {
        assert_eq!(
            (&event["type"], &event["subscription"]),
            (&json!("ready"), &json!("b"))
        );
        event["name"].to_string()
    });
    ready.sort();
    assert_eq!(ready, ["\"x1\"", "\"y1\""]);

    for name in ["x1", "y1"] {
        let send = json!({ "op": "send", "id": name, "name": name, "text": "hi", "wait": "written", "timeout": "20s" });
        ws.ask(&send);
    }
    ws.ask(&json!({ "op": "send", "id": "z", "name": "x1", "base64": "AP8=" }));
    let (mut acks, mut events) = (Vec::new(), Vec::new());
    while acks.len() < 3 || events.len() < 2 {
        let told = ws.next_json();
        match told["type"].as_str().unwrap() {
            "ack" => acks.push(told),
            "message" => events.push(told),
            "sent" => assert_eq!(told["subscription"], "b"),
            other => panic!("{other}: {told}"),
        }
    }
    acks.sort_by_key(|ack| ack["id"].to_string());
    assert_eq!(acks[0]["message"], 1);
    assert!(["written", "confirmed"].contains(&acks[1]["fate"].as_str().unwrap()));
    assert_eq!(acks[2]["message"], 2);
    assert!(
        events.iter().all(|event| event["subscription"] == "a"),
        "{events:?}"
    );
    assert_eq!(
        (&events[0]["text"], &events[1]["base64"]),
        (&json!("hi"), &json!("AP8="))
    );

    ws.ask(&json!({ "op": "unsubscribe", "id": "a" }));
    ws.answer("a");
    ws.ask(&json!({ "op": "send", "id": "q", "name": "x1", "text": "unheard", "wait": "written" }));
    ws.answer("q");
    ws.ask(&json!({ "op": "unsubscribe", "id": "a" }));
    assert_eq!(ws.answer("a")["problem"]["status"], 404);
}

#[test]
fn a_client_that_comes_back_has_missed_nothing() {
    let peer = Peer::spawn_thread().unwrap();
    let keys =
        format!("{LOOPBACK}\n[defaults]\nhistory = {{ messages = 100000, bytes = '64MiB' }}");
    let service = Service::start("ws-back", &keys);
    let mut subscribe = json!({ "op": "subscribe", "id": "a" });
    let mut ws = Socket::open(&service, "/v1/ws", &[]);
    ws.ask(&subscribe);
    ws.answer("a");
    open(&service, "feed", peer.url("/feed?every=1ms"));
    let (mut seq, mut last) = (0, Value::Null);
    for round in 1..=20 {
        while seq < round * 50 {
            let told = ws.next_json();
            if told["type"] == "ack" {
                assert_eq!(told["cursor"], last);
                continue;
            }
            seq += 1;
            assert_eq!(told["seq"], seq, "{told}");
            last = told["cursor"].clone();
        }
        subscribe["since"] = last.clone();
        ws = Socket::open(&service, "/v1/ws", &[]);
        ws.ask(&subscribe);
    }
}

#[test]
fn a_subscription_that_is_too_slow_is_told_and_the_others_miss_nothing() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("ws-slow", LOOPBACK);
    let subscribe = json!({ "op": "subscribe", "id": "a", "types": ["message"] });
    let [mut slow, mut quick] = [(), ()].map(|()| {
        let mut ws = Socket::open(&service, "/v1/ws", &[]);
        ws.ask(&subscribe);
        ws.answer("a");
        ws
    });
    open(&service, "echo", peer.url("/echo"));
    const MESSAGES: u64 = 400;
    let text = "x".repeat(64 << 10);
    for number in 1..=MESSAGES {
        let id = number.to_string();
        quick.ask(&json!({ "op": "send", "id": id, "name": "echo", "text": text }));
        let told = [quick.next_json(), quick.next_json()];
        for told in told {
            assert!(
                told["type"] == "ack" || told["type"] == "message",
                "{number}: {told}"
            );
        }
    }
    let (mut heard, mut missed) = (0, 0);
    while heard + missed < MESSAGES {
        let told = slow.next_json();
        assert_eq!(told["subscription"], "a");
        match told["type"].as_str() {
            Some("lagged") => missed += told["missed"].as_u64().unwrap(),
            _ => heard += 1,
        }
    }
    assert!(missed > 0, "the kernel took it all");
    assert_eq!(heard + missed, MESSAGES);
}

#[test]
fn what_cannot_be_done_is_told_in_its_place() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("ws-problems", LOOPBACK);
    let down = json!({ "url": peer.url("/echo"), "enabled": false, "heartbeat": "none", "outbox": { "messages": 1 } });
    assert_eq!(service.put("down", &down).status, 201);
    let mut ws = Socket::open(&service, "/v1/ws", &[]);
    ws.ask(&json!({ "op": "subscribe", "id": "s" }));
    ws.answer("s");
    for (status, mut request) in [
        (400, json!({ "op": "fly" })),
        (400, json!({ "op": "subscribe", "types": ["messages"] })),
        (400, json!({ "op": "subscribe", "match": "a?" })),
        (400, json!({ "op": "subscribe", "since": "yesterday" })),
        (400, json!({ "op": "send", "name": "down" })),
        (
            400,
            json!({ "op": "send", "name": "down", "text": "", "wait": "sent" }),
        ),
        (
            400,
            json!({ "op": "send", "name": "down", "text": "", "timeout": "1h" }),
        ),
        (404, json!({ "op": "send", "name": "nobody", "text": "" })),
        (
            422,
            json!({ "op": "send", "name": "down", "text": "", "wait": "confirmed" }),
        ),
        (404, json!({ "op": "unsubscribe" })),
    ] {
        request["id"] = "x".into();
        ws.ask(&request);
        let answer = ws.answer("x");
        assert_eq!(answer["type"], "error", "{request}: {answer}");
        assert_eq!(answer["problem"]["status"], status, "{request}: {answer}");
    }
    ws.ask(&json!({ "op": "subscribe", "id": "s" }));
    assert_eq!(ws.answer("s")["problem"]["status"], 409);
    ws.send(Message::text("{"));
    assert_eq!(ws.next_json()["id"], Value::Null);

    // A wait that times out, a wait that cannot end any more, and a full outbox.
    ws.ask(&json!({ "op": "send", "id": "1", "name": "down", "text": "", "wait": "written", "timeout": "1ms" }));
    assert_eq!(ws.answer("1")["fate"], "queued");
    ws.ask(&json!({ "op": "send", "id": "2", "name": "down", "text": "" }));
    assert_eq!(ws.answer("2")["problem"]["reason"], "full");
    service.delete("/v1/connections/down");
    service.put("down", &down);
    ws.ask(&json!({ "op": "send", "id": "3", "name": "down", "text": "", "wait": "written", "timeout": "20s" }));
    service.wait_for("down", "the message", |status| {
        status["outbox"]["messages"] == 1
    });
    service.post("/v1/connections/down/close", "");
    assert_eq!(ws.answer("3")["problem"]["fate"], "cancelled");
    for number in 1..64 {
        ws.ask(&json!({ "op": "subscribe", "id": format!("s{number}") }));
        assert_eq!(ws.answer(&format!("s{number}"))["type"], "ack");
    }
    ws.ask(&json!({ "op": "subscribe", "id": "more" }));
    assert_eq!(ws.answer("more")["problem"]["status"], 429);
}

#[test]
fn a_client_that_breaks_the_rules_is_let_go_with_a_code() {
    let service = Service::start("ws-rules", "");
    let ask = || Socket::open(&service, "/v1/ws", &[]);
    let mut binary = ask();
    binary.send(Message::binary(vec![1]));
    assert_eq!(binary.close_code(), 1003);
    let long_ping = [&[0x89, 0xfe, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for (code, bytes) in [
        (1009, &[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4][..]),
        (1007, &[0x81, 0x81, 0, 0, 0, 0, 0xff]),
        (1002, &[0x81, 0x01, b'x']),
        // An unknown opcode, a reserved bit, a long ping, reserved close codes, a continuation of
        // nothing, and a start within another message.
        (1002, &[0x83, 0x80, 0, 0, 0, 0]),
        (1002, &[0xc1, 0x80, 0, 0, 0, 0]),
        (1002, &long_ping),
        (1002, &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed]),
        (1002, &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe7]),
        // A valid close frame is answered with the same code.
        (4000, &[0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa0]),
        (1002, &[0x80, 0x80, 0, 0, 0, 0]),
        (1002, &[0x01, 0x80, 0, 0, 0, 0, 0x01, 0x80, 0, 0, 0, 0]),
        (
            1007,
            &[0x01, 0x81, 0, 0, 0, 0, 0xc3, 0x80, 0x81, 0, 0, 0, 0, b'x'],
        ),
        (1003, &[0x02, 0x80, 0, 0, 0, 0, 0x80, 0x80, 0, 0, 0, 0]),
    ] {
        let mut ws = ask();
        ws.inside.get_mut().write_all(bytes).unwrap();
        assert_eq!(ws.close_code(), code, "{bytes:?}");
    }
    let mut long = ask();
    for first in [0x01, 0x80] {
        let header = [first, 0xff, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0];
        let piece = [&header[..], &vec![b'x'; 9 << 16]].concat();
        long.inside.get_mut().write_all(&piece).unwrap();
    }
    assert_eq!(long.close_code(), 1009);
    // A fragmented message is one message.
    let mut ws = ask();
    ws.inside
        .get_mut()
        .write_all(&[0x01, 0x81, 0, 0, 0, 0, b'{', 0x80, 0x81, 0, 0, 0, 0, b'}'])
        .unwrap();
    assert_eq!(ws.next_json()["problem"]["status"], 400);
    ws.inside.close(None).unwrap();
    assert!(matches!(ws.next(), Message::Close(_)));
}

#[test]
fn what_is_no_handshake_is_refused_with_what_would_be_one() {
    let name = "[connections.feed]\nurl = 'ws://127.0.0.1:1/'\nenabled = false";
    let service = Service::start("ws-handshake", name);
    for target in ["/v1/ws", "/v1/connections/feed/raw"] {
        let refused = |header: (&str, &str)| {
            let answer = Socket::try_open(&service, target, &[header]);
            answer
                .err()
                .unwrap_or_else(|| panic!("{target}: {header:?} was let in"))
        };
        for header in [
            ("Upgrade", "h2c"),
            ("Connection", "keep-alive"),
            ("Sec-WebSocket-Version", "12"),
            ("Sec-WebSocket-Version", ""),
        ] {
            let told = refused(header);
            assert!(told.starts_with("HTTP/1.1 426 "), "{header:?}: {told}");
            for line in ["upgrade: websocket\r\n", "sec-websocket-version: 13\r\n"] {
                assert!(told.contains(line), "{header:?}: {told}");
            }
        }
        // A key has 16 bytes.
        for key in ["", "AAAAAAAAAAAAAAAAAAAA", "?"] {
            let told = refused(("Sec-WebSocket-Key", key));
            assert!(told.starts_with("HTTP/1.1 400 "), "{key}: {told}");
        }
        service.get(target).problem(426, "");
        let posted = service.post(target, "");
        posted.problem(405, "POST is not allowed here");
    }
}

#[test]
fn sends_that_cannot_be_accepted_are_told_why() {
    let service = Service::start("ws-sends", LOOPBACK);
    let put = |name: &str, outbox: Value| {
        let settings = json!({ "url": "ws://127.0.0.1:1/", "enabled": false, "outbox": outbox });
        assert_eq!(service.put(name, &settings).status, 201);
    };
    put("small", json!({ "bytes": "1KiB" }));
    put("wide", json!({ "messages": 2000 }));
    let mut ws = Socket::open(&service, "/v1/ws", &[]);
    let long = "x".repeat(1025);
    ws.ask(&json!({ "op": "send", "id": "long", "name": "small", "text": long }));
    let problem = ws.answer("long")["problem"].take();
    assert_eq!(
        (&problem["status"], &problem["reason"]),
        (&json!(413), &json!("too_large"))
    );
    service.post("/v1/connections/small/close", "");
    service.wait_for_state("small", "closed");
    ws.ask(&json!({ "op": "send", "id": "late", "name": "small", "text": "" }));
    let problem = ws.answer("late")["problem"].take();
    assert_eq!(
        (&problem["status"], &problem["reason"]),
        (&json!(409), &json!("closed"))
    );

    // The most sends that may wait for their fate.
    for number in 0..=1024 {
        let id = number.to_string();
        ws.ask(&json!({ "op": "send", "id": id, "name": "wide", "text": "", "wait": "written", "timeout": "60s" }));
    }
    assert_eq!(ws.answer("1024")["problem"]["status"], 429);
    service.post("/v1/connections/wide/close", "");
    for _ in 0..1024 {
        let answer = ws.next_json();
        assert_eq!(answer["problem"]["fate"], "cancelled", "{answer}");
    }
}

#[test]
fn who_comes_in_is_asked_who_they_are() {
    let tokens = "[[service.tokens]]\nname = 'acme'\nsecret = 's3cret/acme='\nnames = 'acme-*'\nscopes = ['read']\n\
        [[service.tokens]]\nname = 'sender'\nsecret = 's3cret-sender'\nscopes = ['send']\n\
        [connections.acme-1]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [connections.other]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n";
    let service = Service::start("ws-tokens", tokens);
    let refused = |headers: &[(&str, &str)]| {
        Socket::try_open(&service, "/v1/ws", headers)
            .err()
            .expect("it was let in")
    };
    assert!(refused(&[]).starts_with("HTTP/1.1 401 "));
    let offers = |token: &str| {
        let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token);
        format!("everwire.v1, bearer.{token}")
    };
    let offered = |token: &str| [("Sec-WebSocket-Protocol", offers(token))];
    let [(name, wrong)] = offered("s3cret/acme");
    assert!(refused(&[(name, &wrong)]).starts_with("HTTP/1.1 401 "));
    let [(name, right)] = offered("s3cret/acme=");
    let evil = [(name, right.as_str()), ("Origin", "https://evil.example")];
    assert!(refused(&evil).starts_with("HTTP/1.1 403 "));
    let cross = [(name, right.as_str()), ("Sec-Fetch-Site", "cross-site")];
    assert!(refused(&cross).starts_with("HTTP/1.1 403 "));

    let mut ws = Socket::open(&service, "/v1/ws", &[(name, &right)]);
    assert!(
        ws.head.contains("sec-websocket-protocol: everwire.v1\r\n"),
        "{}",
        ws.head
    );
    assert!(!ws.head.contains("bearer"), "{}", ws.head);
    ws.ask(&json!({ "op": "send", "id": "a", "name": "acme-1", "text": "" }));
    assert_eq!(ws.answer("a")["problem"]["status"], 403);
    ws.ask(&json!({ "op": "subscribe", "id": "a", "since": "1", "types": ["message"] }));
    assert_eq!(ws.answer("a")["type"], "ack");

    let auth = [("Authorization", "Bearer s3cret-sender")];
    let mut ws = Socket::open(&service, "/v1/ws", &auth);
    ws.ask(&json!({ "op": "subscribe", "id": "a" }));
    assert_eq!(ws.answer("a")["problem"]["status"], 403);
    ws.ask(&json!({ "op": "send", "id": "b", "name": "acme-1", "text": "" }));
    assert_eq!(ws.answer("b")["fate"], "queued");

    service
        .ask("GET", "/v1/ws", &auth, b"")
        .problem(426, "upgrade");
    assert!(!service.end().contains("s3cret"));
}

#[test]
fn a_subscription_lives_through_the_reconnects_of_its_names() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("ws-reconnect", LOOPBACK);
    let mut ws = Socket::open(&service, "/v1/ws", &[]);
    ws.ask(&json!({ "op": "subscribe", "id": "a" }));
    ws.answer("a");
    open(&service, "feed", peer.url("/echo"));
    let (mut seq, mut readies) = (0, 0);
    while readies < 3 {
        let told = ws.next_json();
        seq += 1;
        assert_eq!(told["seq"], seq, "{told}");
        if told["type"] == "ready" {
            readies += 1;
            peer.kick("/echo", How::Reset);
        }
    }
}
