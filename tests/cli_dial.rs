//! `everwire dial`: a conversation over a socket that comes back.
#![cfg(feature = "service")]

mod service_support;

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use everwire::testing::{How, Peer, Script};
use serde_json::Value;
use service_support::{Running, SOON, everwire, run, stderr};

fn dial(args: &[&str]) -> Running {
    let mut command = everwire(&["dial"]);
    command.args(args).stdin(Stdio::piped());
    Running::spawn(command)
}

/// Runs it with this as its input.
fn dial_with(args: &[&str], input: &[u8]) -> Output {
    let mut command = everwire(&["dial"]);
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn a_conversation_goes_on_after_the_socket_was_lost() {
    let peer = Peer::spawn_thread().unwrap();
    // What is typed while nobody knows yet that the socket is gone is sent again on the next one.
    let mut running = dial(&[
        &peer.url("/echo"),
        "--set",
        "reconnect.initial='100ms'",
        "--set",
        "outbox.resend='in_doubt'",
    ]);
    let mut stdin = running.stdin();
    writeln!(stdin, "one").unwrap();
    running.line("an echo", |line| line == "one");
    peer.kick("/echo", How::Reset);
    peer.wait_for("/echo", SOON, |log| log.end.is_some())
        .await
        .unwrap();
    writeln!(stdin, "two").unwrap();
    running.line("an echo on the next socket", |line| line == "two");
    drop(stdin);
    let (status, lines, stderr) = running.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert_eq!(lines, ["one", "two"]);
    for part in ["ready", "retrying", "closed"] {
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    let logs = peer.connections_at("/echo");
    let close = logs.last().unwrap().close.clone().unwrap();
    assert_eq!((logs.len(), close.code), (2, Some(1000)));
}

#[test]
fn all_of_the_input_is_sent_before_the_goodbye_whatever_the_outbox_holds() {
    let peer = Peer::spawn_thread().unwrap();
    let input: String = (0..500).map(|line| format!("line {line}\n")).collect();
    let args = [&peer.url("/sink"), "-q", "--set", "outbox.messages=3"];
    let output = dial_with(&args, input.as_bytes());
    assert_eq!(
        (output.status.code(), &*stderr(&output)),
        (Some(0), ""),
        "{output:?}"
    );
    let log = &peer.connections_at("/sink")[0];
    assert_eq!(log.texts(), input.lines().collect::<Vec<_>>());
}

#[test]
fn headers_and_subprotocols_are_asked_for_and_events_can_be_read_by_programs() {
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/echo");
    let args = [
        &*url,
        "-H",
        "X-Who: me",
        "-s",
        "chat",
        "--json",
        "--keep-open",
    ];
    let mut running = dial(&args);
    let mut stdin = running.stdin();
    writeln!(stdin, "hello").unwrap();
    drop(stdin);
    running.line("the echo", |line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["type"] == "message" && event["text"] == "hello"
    });
    running.signal("INT");
    let (status, lines, _) = running.end();
    assert_eq!(status.code(), Some(0), "{lines:?}");
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(last["type"], "closed");
    let log = &peer.connections_at("/echo")[0];
    let request = log.request.as_ref().unwrap();
    assert_eq!(request.header("x-who"), Some("me"));
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["chat"]);
}

#[test]
fn what_cannot_be_is_a_failure_that_says_why() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/no", Script::status(401));
    let args = [&*peer.url("/no"), "--set", "reconnect='never'"];
    let mut running = dial(&args);
    let stdin = running.stdin();
    let (status, _, told) = running.end();
    drop(stdin);
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(
        told.contains("error: gave up") && told.contains("401"),
        "{told}"
    );

    let output = dial_with(&[&peer.url("/sink")], b"good\n\xff\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains("line 2: the payload is not UTF-8"),
        "{output:?}"
    );

    for args in [
        &["dial", "http://127.0.0.1:1/"][..],
        &["dial", "ws://127.0.0.1:1/", "-H", "nothing"],
        &["dial", "ws://127.0.0.1:1/", "-H", "A: b\r\nc: d"],
        &[
            "dial",
            "ws://127.0.0.1:1/",
            "--set",
            "hearbeat.interval='1s'",
        ],
        &["dial"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn binary_messages_are_shown_as_bytes() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script(
        "/bytes",
        Script::sink().send(everwire::Message::binary(&b"\0\xff"[..])),
    );
    let mut running = dial(&[&peer.url("/bytes"), "-q"]);
    let _stdin = running.stdin();
    running.line("the message", |line| line == "<2 bytes: 00 ff>");
    running.signal("TERM");
    let (status, _, told) = running.end();
    assert_eq!((status.code(), &*told), (Some(0), ""));
}
