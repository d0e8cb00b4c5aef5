//! The sockets of raw bridge clients.
//!
//! Reported: an operator saw that a name had some, but not whose they were, which peer they had, or
//! whether data passed; their ends were reported only to their clients. When the process was told
//! to end, a client with unread data had its connection cut instead of getting a close frame.

use std::time::{Duration, Instant};

use everwire::{
    connection::SessionSettings,
    testing::{How, Peer, Script},
};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::{
    service_support::{SOON, cli, http::Service, ws::Socket},
    support::rig::Rig,
};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

/// A service with the connection `feed` to this URL, which is open.
fn start(test: &str, url: &str, keys: &Value) -> Service {
    let service = Service::start(test, LOOPBACK);
    let mut settings = json!({ "url": url, "reconnect": { "min": "1ms", "initial": "1ms" } });
    let members = settings.as_object_mut().unwrap();
    members.extend(keys.as_object().unwrap().clone());
    assert_eq!(service.put("feed", &settings).status, 201);
    service.wait_for_state("feed", "open");
    service
}

fn attach(service: &Service) -> Socket {
    Socket::open(service, "/v1/connections/feed/raw", &[])
}

fn addr_of(client: &Socket) -> String {
    client.inside.get_ref().local_addr().unwrap().to_string()
}

fn echo(client: &mut Socket, text: &str) {
    client.send(Message::text(text));
    assert_eq!(client.next(), Message::text(text));
}

/// The next end of a session in the log.
fn next_end(service: &mut Service) -> Value {
    service.running.event("session_closed", Some("feed"))
}

#[test]
fn each_session_shows_whose_it_is_with_whom_and_what_passes() {
    let peer = Peer::spawn_thread().unwrap();
    let mut service = start("sessions-shown", &peer.url("/echo"), &json!({}));
    let (mut one, mut other) = (attach(&service), attach(&service));
    echo(&mut one, "abc");
    echo(&mut other, "d");
    echo(&mut other, "e");
    let status = service.status("feed");
    let passed = |messages: u64, bytes: u64| json!({ "messages": messages, "bytes": bytes });
    for (number, (client, passed)) in [(&one, passed(1, 3)), (&other, passed(2, 2))]
        .into_iter()
        .enumerate()
    {
        let mut shown = status["sessions"][number].clone();
        assert!(shown["since"].take().is_string(), "{status}");
        let expected = json!({
            "id": number + 1, "state": "open", "since": null, "client": addr_of(client), "peer": peer.addr().to_string(),
            "sent": passed, "received": passed,
        });
        assert_eq!(shown, expected);
    }
    let why = service.get("/v1/connections/feed/why").json();
    assert_eq!(why["sessions"].as_array().unwrap().len(), 2, "{why}");
    let metrics = service.get("/metrics").body;
    let gauge = "\neverwire_sessions{name=\"feed\"} 2.0\n";
    assert!(metrics.contains(gauge), "{metrics}");
    let line = format!(
        "{} to {}, 1 message sent (3 B), 1 message received (3 B)",
        addr_of(&one),
        peer.addr()
    );
    for command in ["status", "why"] {
        let printed = cli::done(&service, &[command, "feed"]);
        let told = printed
            .lines()
            .find(|line| line.starts_with("session") && line.contains("#1 open"));
        assert!(told.is_some_and(|told| told.ends_with(&line)), "{printed}");
    }

    // The begin and the end of each are reported; the numbers continue.
    for (number, client) in [(1, &one), (2, &other)] {
        let told = service.running.event("session_opened", Some("feed"));
        assert_eq!(
            (&told["session"], &told["client"]),
            (&json!(number), &json!(addr_of(client)))
        );
        assert_eq!(told["peer"], json!(peer.addr().to_string()), "{told}");
    }
    drop(one);
    let told = next_end(&mut service);
    assert_eq!(
        (&told["session"], &told["cause"]),
        (&json!(1), &json!("closed_by_client")),
        "{told}"
    );
    assert_eq!(
        (&told["sent_messages"], &told["received_bytes"]),
        (&json!(1), &json!(3)),
        "{told}"
    );
    let third = attach(&service);
    let sessions = service.status("feed")["sessions"].clone();
    assert_eq!(
        (&sessions[0]["id"], &sessions[1]["id"]),
        (&json!(2), &json!(3)),
        "{sessions}"
    );
    drop((other, third));
}

