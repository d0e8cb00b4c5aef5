//! Clients with their own session state were worse off behind the raw bridge than without it.
//! Reported for graphql-ws, stompjs, ethers, mqtt.js, nats.ws and socket.io: after a loss the peer
//! did not know the client, and the client did not learn of the loss; messages of a client went out
//! after it had left; a second client got the session of the first; the peer's greeting was
//! missing; a name that had failed, or was closed, answered with 101 and then sent nothing; and
//! `/raw/` was 404.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use everwire::testing::{ConnectionLog, How, Peer, Pongs, Script};
use serde_json::{Value, json};
use tungstenite::{Message, protocol::CloseFrame};

use crate::service_support::{SOON, http::Service, ws::Socket};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*', 'ws://localhost:*']";
const RAW: &str = "/v1/connections/feed/raw";

/// Puts the connection `feed` with this URL, and with these keys beside the usual ones.
fn put(service: &Service, url: &str, keys: &Value) {
    let mut settings = json!({ "url": url, "reconnect": { "min": "1ms", "initial": "1ms" } });
    let members = settings.as_object_mut().unwrap();
    members.extend(keys.as_object().unwrap().clone());
    let put = service.put("feed", &settings);
    assert!(put.status < 300, "{put:?}");
}

/// The same, and waits until it is open.
fn open(service: &Service, url: &str, keys: &Value) {
    put(service, url, keys);
    service.wait_for_state("feed", "open");
}

fn attach(service: &Service) -> Socket {
    Socket::open(service, RAW, &[])
}

fn refused(service: &Service) -> Value {
    let answer = Socket::try_open(service, RAW, &[]).err();
    let answer = answer.expect("it was let in");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem: Value = serde_json::from_str(body).unwrap();
    let status = format!("HTTP/1.1 {} ", problem["status"]);
    assert!(head.starts_with(&status), "{answer}");
    problem
}

fn close(client: &mut Socket, code: u16, reason: &str) {
    let frame = CloseFrame {
        code: code.into(),
        reason: reason.to_owned().into(),
    };
    client.inside.close(Some(frame)).unwrap();
}

/// Waits until one of the peer's connections matches.
fn wait_for(peer: &Peer, what: &str, fits: impl Fn(&ConnectionLog) -> bool) -> ConnectionLog {
    let until = Instant::now() + SOON;
    loop {
        let connections = peer.connections();
        if let Some(found) = connections.iter().find(|log| fits(log)) {
            return found.clone();
        }
        assert!(Instant::now() < until, "{what}: {connections:#?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_client_has_a_socket_of_its_own_by_the_settings_of_the_name() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-own", LOOPBACK);
    let keys = json!({ "headers": { "X-Key": "k" }, "on_open": ["hello"] });
    open(&service, &peer.url("/echo"), &keys);
    assert_eq!(service.status("feed")["sessions"], json!([]));
    let (mut one, mut other) = (attach(&service), attach(&service));
    for (client, text) in [(&mut one, "a"), (&mut other, "b")] {
        client.send(Message::text(text));
        assert_eq!(client.next(), Message::text(text));
    }
    let sessions = service.status("feed")["sessions"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 2, "{sessions}");
    assert_eq!(sessions[0]["state"], "open");
    assert!(sessions[0]["since"].is_string(), "{sessions}");
    // The client runs its own protocol; the headers are those of the name.
    let own = wait_for(&peer, "the socket of b", |log| log.texts() == ["b"]);
    assert_eq!(own.request.unwrap().header("x-key"), Some("k"));
    assert_eq!(service.status("feed")["sent"]["messages"], 1);
    drop(one);
    service.wait_for("feed", "one session", |status| {
        status["sessions"].as_array().unwrap().len() == 1
    });
    other.send(Message::text("c"));
    assert_eq!(other.next(), Message::text("c"));
}

#[test]
fn messages_pass_verbatim_with_fragments_joined_and_pings_answered_here() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-verbatim", LOOPBACK);
    for compression in [json!(false), json!(true)] {
        let keys = json!({ "compression": compression, "max_message": "1MiB" });
        open(&service, &peer.url("/fragments?piece=7001"), &keys);
        let mut client = attach(&service);
        for message in [
            Message::text("{\"a\": é\n}"),
            Message::text(""),
            Message::binary(vec![0, 255]),
            Message::binary(vec![7; 70_000]),
            Message::text("x".repeat(1 << 20)),
        ] {
            client.send(message.clone());
            assert!(client.next() == message, "{}", message.len());
        }
        let fragments = [0x01, 0x81, 0, 0, 0, 0, b'a', 0x80, 0x81, 0, 0, 0, 0, b'b'];
        client.inside.get_mut().write_all(&fragments).unwrap();
        assert_eq!(client.next(), Message::text("ab"));
        client.send(Message::Ping(vec![1, 2].into()));
        assert_eq!(
            client.inside.read().unwrap(),
            Message::Pong(vec![1, 2].into())
        );
        client.send(Message::binary(vec![7; (1 << 20) + 1]));
        assert_eq!(client.close_code(), 1009);
    }
}

