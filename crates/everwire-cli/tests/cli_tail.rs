//! `everwire tail`, with a server whose bytes the test controls.

mod service_support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    process::Command,
    sync::mpsc,
    thread,
};

use service_support::{Running, SOON, everwire, run, stderr};

/// An event stream of these pieces that does not end.
fn stream(events: &str) -> String {
    let mut answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned();
    for chunk in events.as_bytes().chunks(50) {
        let chunk = std::str::from_utf8(chunk).unwrap();
        answer.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    answer
}

/// A server that gives one of these answers to each connection, and the heads of the requests; the
/// last connection stays open.
fn server(answers: &[String]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let (sender, heads) = mpsc::channel();
    let answers = answers.to_vec();
    thread::spawn(move || {
        let mut open = Vec::new();
        for answer in answers {
            open.clear();
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") {
                lines.read_line(&mut head).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
            open.push(stream);
            sender.send(head).unwrap();
        }
        thread::park();
    });
    (api, heads)
}

fn event(seq: u32, text: &str) -> String {
    format!(
        ": a comment\n\nid: c{seq}\ndata: {{\"type\":\"message\",\"name\":\"feed\",\"epoch\":1,\"seq\":{seq},\"cursor\":\"c{seq}\",\"at\":\"2026-01-02T03:04:05.678901Z\",\"text\":\"{text}\"}}\n\n"
    )
}

fn tail(api: &str, args: &[&str]) -> Command {
    let mut command = everwire(&["tail"]);
    command
        .args(args)
        .env("EVERWIRE_API", api)
        .env_remove("EVERWIRE_TOKEN");
    command
}

#[test]
fn events_are_lines_and_a_broken_stream_is_resumed_behind_the_last_one() {
    let first =
        stream(&(event(1, "one") + "id: c2\ndata: {\"type\":\"lost with the connection\"}"));
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned();
    let last = stream(&event(2, "two"));
    let (api, heads) = server(&[first, busy, last]);
    let args = ["feed*,x", "--types", "message,closed", "--since", "c0"];
    let mut running = Running::spawn(tail(&api, &args));
    running.line("the first", |line| line == "03:04:05.678 feed message one");
    running.line("the second", |line| line == "03:04:05.678 feed message two");
    running.signal("INT");
    let (status, lines, stderr) = running.end();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        stderr.contains("asking again") && stderr.contains("the service is back"),
        "{stderr}"
    );
    let heads: Vec<_> = (0..3).map(|_| heads.recv_timeout(SOON).unwrap()).collect();
    for (head, last) in heads.iter().zip([None, Some("c1"), Some("c1")]) {
        let request = "GET /v1/events?match=feed*%2Cx&types=message%2Cclosed&since=c0 HTTP/1.1";
        assert!(head.starts_with(request), "{head}");
        let found = head
            .lines()
            .find_map(|line| line.strip_prefix("last-event-id: "));
        assert_eq!(found, last, "{head}");
    }
}

#[test]
fn json_lines_are_the_events_as_they_came() {
    let (api, _heads) = server(&[stream(&event(7, "x\\ny"))]);
    let mut running = Running::spawn(tail(&api, &["--json"]));
    let line = running.line("the event", |_| true);
    assert!(event(7, "x\\ny").contains(&line), "{line}");
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn what_is_refused_at_first_is_a_failure() {
    let problem = |status: &str, detail: &str| {
        let body = format!("{{\"detail\":\"{detail}\"}}");
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    for (answer, code, part) in [
        (
            problem("404 Not Found", "no such path"),
            1,
            "of another version",
        ),
        (
            problem("400 Bad Request", "since: no cursor of ours"),
            2,
            "no cursor of ours",
        ),
        (
            problem(
                "401 Unauthorized",
                "missing token: send Authorization: Bearer TOKEN",
            ),
            1,
            "--token",
        ),
    ] {
        let (api, _heads) = server(&[answer]);
        let output = tail(&api, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(stderr(&output).contains(part), "{output:?}");
    }
    let nobody = run(&["tail", "--api", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
    let types = run(&["tail", "--types", "mesage"]);
    assert_eq!(types.status.code(), Some(2), "{types:?}");
    assert!(stderr(&types).contains("the types are"), "{types:?}");
}
