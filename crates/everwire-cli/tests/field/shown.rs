//! A peer's text must not control the terminal of its reader.
//!
//! Reported: U+007F to U+009F (CSI and OSC in one character) and marks that reverse the text
//! direction passed through `tail`, `why`, `dial` and the log unchanged, since only U+0000 to
//! U+001F was replaced.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use everwire::{core::is_displayable, testing::Peer};
use serde_json::{Value, json};
use tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::service_support::{
    Running, SOON,
    cli::{ask, command},
    everwire, file,
    http::{Answer, Service},
    sse::Sse,
    ws::Socket,
};

/// C0, DEL and C1: as many as fit into the reason of a close frame.
fn controls() -> String {
    ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}').collect()
}

/// Characters that reorder or hide text, or break lines.
fn marks() -> String {
    let ranges = [
        '\u{61c}'..='\u{61c}',
        '\u{200b}'..='\u{200b}',
        '\u{200e}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2066}'..='\u{2069}',
        '\u{feff}'..='\u{feff}',
    ];
    ranges.into_iter().flatten().collect()
}

/// A peer that sends both, and closes with one: `/controls` or `/marks`.
fn peer() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut reason = String::new();
                #[allow(clippy::result_large_err, reason = "tungstenite's own signature")]
                let path = |request: &tungstenite::handshake::server::Request, answer| {
                    reason = match request.uri().path() {
                        "/controls" => controls(),
                        _ => marks(),
                    };
                    Ok(answer)
                };
                let Ok(mut socket) = tungstenite::accept_hdr(tcp, path) else {
                    return;
                };
                let _gone = socket.send(Message::text(controls() + &marks()));
                let code = CloseCode::from(4001);
                let reason = reason.into();
                let _gone = socket.close(Some(CloseFrame { code, reason }));
                while socket.read().is_ok() {}
            });
        }
    });
    addr
}

/// Names with such peers.
fn names(test_peer: &Peer) -> String {
    let (addr, echo) = (peer(), test_peer.url("/echo"));
    let body: String =
        url::form_urlencoded::byte_serialize(format!("<{}{}>", controls(), marks()).as_bytes())
            .collect();
    let refused = test_peer.url(&format!("/status/503?body={body}"));
    let moved = test_peer.url(&format!("/status/302?body={body}"));
    format!(
        "[defaults]\nreconnect = {{ initial = '1h', max = '1h' }}\n\
         [connections.controls]\nurl = 'ws://{addr}/controls'\n\
         [connections.marks]\nurl = 'ws://{addr}/marks'\n\
         [connections.refused]\nurl = '{refused}'\n\
         [connections.moved]\nurl = '{moved}'\n\
         [connections.echo]\nurl = '{echo}'\nhistory = {{ messages = 1000, bytes = '64MiB' }}\n"
    )
}

/// Asserts that the only control characters are line ends.
#[track_caller]
fn assert_displayable(face: &str, text: &str) {
    let wrong = text
        .char_indices()
        .find(|(_, c)| *c != '\n' && !is_displayable(*c));
    if let Some((at, c)) = wrong {
        let start = text.floor_char_boundary(at.saturating_sub(200));
        panic!("{face} shows {c:?} after {:?}", &text[start..at]);
    }
}

fn printed(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(text).unwrap()
}

/// Waits until the names have received the messages.
fn started(test: &str) -> (Peer, Service) {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start(test, &names(&peer));
    for name in ["controls", "marks", "refused", "moved"] {
        service.wait_for_state(name, "backoff");
    }
    service.wait_for_state("echo", "open");
    (peer, service)
}