#[test]
fn the_greeting_of_the_peer_is_not_lost_and_what_a_client_puts_behind_the_url_does_no_harm() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/greets", Script::sink().send("INFO {}").send("0{}"));
    let service = Service::start("bridge-greeting", LOOPBACK);
    open(&service, &peer.url("/greets"), &json!({}));
    for target in [
        RAW,
        "/v1/connections/feed/raw/",
        "/v1/connections/feed/raw/?EIO=4",
        // An OCPP charge point puts its identity there.
        "/v1/connections/feed/raw/CP%2F0001",
    ] {
        let mut client = Socket::open(&service, target, &[]);
        assert_eq!(client.next(), Message::text("INFO {}"), "{target}");
        assert_eq!(client.next(), Message::text("0{}"), "{target}");
    }
}

#[test]
fn the_subprotocols_of_the_client_are_offered_and_the_choice_of_the_peer_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-subprotocols", LOOPBACK);
    let own = json!({ "subprotocols": ["name.own"] });
    open(&service, &peer.url("/echo?subprotocol=second"), &json!({}));
    put(&service, &peer.url("/echo?subprotocol=first"), &own);
    service.wait_for("feed", "its own", |status| {
        status["subprotocol"] == "name.own"
    });
    let offers = [(
        "Sec-WebSocket-Protocol",
        "everwire.v1, bearer.c2VjcmV0, mqtt, v12.stomp",
    )];
    let client = Socket::open(&service, RAW, &offers);
    assert!(
        client.head.contains("sec-websocket-protocol: mqtt\r\n"),
        "{}",
        client.head
    );
    let offered = |log: &ConnectionLog| {
        let request = log.request.as_ref()?;
        request.header("sec-websocket-protocol").map(str::to_owned)
    };
    // A token among the subprotocols is for the service only.
    wait_for(&peer, "the offer", |log| {
        offered(log).as_deref() == Some("mqtt, v12.stomp")
    });

    put(&service, &peer.url("/echo?subprotocol=none"), &json!({}));
    service.wait_for("feed", "none", |status| {
        status["state"] == "open" && status["subprotocol"].is_null()
    });
    let client = Socket::open(&service, RAW, &[("Sec-WebSocket-Protocol", "mqtt")]);
    assert!(
        !client.head.contains("sec-websocket-protocol"),
        "{}",
        client.head
    );
    let client = Socket::open(&service, RAW, &offers);
    assert!(
        client
            .head
            .contains("sec-websocket-protocol: everwire.v1\r\n"),
        "{}",
        client.head
    );
    let bad = Socket::try_open(&service, RAW, &[("Sec-WebSocket-Protocol", "a b")]);
    assert!(bad.err().unwrap().contains("is not a token"));
}

#[test]
fn the_end_of_the_upstream_is_the_end_of_the_client() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-ends", LOOPBACK);
    for (path, code, reason) in [
        (
            "/close?code=4003&reason=not%20you&messages=1",
            4003,
            "not you",
        ),
        ("/close?code=1000&messages=1", 1000, ""),
        ("/close-empty?messages=1", 1012, ""),
        ("/drop?how=fin&messages=1", 1012, ""),
        ("/drop?how=reset&messages=1", 1012, ""),
        ("/torn?messages=1", 1012, ""),
        ("/raw?hex=c200&messages=1", 1012, ""),
    ] {
        open(&service, &peer.url(path), &json!({}));
        let mut client = attach(&service);
        client.send(Message::text("x"));
        let told = client.close_frame();
        assert_eq!(u16::from(told.code), code, "{path}: {told:?}");
        match code {
            1012 => assert!(!told.reason.is_empty(), "{path}"),
            _ => assert_eq!(told.reason, reason, "{path}"),
        }
    }
}

