//! `everwire dial`: a conversation over a socket that reconnects.

mod service_support;

use std::{
    io::Write as _,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use everwire::testing::{How, Peer, Script};
use serde_json::Value;
use service_support::{Running, SOON, everwire, run, stderr, stdout};

fn dial(args: &[&str]) -> Running {
    let mut command = everwire(&["dial"]);
    command.args(args).stdin(Stdio::piped());
    Running::spawn(command)
}

/// Runs it with this input.
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
    // Lines that are typed before the loss is detected are sent again on the next socket.
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

/// Runs it, and asserts that it fails with this text.
#[track_caller]
fn fails(args: &[&str], input: &[u8], part: &str) {
    let output = dial_with(args, input);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
    let told = stderr(&output);
    assert!(told.contains(part), "{part:?} is not in {told}");
}

#[test]
fn what_may_not_have_arrived_is_a_failure() {
    let peer = Peer::spawn_thread().unwrap();
    for (path, how) in [("/reset", How::Reset), ("/refused", How::Close(1008))] {
        // The input stays open until the peer has ended the socket. A close by us would get no
        // answer, which would make the result ambiguous.
        let scripts = [Script::echo().await_messages(1).end(how), Script::echo()];
        peer.script_each(path, scripts);
        let mut running = dial(&[
            &peer.url(path),
            "--set",
            "reconnect.initial='100ms'",
            "--set",
            "reconnect.max='200ms'",
        ]);
        let mut stdin = running.stdin();
        writeln!(stdin, "one").unwrap();
        let until = Instant::now() + SOON;
        while peer.connections_at(path).len() < 2 {
            assert!(Instant::now() < until, "{path}: it does not dial again");
            std::thread::yield_now();
        }
        // A message after it arrives.
        writeln!(stdin, "two").unwrap();
        running.line("the echo", |line| line == "two");
        drop(stdin);
        let (status, _, told) = running.end();
        assert_eq!(status.code(), Some(1), "{path}: {told}");
        assert!(told.contains("1 message is in doubt"), "{path}: {told}");
    }
}

#[test]
fn a_close_that_the_peer_answers_leaves_no_doubt_without_a_heartbeat_either() {
    let peer = Peer::spawn_thread().unwrap();
    let args = [&*peer.url("/sink"), "-q", "--set", "heartbeat.kind='none'"];
    let output = dial_with(&args, b"one\ntwo\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn where_nobody_listens_the_end_of_the_input_is_a_failure() {
    let nobody = "ws://127.0.0.1:1/";
    for (args, input) in [
        (&[nobody][..], &b"one\n"[..]),
        (&[nobody], b""),
        (&[nobody, "-"], b"one\n"),
        (&[nobody, "one"], b""),
    ] {
        fails(args, input, "error: cannot connect: 127.0.0.1:1: ");
    }
}

#[test]
fn an_interrupt_before_all_is_sent_is_a_failure_that_counts_what_was_not() {
    let mut running = dial(&["ws://127.0.0.1:1/", "--json"]);
    let mut stdin = running.stdin();
    writeln!(stdin, "one\ntwo").unwrap();
    // More than a pipe holds, and not a line: once it is written, the lines before it were read.
    // Between two retries all work is done.
    stdin.write_all(&[b'x'; 256 << 10]).unwrap();
    for _ in 0..2 {
        running.line("a retry", |line| line.contains("retrying"));
    }
    running.signal("INT");
    let (status, _, told) = running.end();
    drop(stdin);
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(told.contains("2 messages were not sent"), "{told}");
}

#[test]
fn a_message_among_the_arguments_is_sent_and_nothing_is_read() {
    let peer = Peer::spawn_thread().unwrap();
    let output = dial_with(&[&peer.url("/sink"), "-1", "-q"], b"unread\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(peer.connections_at("/sink")[0].texts(), ["-1"]);
}

#[test]
fn lingering_waits_for_an_answer_to_each_line() {
    let peer = Peer::spawn_thread().unwrap();
    let after = Duration::from_millis(200);
    let slow = Script::sink()
        .await_messages(2)
        .wait(after)
        .send("first")
        .wait(after)
        .send("second");
    peer.script("/slow", slow);
    let output = dial_with(&[&peer.url("/slow"), "--linger", "-q"], b"a\nb\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "first\nsecond\n");
    let args = [&*peer.url("/sink"), "--linger=50ms", "-q"];
    fails(&args, b"a\nb\n", "0 of 2 answers came within 50ms");
}
