//! `everwire run`: its log, its HTTP status, and its end.

mod service_support;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use everwire::testing::Peer;
use serde_json::Value;
use service_support::{Running, SOON, file, run, stderr};

/// Starts the service with these connections. Returns it with its address.
fn start(test: &str, service: &str, connections: &str) -> (Running, String) {
    let text = format!(
        "[service]\nlisten = '127.0.0.1:0'\nlog.format = 'json'\n{service}\n{connections}\n"
    );
    let path = file(test, &text);
    let mut running = Running::start(&["run", path.to_str().unwrap()]);
    let up = running.event("everwire is up", None);
    assert_eq!(up["version"], env!("CARGO_PKG_VERSION"));
    let listen = up["listen"].as_str().unwrap().to_owned();
    (running, listen)
}

fn connection(name: &str, url: &str) -> String {
    format!("[connections.{name}]\nurl = '{url}'\n")
}

#[tokio::test]
async fn a_signal_drains_and_says_goodbye_to_each_peer() {
    for signal in ["TERM", "INT"] {
        let peer = Peer::spawn_thread().unwrap();
        let connections = connection("feed", &peer.url("/echo"));
        let (mut running, _) = start(
            &format!("run-drain-{signal}"),
            "drain_timeout = '5s'",
            &connections,
        );
        running.event("ready", Some("feed"));
        let asked = Instant::now();
        running.signal(signal);
        let closed = peer
            .wait_for("/echo", SOON, |log| log.close.is_some())
            .await
            .unwrap();
        assert_eq!(closed.close.and_then(|close| close.code), Some(1001));
        let (status, lines, stderr) = running.end();
        assert_eq!((status.code(), &*stderr), (Some(0), ""), "{lines:#?}");
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "{:?}",
            asked.elapsed()
        );
        let down: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(
            (&down["message"], &down["closed"], &down["left"]),
            (&"everwire is down".into(), &1.into(), &0.into())
        );
    }
}

#[test]
fn a_peer_that_never_answers_a_close_does_not_hold_up_the_end() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/silent");
    let (mut running, _) = start(
        "run-deaf",
        "drain_timeout = '1s'",
        &connection("deaf", &url),
    );
    running.event("ready", Some("deaf"));
    let asked = Instant::now();
    running.signal("TERM");
    let (status, lines, _) = running.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("the connection was not closed in time")),
        "{lines:#?}"
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/silent");
    let service = "drain_timeout = '60s'\n[defaults]\nclose_timeout = '60s'";
    let (mut running, _) = start("run-twice", service, &connection("deaf", &url));
    running.event("ready", Some("deaf"));
    running.signal("INT");
    running.event("draining", None);
    running.signal("INT");
    let (status, lines, _) = running.end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
}