#[test]
fn an_upstream_that_freezes_is_found_by_the_heartbeat_of_the_name() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-frozen", LOOPBACK);
    peer.script("/frozen", Script::sink().pongs(Pongs::Ignore));
    let heartbeat = json!({ "heartbeat": { "interval": "50ms", "timeout": "200ms" } });
    open(&service, &peer.url("/echo"), &json!({}));
    put(&service, &peer.url("/frozen"), &heartbeat);
    service.wait_for("feed", "the other URL", |status| {
        status["url"].as_str().unwrap().ends_with("/frozen")
    });
    let mut client = attach(&service);
    // Messages of the client do not prove that the peer is alive.
    let pause = Some(Duration::from_millis(20));
    client.inside.get_mut().set_read_timeout(pause).unwrap();
    let until = Instant::now() + SOON;
    let told = loop {
        assert!(Instant::now() < until, "nothing is found");
        client.send(Message::text("x"));
        match client.inside.read() {
            Ok(Message::Close(frame)) => break frame.unwrap(),
            Ok(other) => assert!(other.is_ping(), "{other:?}"),
            Err(tungstenite::Error::Io(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(u16::from(told.code), 1012, "{told:?}");

    // A peer that answers stays connected.
    open(&service, &peer.url("/echo"), &heartbeat);
    let mut client = attach(&service);
    wait_for(&peer, "many pings", |log| {
        log.ping_count > 20 && log.is_open()
    });
    client.send(Message::text("x"));
    assert_eq!(client.next(), Message::text("x"));
}

#[test]
fn a_client_that_leaves_closes_its_upstream_and_takes_its_queue_along() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-leaves", LOOPBACK);
    open(&service, &peer.url("/echo"), &json!({}));
    let mut client = attach(&service);
    for text in ["a", "b"] {
        client.send(Message::text(text));
    }
    close(&mut client, 4001, "enough");
    assert_eq!(client.close_code(), 4001);
    let closed = wait_for(&peer, "4001", |log| {
        log.close.is_some() && !log.texts().is_empty()
    });
    let told = closed.close.clone().unwrap();
    assert_eq!((told.code, &*told.reason), (Some(4001), "enough"));
    assert_eq!(closed.texts(), ["a", "b"]);

    // A client that disconnects without a close frame is reported as gone.
    let mut client = attach(&service);
    client.send(Message::text("c"));
    assert_eq!(client.next(), Message::text("c"));
    drop(client);
    let closed = wait_for(&peer, "1001", |log| {
        log.texts() == ["c"] && log.close.is_some()
    });
    assert_eq!(closed.close.unwrap().code, Some(1001));

    // Messages that a client left for a peer that did not read are dropped.
    let keys = json!({ "close_timeout": "100ms" });
    open(&service, &peer.url("/silent"), &keys);
    let mut client = attach(&service);
    client
        .inside
        .get_mut()
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    while client
        .inside
        .send(Message::binary(vec![7; 64 << 10]))
        .is_ok()
    {}
    drop(client);
    service.wait_for("feed", "no session", |status| {
        status["sessions"] == json!([])
    });
}

#[test]
fn a_client_that_does_not_answer_a_close_frame_hears_the_end_at_once() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-unanswered", LOOPBACK);
    // The client must not wait for all of it.
    let keys = json!({ "close_timeout": "60s" });
    open(&service, &peer.url("/echo"), &keys);
    for how in [How::Fin, How::Reset] {
        let mut client = attach(&service);
        peer.kick_all(how);
        assert_eq!(client.close_code(), 1012);
        let tcp = client.inside.get_mut();
        assert_eq!(tcp.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}

#[test]
fn a_client_that_forgets_to_mask_its_answers_is_let_be() {
    const PONG: [u8; 2] = [0x8a, 0];
    const CLOSE: [u8; 4] = [0x88, 2, 0x03, 0xf4];
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-unmasked", LOOPBACK);
    // The client must not wait for all of it.
    let keys = json!({ "close_timeout": "60s" });
    open(&service, &peer.url("/echo"), &keys);
    for target in [RAW, "/v1/connections/feed/raw?session=shared"] {
        let mut client = Socket::open(&service, target, &[]);
        client.inside.get_mut().write_all(&PONG).unwrap();
        client.send(Message::text(target));
        assert_eq!(client.next(), Message::text(target));
    }
    let mut client = attach(&service);
    peer.kick_all(How::Reset);
    assert_eq!(client.close_code(), 1012);
    client.inside.get_mut().write_all(&CLOSE).unwrap();
    let tcp = client.inside.get_mut();
    assert_eq!(tcp.read_to_end(&mut Vec::new()).unwrap(), 0);

    // Unmasked frames are refused.
    let mut client = attach(&service);
    let text = [0x81, 1, b'x'];
    client.inside.get_mut().write_all(&text).unwrap();
    assert_eq!(client.close_code(), 1002);
}

#[test]
fn a_slow_client_slows_its_upstream_down_and_loses_nothing() {
    const COUNT: usize = 2000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (sent, progress) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sent = sent.clone();
            thread::spawn(move || flood(stream, COUNT, &sent));
        }
    });
    let service = Service::start("bridge-slow", LOOPBACK);
    open(&service, &url, &json!({ "heartbeat": "none" }));
    let mut client = attach(&service);
    client.send(Message::text("go"));
    // It stalls, far from the end: the kernels and the limits hold less.
    let mut stands = 0;
    while let Ok(count) = progress.recv_timeout(Duration::from_secs(2)) {
        stands = count;
    }
    assert!(stands < COUNT - 1, "{stands}");
    for count in 0..COUNT {
        let text = format!("{count:0>65000}");
        assert!(client.next() == Message::text(text), "{count}");
    }
}

