//! The commands that query a running service.

mod service_support;

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::{Output, Stdio},
    thread,
};

use everwire::testing::Peer;
use serde_json::{Value, json};
use service_support::{
    cli::{ask, command, done},
    file,
    http::{Client, Service},
    run, stderr, stdout,
};

/// Asserts that it ends with this code, and prints this text.
#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let told = stderr(output);
    assert!(told.contains(part), "{part:?} is not in {told:?}");
}

fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A service with open connections to this peer.
fn service(test: &str, peer: &Peer) -> Service {
    let keys = format!(
        "[connections.\"market.btc\"]\nurl = '{}'\ntags = ['hot']\n\
         [connections.sink]\nurl = '{}'\n\
         [connections.idle]\nurl = 'ws://127.0.0.1:1/'\nenabled = false\n",
        peer.url("/echo"),
        peer.url("/sink"),
    );
    let service = Service::start(test, &keys);
    service.wait_for_state("market.btc", "open");
    service.wait_for_state("sink", "open");
    service
}

#[test]
fn connections_are_listed_by_pattern_state_and_tag() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-ls", &peer);
    let table = done(&service, &["ls"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("NAME"), "{table}");
    assert!(
        lines[1].starts_with("idle") && lines[1].contains("ws://127.0.0.1:1/"),
        "{table}"
    );
    assert!(lines[2].starts_with("market.btc  open"), "{table}");
    assert!(
        !table.contains('\x1b'),
        "colours outside of a terminal: {table:?}"
    );

    for (args, expected) in [
        (&["ls", "--json"][..], &["idle", "market.btc", "sink"][..]),
        (&["ls", "--json", "s*,market.*"], &["market.btc", "sink"]),
        (&["ls", "--json", "--state", "idle"], &["idle"]),
        (&["ls", "--json", "--tag", "hot"], &["market.btc"]),
        (&["ls", "--json", "nobody"], &[]),
    ] {
        let listed = json_lines(&done(&service, args));
        let names: Vec<_> = listed
            .iter()
            .map(|status| status["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{args:?}");
    }
}

#[test]
fn more_connections_than_a_page_are_listed_all() {
    let service = Service::start(
        "cli-ls-pages",
        "[fleet.many]\nrange = [1, 2300]\nname = 'cp-{i:04}'\nurl = 'ws://127.0.0.1:1/'\nenabled = false",
    );
    let listed = json_lines(&done(&service, &["ls", "--json"]));
    assert_eq!(listed.len(), 2300);
    assert_eq!(listed[2299]["name"], "cp-2300");
}

#[test]
fn a_status_says_what_is_wrong_and_when_the_next_dial_is() {
    let service = Service::start(
        "cli-status",
        "[connections.down]\nurl = 'ws://127.0.0.1:1/'\nreconnect = { min = '1h', initial = '1h', max = '1h' }",
    );
    service.wait_for_state("down", "backoff");
    let status = done(&service, &["status", "down"]);
    for part in [
        "state         backoff",
        "next dial     in ",
        "refused",
        "epoch 1, incarnation ",
    ] {
        assert!(status.contains(part), "{part:?} is not in {status}");
    }
    let listed = done(&service, &["ls"]);
    assert!(listed.contains("next dial in"), "{listed}");
    let json: Value = serde_json::from_str(&done(&service, &["status", "down", "--json"])).unwrap();
    assert_eq!(json["state"], "backoff");
    refused(
        &ask(&service, &["status", "nobody"]),
        1,
        "error: there is no connection named \"nobody\"",
    );
}

#[test]
fn a_message_is_sent_and_its_fate_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-send", &peer);
    let sent = done(&service, &["send", "sink", "hello", "--wait", "written"]);
    assert_eq!(sent, "1 written\n");
    let sent = done(
        &service,
        &["send", "sink", "-5", "--wait", "confirmed", "--json"],
    );
    assert_eq!(
        json_lines(&sent),
        [json!({ "id": 2, "epoch": 1, "fate": "confirmed" })]
    );
    let log = &peer.connections_at("/sink")[0];
    assert_eq!(log.texts(), ["hello", "-5"]);

    let binary = file("cli-send-binary", "\u{0}a\nb\n");
    let output = command(
        &service,
        &["send", "sink", "--binary", "--wait", "confirmed"],
    )
    .stdin(File::open(binary).unwrap())
    .output()
    .unwrap();
    assert_eq!(stdout(&output), "3 confirmed\n", "{output:?}");
    let log = &peer.connections_at("/sink")[0];
    assert_eq!(log.messages.last().unwrap().payload(), "\0a\nb\n");

    refused(
        &ask(&service, &["send", "nobody", "x"]),
        1,
        "no connection named",
    );
    refused(&ask(&service, &["send", ".", "x"]), 2, "NAME");
    let late = ask(
        &service,
        &[
            "send",
            "idle",
            "x",
            "--wait",
            "written",
            "--timeout",
            "10ms",
        ],
    );
    refused(
        &late,
        1,
        "message 1 is not written within 10ms; it is queued",
    );
    assert_eq!(stdout(&late), "1 queued\n");
    done(&service, &["close", "idle"]);
    refused(&ask(&service, &["send", "idle", "x"]), 1, "closed");
}