#[test]
fn the_end_of_a_session_is_told_with_its_cause() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script(
        "/goes",
        Script::sink().await_messages(1).close(Some(4001), "enough"),
    );
    let mut service = start("sessions-ends", &peer.url("/goes"), &json!({}));
    let mut reader = Socket::open(&service, "/v1/ws", &[]);
    reader.ask(&json!({ "op": "subscribe", "id": "a", "match": "feed", "types": ["session_opened", "session_closed"] }));
    assert_eq!(reader.answer("a")["type"], "ack");

    let mut client = attach(&service);
    client.send(Message::text("x"));
    assert_eq!(client.close_code(), 4001);
    let opened = reader.next_json();
    assert_eq!(
        (&opened["type"], &opened["session"]),
        (&json!("session_opened"), &json!(1)),
        "{opened}"
    );
    let closed = reader.next_json();
    assert_eq!(
        (&closed["type"], &closed["cause"]),
        (&json!("session_closed"), &json!("closed")),
        "{closed}"
    );
    assert!(
        closed["text"].as_str().unwrap().contains("4001"),
        "{closed}"
    );
    assert_eq!(closed["sent"], json!({ "messages": 1, "bytes": 1 }));
    assert!(
        closed["lasted_ms"].is_number() && closed["seq"].is_number(),
        "{closed}"
    );
    assert_eq!(next_end(&mut service)["cause"], "closed");

    let lost = attach(&service);
    peer.kick_all(How::Reset);
    assert_eq!(next_end(&mut service)["cause"], "reset");
    drop(lost);
    service.wait_for_state("feed", "open");

    // A session that did not open has an end, but no beginning.
    reader.next_json();
    reader.next_json();
    peer.script("/goes", Script::status(503));
    let refused = Socket::try_open(&service, "/v1/connections/feed/raw", &[]);
    assert!(refused.is_err_and(|answer| answer.starts_with("HTTP/1.1 503")));
    let closed = reader.next_json();
    assert_eq!(
        (&closed["type"], &closed["cause"]),
        (&json!("session_closed"), &json!("handshake_status")),
        "{closed}"
    );
    assert_eq!(closed["peer"], Value::Null, "{closed}");
    assert_eq!(next_end(&mut service)["cause"], "handshake_status");

    peer.script("/goes", Script::sink());
    let mut client = attach(&service);
    service.post("/v1/connections/feed/close", "");
    assert_eq!(client.close_code(), 1001);
    assert_eq!(next_end(&mut service)["cause"], "closed_by_hand");
    service.post("/v1/connections/feed/connect", "");
    service.wait_for_state("feed", "open");

    // The name is removed after its sessions have ended.
    let mut client = attach(&service);
    assert_eq!(service.delete("/v1/connections/feed").status, 204);
    assert_eq!(client.close_code(), 1001);
    assert_eq!(next_end(&mut service)["cause"], "removed");
    service.running.event("removed", Some("feed"));
}