/// Sends `count` messages to a client that sends something, and reports its progress.
fn flood(stream: TcpStream, count: usize, sent: &mpsc::Sender<usize>) {
    let mut socket = tungstenite::accept(stream).unwrap();
    if socket.read().is_err() {
        return;
    }
    for count in 0..count {
        if socket
            .send(Message::text(format!("{count:0>65000}")))
            .is_err()
        {
            return;
        }
        let _over = sent.send(count);
    }
    let _gone = socket.read();
}

#[test]
fn a_name_that_is_not_to_be_up_and_a_peer_that_is_not_there_are_told_before_the_handshake() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-refused", LOOPBACK);
    put(&service, &peer.url("/echo"), &json!({ "enabled": false }));
    let idle = refused(&service);
    assert_eq!(
        (&idle["status"], &idle["reason"]),
        (&json!(409), &json!("idle"))
    );

    service.post("/v1/connections/feed/connect", "");
    service.wait_for_state("feed", "open");
    let mut client = attach(&service);
    service.post("/v1/connections/feed/close", "");
    assert_eq!(client.close_code(), 1001);
    let closed = refused(&service);
    assert_eq!(
        (&closed["status"], &closed["reason"]),
        (&json!(409), &json!("closed"))
    );

    assert_eq!(service.delete("/v1/connections/feed").status, 204);
    let keys = json!({ "reconnect": "never" });
    put(&service, &peer.url("/status/401?body=who"), &keys);
    service.wait_for_state("feed", "failed");
    let failed = refused(&service);
    assert_eq!(
        (&failed["status"], &failed["reason"]),
        (&json!(409), &json!("failed"))
    );
    assert_eq!(failed["cause"]["kind"], "handshake_status", "{failed}");

    for (url, kind, timeout) in [
        ("ws://127.0.0.1:1/".to_owned(), "refused", "10s"),
        (peer.url("/status/503"), "handshake_status", "10s"),
        (peer.url("/never"), "connect_timeout", "300ms"),
    ] {
        service.delete("/v1/connections/feed");
        put(&service, &url, &json!({ "connect_timeout": timeout }));
        let told = refused(&service);
        assert_eq!(told["status"], 503, "{told}");
        assert_eq!(told["cause"]["kind"], kind, "{told}");
        assert!(
            told["detail"]
                .as_str()
                .unwrap()
                .starts_with("the upstream cannot be reached: ")
        );
    }
}

#[test]
fn a_dial_without_a_turn_is_told_as_such() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-budget", &format!("{LOOPBACK}\nmax_handshakes = 1"));
    let slow = json!({ "url": peer.url("/never"), "connect_timeout": "60s" });
    assert_eq!(service.put("slow", &slow).status, 201);
    wait_for(&peer, "the slow dial", |log| log.path() == "/never");
    put(
        &service,
        &peer.url("/echo"),
        &json!({ "connect_timeout": "300ms" }),
    );
    let told = refused(&service);
    assert_eq!(
        (&told["status"], &told["reason"]),
        (&json!(503), &json!("no_turn"))
    );
}

#[test]
fn sessions_end_with_their_name_and_with_its_settings() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-name", LOOPBACK);
    open(&service, &peer.url("/echo"), &json!({}));
    let mut client = attach(&service);
    // A rotation or a loss of the name's own socket does not affect them.
    service.post("/v1/rotate?match=feed", "");
    put(&service, &peer.url("/echo"), &json!({ "tags": ["x"] }));
    client.send(Message::text("x"));
    assert_eq!(client.next(), Message::text("x"));

    put(
        &service,
        &peer.url("/echo"),
        &json!({ "headers": { "X-Key": "k" } }),
    );
    assert_eq!(client.close_code(), 1012);
    let mut client = attach(&service);
    assert_eq!(service.delete("/v1/connections/feed").status, 204);
    assert_eq!(client.close_code(), 1001);
    let gone = wait_for(&peer, "1001 at the peer", |log| {
        log.request
            .as_ref()
            .is_some_and(|request| request.header("x-key") == Some("k"))
            && log.close.is_some()
    });
    assert_eq!(gone.close.unwrap().code, Some(1001));
}

#[test]
fn a_restart_of_the_upstream_is_over_when_it_is_back() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("bridge-restart", LOOPBACK);
    open(&service, &peer.url("/echo"), &json!({}));
    for round in 0..3 {
        let mut client = attach(&service);
        peer.kick_all(How::Reset);
        assert_eq!(client.close_code(), 1012, "{round}");
        let mut again = attach(&service);
        again.send(Message::text("x"));
        assert_eq!(again.next(), Message::text("x"));
    }
}
