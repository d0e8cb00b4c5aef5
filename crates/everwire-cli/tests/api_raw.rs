//! The raw bridge, with a WebSocket client that does not know everwire.

mod service_support;

use std::io::Write;

use everwire::testing::{How, Peer};
use serde_json::json;
use service_support::{http::Service, ws::Socket};
use tungstenite::Message;

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

fn open(service: &Service, url: String) {
    let settings = json!({
        "url": url,
        "reconnect": { "min": "1ms", "initial": "1ms" },
        "subprotocols": ["ocpp2.0.1", "ocpp1.6"],
        "max_message": "128KiB",
        "outbox": { "messages": 2 },
    });
    assert_eq!(service.put("feed", &settings).status, 201);
}

const RAW: &str = "/v1/connections/feed/raw?session=shared";

#[test]
fn messages_pass_verbatim_over_the_reconnects_of_the_connection() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("raw-verbatim", LOOPBACK);
    open(&service, peer.url("/echo?subprotocol=second"));
    service.wait_for_state("feed", "open");
    let offers = [("Sec-WebSocket-Protocol", "ocpp2.0.1, ocpp1.6")];
    let mut raw = Socket::open(&service, RAW, &offers);
    assert!(
        raw.head.contains("sec-websocket-protocol: ocpp1.6\r\n"),
        "{}",
        raw.head
    );
    for round in 1..=3 {
        for message in [
            Message::text("{\"a\": é\n}"),
            Message::binary(vec![0, 255]),
            Message::text(""),
            Message::binary(vec![7; 128 << 10]),
        ] {
            raw.send(message.clone());
            assert_eq!(raw.next(), message);
        }
        peer.kick("/echo", How::Reset);
        service.wait_for("feed", "another socket", |status| {
            status["incarnation"].as_u64() > Some(round) && status["state"] == "open"
        });
    }
    raw.inside.close(None).unwrap();
    assert!(matches!(raw.next(), Message::Close(_)));
    assert_eq!(service.status("feed")["state"], "open");
}

#[test]
fn a_client_that_cannot_be_served_is_closed_with_a_code() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("raw-codes", LOOPBACK);
    open(&service, peer.url("/echo"));
    service.wait_for_state("feed", "open");
    let mut long = Socket::open(&service, RAW, &[]);
    long.send(Message::binary(vec![7; (128 << 10) + 1]));
    assert_eq!(long.close_code(), 1009);

    let mut closed = Socket::open(&service, RAW, &[]);
    service.post("/v1/connections/feed/close", "");
    service.wait_for_state("feed", "closed");
    closed.send(Message::text("x"));
    assert_eq!(closed.close_code(), 1001);

    let mut removed = Socket::open(&service, RAW, &[]);
    assert_eq!(service.delete("/v1/connections/feed").status, 204);
    assert_eq!(removed.close_code(), 1001);

    open(&service, peer.url("/never"));
    let mut full = Socket::open(&service, RAW, &[]);
    for _ in 0..3 {
        full.send(Message::text("x"));
    }
    assert_eq!(full.close_code(), 1013);
}

#[test]
fn a_client_that_breaks_the_rules_is_let_go_with_a_code() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("raw-rules", LOOPBACK);
    open(&service, peer.url("/echo"));
    for (code, bytes) in [
        (1007, &[0x81, 0x81, 0, 0, 0, 0, 0xff][..]),
        (1002, &[0x81, 0x01, b'x']),
        (1002, &[0x80, 0x80, 0, 0, 0, 0]),
        (1009, &[0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0]),
    ] {
        let mut raw = Socket::open(&service, RAW, &[]);
        raw.inside.get_mut().write_all(bytes).unwrap();
        assert_eq!(raw.close_code(), code, "{bytes:?}");
    }
    let mut long = Socket::open(&service, RAW, &[]);
    for first in [0x02, 0x80] {
        let header = [first, 0xff, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0];
        let piece = [&header[..], &[7; 0x18000]].concat();
        long.inside.get_mut().write_all(&piece).unwrap();
    }
    assert_eq!(long.close_code(), 1009);
    assert_eq!(service.status("feed")["sent"]["messages"], 0);
}

#[test]
fn a_client_that_is_too_slow_or_has_no_peer_any_more_is_told_so() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("raw-ends", LOOPBACK);
    let put = |name: &str, url: &str| {
        let settings = json!({ "url": url, "enabled": false, "reconnect": "never" });
        assert_eq!(service.put(name, &settings).status, 201);
        Socket::open(
            &service,
            &format!("/v1/connections/{name}/raw?session=shared"),
            &[],
        )
    };
    let connect = |name: &str| service.post(&format!("/v1/connections/{name}/connect"), "");

    let mut failed = put("failed", "ws://127.0.0.1:1/");
    connect("failed");
    let told = failed.close_frame();
    assert_eq!(u16::from(told.code), 1011);
    assert!(told.reason.starts_with("given up: "), "{told:?}");

    // More than the kernel and the limits of a client hold together.
    const FLOOD: u64 = 600;
    let mut slow = put(
        "flood",
        &peer.url(&format!("/flood?size=65536&count={FLOOD}")),
    );
    connect("flood");
    service.wait_for("flood", "the flood", |status| {
        status["received"]["messages"] == FLOOD
    });
    let told = slow.close_frame();
    assert_eq!(u16::from(told.code), 1013);
    assert!(told.reason.contains("too slow"), "{told:?}");
}

#[test]
fn what_cannot_be_bridged_is_refused() {
    let tokens = "[connections.feed]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [connections.other]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n\
        [[service.tokens]]\nname = 'both'\nsecret = 's3cret-both'\nscopes = ['read', 'send']\nnames = 'fe*'\n\
        [[service.tokens]]\nname = 'sender'\nsecret = 's3cret-sender'\nscopes = ['send']\n\
        [[service.tokens]]\nname = 'reader'\nsecret = 's3cret-reader'\nscopes = ['read']\n";
    let service = Service::start("raw-refused", tokens);
    let ask = |name: &str, token: &str| {
        let auth = format!("Bearer s3cret-{token}");
        let target = format!("/v1/connections/{name}/raw?session=shared");
        match Socket::try_open(&service, &target, &[("Authorization", &auth)]) {
            Ok(raw) => raw.head,
            Err(answer) => answer,
        }
    };
    for (name, token, status) in [
        ("feed", "both", 101),
        ("feed", "nobody", 401),
        ("feed", "sender", 403),
        ("feed", "reader", 403),
        ("other", "both", 403),
        ("fee", "both", 404),
    ] {
        let told = ask(name, token);
        assert!(
            told.starts_with(&format!("HTTP/1.1 {status} ")),
            "{name} {token}: {told}"
        );
    }
    let auth = ("Authorization", "Bearer s3cret-both");
    service
        .ask("GET", RAW, &[auth], b"")
        .problem(426, "upgrade");
    let posted = service.ask("POST", RAW, &[auth], b"");
    posted.problem(405, "POST is not allowed here");
    let nobody = service.ask("GET", "/v1/connections/%ff/raw", &[auth], b"");
    nobody.problem(404, "there is no connection");
    let evil = [auth, ("Origin", "https://evil.example")];
    let told = Socket::try_open(&service, RAW, &evil).err().unwrap();
    assert!(told.starts_with("HTTP/1.1 403 "), "{told}");
}