#[test]
fn lines_are_sent_in_order_and_wait_while_the_outbox_is_full() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!(
        "[connections.feed]\nurl = '{}'\nenabled = false\noutbox = {{ messages = 4 }}",
        peer.url("/sink")
    );
    let service = Service::start("cli-send-lines", &keys);
    let mut child = command(&service, &["send", "feed"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<_> = (0..100).map(|line| format!("line {line}")).collect();
    stdin
        .write_all((lines.join("\n") + "\r\n").as_bytes())
        .unwrap();
    drop(stdin);
    service.wait_for("feed", "a full outbox", |status| {
        status["outbox"]["messages"] == 4
    });
    done(&service, &["connect", "feed"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = stdout(&output);
    let ids = told.lines().map(|line| line.split_once(' ').unwrap().0);
    assert!(ids.eq((1..=100).map(|id| id.to_string())), "{told}");
    assert!(
        stderr(&output).contains("the outbox of feed is full"),
        "{output:?}"
    );
    service.wait_for("feed", "all lines", |status| {
        status["sent"]["messages"] == 100
    });
    done(&service, &["send", "feed", "last", "--wait", "confirmed"]);
    assert_eq!(&peer.connections_at("/sink")[0].texts()[..100], lines);
}

#[test]
fn a_line_that_is_refused_ends_the_sending_and_is_named() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-send-refused", &peer);
    let input = file("cli-send-refused-lines", "");
    std::fs::write(&input, b"good\n\xff\xfe\nnever\n").unwrap();
    let output = command(&service, &["send", "sink"])
        .stdin(File::open(input).unwrap())
        .output()
        .unwrap();
    refused(&output, 2, "line 2 was not sent as asked, nor any after it");
    assert!(stderr(&output).contains("UTF-8"), "{output:?}");
    assert!(stdout(&output).starts_with("1 "), "{output:?}");
    assert_eq!(stdout(&output).lines().count(), 1, "{output:?}");
}

#[test]
fn connections_are_closed_connected_and_retried_by_pattern() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-bulk", &peer);
    let closed = done(
        &service,
        &["close", "s*", "--code", "4001", "--reason", "lunch"],
    );
    assert_eq!(closed, "close: 1 of 1 connection\n");
    service.wait_for_state("sink", "closed");
    let close = peer.connections_at("/sink")[0].close.clone().unwrap();
    assert_eq!((close.code, &*close.reason), (Some(4001), "lunch"));
    let connected = done(&service, &["connect", "sink,market.*", "--json"]);
    assert_eq!(json_lines(&connected)[0]["matched"], 2);
    service.wait_for_state("sink", "open");
    assert_eq!(
        done(&service, &["retry", "*"]),
        "retry: 0 of 3 connections\n"
    );

    for command in ["connect", "close", "retry"] {
        refused(
            &ask(&service, &[command, "nobody*"]),
            1,
            "no connection matches nobody*",
        );
        refused(&ask(&service, &[command]), 2, "PATTERN");
        refused(&ask(&service, &[command, "a b"]), 2, "a b");
    }
    refused(
        &ask(&service, &["close", "sink", "--code", "1005"]),
        2,
        "cannot be sent",
    );
}

#[test]
fn who_may_not_is_told_how_to_say_who_it_is() {
    let peer = Peer::spawn_thread().unwrap();
    let keys = format!(
        "[[service.tokens]]\nname = 'ops'\nsecret = 's3cret-token'\nscopes = ['read']\n[connections.feed]\nurl = '{}'",
        peer.url("/echo")
    );
    let service = Service::start("cli-token", &keys);
    refused(&ask(&service, &["ls"]), 1, "--token or EVERWIRE_TOKEN");
    let token = file("cli-token-file", "s3cret-token\n");
    let token = format!("@{}", token.display());
    assert!(done(&service, &["ls", "--token", &token]).contains("feed"));
    let with = |token: &str, args: &[&str]| {
        command(&service, args)
            .env("EVERWIRE_TOKEN", token)
            .output()
            .unwrap()
    };
    assert_eq!(
        with("s3cret-token", &["status", "feed"]).status.code(),
        Some(0)
    );
    refused(&with("s3cret-token", &["close", "feed"]), 1, "control");
    for args in [&["ls", "--api", "x"][..], &["ls"], &["ls", "--help"]] {
        let output = with("bad\u{7}s3cret-token", args);
        let told = stdout(&output) + &stderr(&output);
        assert!(!told.contains("s3cret"), "{told}");
    }
    refused(&with("@/nowhere/token", &["ls"]), 2, "/nowhere/token");
}

#[test]
fn a_service_that_is_not_there_is_a_failure_that_says_where_it_was_looked_for() {
    let output = run(&["ls", "--api", "http://127.0.0.1:1"]);
    refused(&output, 1, "http://127.0.0.1:1");
    refused(&output, 1, "everwire run");
    refused(&run(&["ls", "--api", "127.0.0.1:1"]), 2, "--api");
    refused(&run(&["ls", "--ca-file", "x.pem"]), 2, "https");
}

/// Answers each request the same.
fn answering(status: &'static str, body: &'static str) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _bytes = stream.read(&mut head).unwrap();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    Client::plain(&listen)
}