#[test]
fn no_command_shows_what_a_terminal_would_obey() {
    let (_peer, service) = started("shown-commands");
    for args in [&["ls"][..], &["ls", "--json"]] {
        assert_displayable("ls", &printed(&ask(&service, args)));
    }
    for name in ["controls", "marks", "refused", "moved"] {
        for what in ["why", "status", "probe"] {
            for more in [&[][..], &["--json"]] {
                let args = [&[what, name], more].concat();
                let text = printed(&ask(&service, &args));
                assert!(text.contains("url") || what != "status", "{text}");
                assert_displayable(&args.join(" "), &text);
            }
        }
    }
    // JSON output contains the peer's text unchanged.
    for (name, reason) in [("controls", controls()), ("marks", marks())] {
        let output = ask(&service, &["status", name, "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(status["last_close"]["reason"], reason, "{status}");
    }
}

#[test]
fn no_answer_shows_what_a_terminal_would_obey() {
    let (_peer, service) = started("shown-answers");
    let reasons = [("controls", controls()), ("marks", marks())];
    let events_of = |answer: &Answer| answer.json()["attempts"][0]["events"].clone();
    for (name, reason) in &reasons {
        let status = service.get(&format!("/v1/connections/{name}"));
        assert_displayable("the status", &status.body);
        assert_eq!(status.json()["last_close"]["reason"], **reason);
        let why = service.get(&format!("/v1/connections/{name}/why"));
        assert_displayable("why", &why.body);
        let events = events_of(&why);
        let mut closed = events.as_array().unwrap().iter();
        let closed = closed.find(|event| event["type"] == "closed");
        assert_eq!(closed.unwrap()["reason"], **reason, "{events}");
    }
    for path in [
        "/v1/connections",
        "/v1/connections/refused/why",
        "/metrics",
        "/openapi.json",
    ] {
        let answer = service.get(path);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_displayable(path, &answer.body);
    }
    // Many problems repeat text of the request.
    let hostile: String = url::form_urlencoded::byte_serialize(marks().as_bytes()).collect();
    for path in [
        format!("/v1/connections?state={hostile}"),
        format!("/v1/connections/{hostile}"),
        format!("/v1/events?{hostile}=1"),
    ] {
        let answer = service.get(&path);
        assert!(answer.status >= 400, "{answer:?}");
        assert_displayable(&path, &answer.body);
    }
    let mut socket = Socket::open(&service, "/v1/ws", &[]);
    let id = marks();
    socket.ask(&json!({ "op": "subscribe", "id": id, "match": "*", "since": "0" }));
    loop {
        let Message::Text(text) = socket.next() else {
            continue;
        };
        assert_displayable("the WebSocket", &text);
        let told: Value = serde_json::from_str(&text).unwrap();
        assert!(told["id"] == *id || told["subscription"] == *id, "{told}");
        if told["type"] == "closed" && told["name"] == "marks" {
            assert_eq!(told["reason"], marks());
            break;
        }
    }
}

#[test]
fn no_character_of_a_message_gets_through_that_is_not_displayable() {
    let (_peer, service) = started("shown-messages");
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    let texts: Vec<String> = all.chunks(8192).map(|part| part.iter().collect()).collect();
    let tail = |more: &[&str]| {
        let args = ["tail", "echo", "--types", "message", "--since", "0"];
        Running::spawn(command(&service, &[&args, more].concat()))
    };
    let (mut plain, mut programs) = (tail(&[]), tail(&["--json"]));
    // The first line may report a gap before it.
    let is_message = |line: &str| !line.contains("lagged");
    let target = "/v1/events?match=echo&types=message";
    let (mut sse, _) = Sse::started(&service, target, &[]);
    for text in &texts {
        let target = "/v1/connections/echo/send?wait=confirmed";
        let sent = service.ask("POST", target, &[], text.as_bytes());
        assert_eq!(sent.status, 200, "{sent:?}");
        let told = sse.next();
        assert_displayable("the server-sent events", &told.text);
        assert!(told.data["text"] == **text, "the text is another one");

        let line = plain.line("a message", is_message);
        assert_displayable("tail", &line);
        let line = programs.line("a message", is_message);
        assert_displayable("tail --json", &line);
        let told: Value = serde_json::from_str(&line).unwrap();
        assert!(told["text"] == **text, "the text is another one");
    }
}

#[test]
fn no_line_of_the_log_holds_what_a_terminal_would_obey() {
    for format in ["json", "pretty"] {
        let test_peer = Peer::spawn_thread().unwrap();
        let text = format!(
            "[service]\nlisten = '127.0.0.1:0'\nlog = {{ level = 'trace', format = '{format}', messages = true }}\n{}",
            names(&test_peer)
        );
        let path = file(&format!("shown-log-{format}"), &text);
        let mut running = Running::start(&["run", path.to_str().unwrap()]);
        let mut left = vec!["controls", "marks", "refused"];
        running.line("all of them are in backoff", |line| {
            assert_displayable(format, line);
            left.retain(|name| !(line.contains("retrying") && line.contains(name)));
            left.is_empty()
        });
        running.signal("TERM");
        let (_, lines, stderr) = running.end();
        assert!(
            lines.iter().any(|line| line.contains("message")),
            "{lines:#?}"
        );
        for line in lines {
            assert_displayable(format, &line);
        }
        assert_displayable(format, &stderr);
    }
}

#[test]
fn a_conversation_on_a_terminal_shows_nothing_that_it_would_obey() {
    let addr = peer();
    for path in ["controls", "marks"] {
        let url = format!("ws://{addr}/{path}");
        let dial = ["dial", &url, "--keep-open", "--set", "reconnect=\"never\""];
        let (status, text) = on_a_terminal(&dial);
        assert!(!status && text.contains("4001"), "{text}");
        // A terminal ends lines like this.
        assert_displayable("dial", &text.replace("\r\n", "\n"));
        let told = everwire(&[&dial[..], &["--json"]].concat())
            .output()
            .unwrap();
        assert!(printed(&told).contains("4001"), "{told:?}");
        assert_displayable("dial --json", &printed(&told));
    }
}

/// Whether it succeeds, and the visible text, without colours.
fn on_a_terminal(args: &[&str]) -> (bool, String) {
    let program = everwire(args);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words = words.map(|word| format!("'{}'", word.to_str().unwrap()));
    let line = words.collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is a part of util-linux");
    let until = Instant::now() + SOON;
    while script.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            script.kill().unwrap();
            panic!("{args:?} does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = script.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}