#[test]
fn each_event_is_a_line_of_json_that_says_why() {
    let peer = Peer::spawn_thread().unwrap();
    let connections = [
        connection("up", &peer.url("/echo")),
        connection("busy", &peer.url("/status/503?body=deploying")),
        connection("denied", &peer.url("/status/401")),
        "reconnect = 'never'".to_owned(),
        connection("restarts", &peer.url("/close?code=1012")),
    ];
    let (mut running, _) = start("run-log", "log.level = 'debug'", &connections.join("\n"));
    let mut expected = vec![
        ("up", "connecting"),
        ("up", "opened"),
        ("up", "ready"),
        ("busy", "error"),
        ("busy", "retrying"),
        ("denied", "failed"),
        ("restarts", "closed"),
        ("restarts", "retrying"),
    ];
    let mut lines = Vec::new();
    let until = Instant::now() + SOON;
    while !expected.is_empty() {
        assert!(Instant::now() < until, "not logged: {expected:?}");
        let line = running.line(&format!("{expected:?}"), |line| {
            line.contains("everwire::event")
        });
        let line: Value = serde_json::from_str(&line).unwrap();
        expected.retain(|(name, kind)| line["name"] != *name || line["message"] != *kind);
        lines.push(line);
    }
    let find = |name: &str, kind: &str| {
        let fits = |line: &&Value| line["name"] == name && line["message"] == kind;
        lines.iter().find(fits).unwrap().clone()
    };
    let retrying = find("busy", "retrying");
    assert_eq!(
        (&retrying["level"], &retrying["cause"], &retrying["status"]),
        (&"WARN".into(), &"handshake_status".into(), &503.into())
    );
    assert_eq!(retrying["rule"], "backoff");
    assert!(retrying["delay_ms"].is_f64(), "{retrying}");
    assert!(
        retrying["text"].as_str().unwrap().contains("deploying"),
        "{retrying}"
    );
    assert!(
        retrying["timestamp"].as_str().unwrap().ends_with('Z'),
        "{retrying}"
    );
    let failed = find("denied", "failed");
    assert_eq!(
        (&failed["level"], &failed["rule"]),
        (&"ERROR".into(), &"reconnect = \"never\"".into())
    );
    let closed = find("restarts", "closed");
    assert_eq!(
        (&closed["code"], &closed["by"], &closed["clean"]),
        (&1012.into(), &"peer".into(), &true.into())
    );
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn messages_are_logged_only_when_asked_for() {
    let peer = Peer::spawn_thread().unwrap();
    for (messages, is_logged) in [(true, true), (false, false)] {
        let connections = connection("feed", &peer.url("/feed?every=5ms&count=3"));
        let test = format!("run-messages-{messages}");
        let (mut running, _) = start(&test, &format!("log.messages = {messages}"), &connections);
        running.event("ready", Some("feed"));
        if is_logged {
            let message = running.event("message", Some("feed"));
            assert_eq!(
                (&message["text"], &message["bytes"]),
                (&r#"{"t":1}"#.into(), &7.into())
            );
        }
        running.signal("TERM");
        let (_, lines, _) = running.end();
        let logged = lines
            .iter()
            .filter(|line| line.contains(r#""message":"message""#))
            .count();
        assert_eq!(logged > 0, is_logged, "{lines:#?}");
    }
}

#[test]
fn no_secret_is_logged_or_served() {
    let peer = Peer::spawn_thread().unwrap();
    let text = format!(
        "[service]\nlisten = '127.0.0.1:0'\nlog = {{ level = 'trace', format = 'json' }}\n\
         [connections.feed]\nurl = '{}'\nheaders = {{ X-Token = '${{FEED_TOKEN}}' }}\n\
         basic_auth = {{ user = 'me', password = 'open-sesame' }}\n",
        peer.url("/status/403")
    );
    let path = file("run-secret", &text);
    let mut command = service_support::everwire(&["run", path.to_str().unwrap()]);
    command.env("FEED_TOKEN", "open-sesame");
    let mut running = Running::spawn(command);
    let listen = running.event("everwire is up", None)["listen"]
        .as_str()
        .unwrap()
        .to_owned();
    running.event("retrying", Some("feed"));
    for path in [
        "/v1/connections",
        "/v1/connections/feed",
        "/v1/connections/feed/config",
    ] {
        let (status, body) = get(&listen, path, "localhost");
        assert_eq!(status, 200, "{body}");
        assert!(!body.contains("open-sesame"), "{body}");
    }
    running.signal("TERM");
    let (_, lines, stderr) = running.end();
    assert!(
        !lines.iter().any(|line| line.contains("open-sesame")),
        "{lines:#?}"
    );
    assert!(!stderr.contains("open-sesame"), "{stderr}");
}

#[test]
fn the_status_can_be_asked_for_while_it_runs() {
    let peer = Peer::spawn_thread().unwrap();
    let (mut running, listen) = start("run-status", "", &connection("feed", &peer.url("/echo")));
    running.event("ready", Some("feed"));
    assert_eq!(
        get(&listen, "/healthz", "localhost"),
        (200, r#"{"status":"ok"}"#.to_owned())
    );
    let (status, body) = get(&listen, "/v1/connections/feed", &listen);
    let feed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &feed["state"]), (200, &"open".into()));
    let (status, body) = get(&listen, "/v1/connections/nobody", &listen);
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &problem["status"]), (404, &404.into()));
    assert_eq!(get(&listen, "/v1/connections?limit=many", &listen).0, 400);
    assert_eq!(get(&listen, "/healthz", "evil.example").0, 403);
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let path = file("run-taken", &format!("[service]\nlisten = '{listen}'\n"));
    let output = run(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = stderr(&output);
    assert!(
        told.contains(&format!("cannot listen on {listen}")) && told.contains("service.listen"),
        "{told}"
    );
    assert_eq!(told.trim().lines().count(), 1, "{told}");
}

/// A manual request with any `Host`. Returns the status and the body.
fn get(listen: &str, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(listen).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