#[test]
fn a_service_of_another_version_and_another_server_are_told_apart_from_refusals() {
    let older = answering("404 Not Found", r#"{"status":404,"detail":"no such path"}"#);
    for args in [
        &["rotate", "*"][..],
        &["why", "feed"],
        &["reload"],
        &["tail"],
    ] {
        refused(&ask(&older, args), 1, "of another version");
    }
    let other = answering("200 OK", "<html>");
    refused(&ask(&other, &["ls"]), 1, "not from an everwire service");
    let gateway = answering("502 Bad Gateway", "no\x1b[2J upstream");
    refused(&ask(&gateway, &["ls"]), 1, "no [2J upstream");
}

#[test]
fn states_are_listed_together_with_commas_between_them() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-ls-states", &peer);
    let names = |states: &str| {
        let listed = done(&service, &["ls", "--json", "--state", states]);
        let listed = json_lines(&listed).into_iter();
        listed
            .map(|status| status["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("open,idle"), ["idle", "market.btc", "sink"]);
    assert_eq!(names("failed,idle"), ["idle"]);
    let wrong = ask(&service, &["ls", "--state", "open,ajar"]);
    refused(&wrong, 2, "\"ajar\"");
}

#[test]
fn the_service_may_be_named_before_the_command() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-global", &peer);
    let api = format!("http://{}", service.listen);
    let equals = format!("--api={api}");
    let with_a_command = |args: &[&str]| run(&[args, &["ls", "--state", "idle"]].concat());
    for args in [&["--api", &api][..], &[&equals, "--token", "unused"]] {
        let output = with_a_command(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(stdout(&output).contains("idle"), "{output:?}");
    }
    refused(&with_a_command(&["--api", "nonsense"]), 2, "--api");
    refused(&with_a_command(&["--apu", &api]), 2, "--apu");
    // Commands that do not use a service refuse the option.
    refused(&run(&["--api", &api, "schema"]), 2, "--api");
    refused(&run(&["--api"]), 2, "--api");
}

#[test]
fn the_whole_of_the_input_can_be_one_text_message() {
    let peer = Peer::spawn_thread().unwrap();
    let service = service("cli-send-whole", &peer);
    let frame = b"CONNECT\naccept-version:1.2\n\n\0";
    let mut command = command(
        &service,
        &["send", "sink", "--whole", "--wait", "confirmed"],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(frame).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(stdout(&output), "1 confirmed\n", "{output:?}");
    let log = &peer.connections_at("/sink")[0];
    assert_eq!(log.texts(), [std::str::from_utf8(frame).unwrap()]);
}