#[test]
fn a_name_for_sessions_alone_keeps_no_socket_and_lets_clients_in() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/echo");
    let keys = format!(
        "{LOOPBACK}\n[connections.feed]\nurl = '{url}'\nsessions_only = true\nrequired = true
         [connections.off]\nurl = '{url}'\nsessions_only = true\nenabled = false\nrequired = true"
    );
    let service = Service::start("sessions-only", &keys);
    let shown = |name: &str| {
        let status = service.status(name);
        let members = ["state", "takes_sessions"].map(|key| status[key].clone());
        (members, status["cause"]["kind"].clone())
    };
    let idle = |takes: bool| ([json!("idle"), json!(takes)], json!("sessions_only"));
    assert_eq!((shown("feed"), shown("off")), (idle(true), idle(false)));
    let ready = service.get("/readyz");
    assert_eq!(
        (ready.status, &ready.json()["waiting"]),
        (503, &json!(["off"]))
    );
    service.post("/v1/connections/off/connect", "");
    assert_eq!(shown("off"), idle(true));
    assert_eq!(service.get("/readyz").status, 200);

    let mut client = attach(&service);
    echo(&mut client, "x");
    let status = service.status("feed");
    assert_eq!(
        (&status["state"], &status["sessions"][0]["state"]),
        (&json!("idle"), &json!("open"))
    );
    assert_eq!(peer.connections().len(), 1, "the client's alone");

    // The name itself sends nothing.
    let refused = service
        .post("/v1/connections/feed/send", "x")
        .problem(409, "sessions_only");
    assert_eq!(
        (&refused["fate"], &refused["reason"]),
        (&json!("rejected"), &json!("sessions_only"))
    );
    let refused = service.post("/v1/connections/feed/connect", "x");
    assert_eq!(refused.problem(409, "")["reason"], "sessions_only");
    let shared = Socket::try_open(&service, "/v1/connections/feed/raw?session=shared", &[]);
    assert!(shared.is_err_and(|answer| answer.starts_with("HTTP/1.1 409")));

    // A closed name accepts no session.
    service.post("/v1/connections/feed/close", "");
    assert_eq!(client.close_code(), 1001);
    assert_eq!(service.status("feed")["cause"]["kind"], "closed_by_hand");
    let refused = Socket::try_open(&service, "/v1/connections/feed/raw", &[]);
    assert!(refused.is_err_and(|answer| answer.contains(r#""reason":"closed""#)));
    assert_eq!(service.get("/readyz").status, 503);
    service.post("/v1/connections/feed/connect", "");
    assert_eq!(shown("feed"), idle(true));
    echo(&mut attach(&service), "y");
    assert_eq!(peer.connections().len(), 2);
}

#[test]
fn the_own_socket_of_a_name_goes_and_comes_with_the_key_and_sessions_stay() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script_each("/", [Script::sink(), Script::echo(), Script::echo()]);
    let mut service = start("sessions-switch", &peer.url("/"), &json!({}));
    let mut client = attach(&service);
    echo(&mut client, "a");
    let put = |service: &Service, only: bool| {
        let keys = json!({ "url": peer.url("/"), "sessions_only": only });
        assert_eq!(service.put("feed", &keys).status, 200);
    };
    put(&service, true);
    service.wait_for_state("feed", "idle");
    assert_eq!(service.status("feed")["cause"]["kind"], "sessions_only");
    let closed = service.running.event("closed", Some("feed"));
    assert_eq!(
        (&closed["code"], &closed["clean"]),
        (&json!(1001), &json!(true)),
        "{closed}"
    );
    echo(&mut client, "b");
    put(&service, false);
    service.wait_for_state("feed", "open");
    assert_eq!(service.status("feed")["cause"], Value::Null);
    let sent = service.post("/v1/connections/feed/send?wait=written", "x");
    assert_eq!(sent.json()["fate"], "written", "{sent:?}");
    echo(&mut client, "c");
}

/// Tells the process to end, and waits until it drains.
fn drain(service: &mut Service) {
    service.running.signal("TERM");
    service.running.event("draining", None);
}

#[test]
fn at_the_end_of_the_process_a_client_reads_what_has_come_and_a_close_frame() {
    let peer = Peer::spawn_thread().unwrap();
    let flood = Script::sink().message_flood(vec![7; 64 << 10], 10_000);
    peer.script("/flood", flood);
    peer.script("/", Script::echo());
    let mut service = start(
        "sessions-drain",
        &peer.url("/"),
        &json!({ "heartbeat": "none", "close_timeout": "60s" }),
    );
    let mut quiet = attach(&service);
    echo(&mut quiet, "x");
    let mut slow = {
        let settings = json!({ "url": peer.url("/flood"), "heartbeat": "none", "close_timeout": "60s", "enabled": false });
        assert_eq!(service.put("fast", &settings).status, 201);
        service.post("/v1/connections/fast/connect", "");
        service.wait_for_state("fast", "open");
        Socket::open(&service, "/v1/connections/fast/raw", &[])
    };
    // It has received as much as may wait for a client that does not read.
    let received =
        |service: &Service| service.status("fast")["sessions"][0]["received"]["messages"].as_u64();
    service.wait_for("fast", "a session that stands still", |_| {
        let before = received(&service);
        (0..20).all(|_| {
            std::thread::sleep(Duration::from_millis(5));
            received(&service) == before && before > Some(8)
        })
    });
    drain(&mut service);
    for client in [&mut quiet, &mut slow] {
        let until = Instant::now() + SOON;
        let frame = loop {
            assert!(Instant::now() < until);
            let message = client.inside.read().expect("a close frame, not the end");
            if let Message::Close(frame) = message {
                break frame;
            }
        };
        assert_eq!(u16::from(frame.unwrap().code), 1001);
        // The flush sends the answer.
        let _ended = client.inside.flush();
    }
    let (status, lines, stderr) = service.running.end();
    assert_eq!(status.code(), Some(0), "{stderr}\n{lines:#?}");
    let log = lines.join("\n");
    assert_eq!(log.matches(r#""cause":"shutdown""#).count(), 2, "{log}");
    let closed = peer
        .connections_at("/")
        .iter()
        .filter_map(|log| log.close.clone())
        .count();
    assert_eq!(closed, 2, "that of the name, and that of the session");
}

#[test]
fn the_end_of_the_process_waits_for_the_ends_of_sessions_and_not_for_ever() {
    let peer = Peer::spawn_thread().unwrap();
    // The name's socket closes at once, the session's never.
    peer.script_each("/", [Script::echo(), Script::echo().ignore_close()]);
    let keys = "drain_timeout = '2s'\n[defaults]\nclose_timeout = '60s'\nheartbeat = 'none'";
    let url = peer.url("/");
    let keys = format!("{LOOPBACK}\n{keys}\n[connections.feed]\nurl = '{url}'");
    let service = Service::start("sessions-deaf", &keys);
    service.wait_for_state("feed", "open");
    let mut client = attach(&service);
    echo(&mut client, "x");
    // Neither the peer nor the client answers.
    let log = service.end();
    assert!(log.contains(r#""left":1"#), "{log}");
    assert_eq!(client.close_code(), 1001);
    let codes = peer.connections().into_iter();
    let codes = codes.filter_map(|log| log.close.and_then(|close| close.code));
    assert_eq!(codes.collect::<Vec<_>>(), [1001, 1001], "both heard of it");
}

#[tokio::test]
async fn a_name_that_was_opened_just_now_takes_sessions() {
    let rig = Rig::new();
    for _ in 0..20 {
        let feed = rig.open("/echo");
        let session = feed.open_session(SessionSettings::default()).await;
        session.expect("the name is enabled");
        rig.manager.remove("feed").await.unwrap();
    }
}
