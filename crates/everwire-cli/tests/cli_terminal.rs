//! The commands on a terminal: a pseudo-terminal made by util-linux' `script`.

mod service_support;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use everwire::testing::Peer;
use service_support::{Running, file, http::Service};

/// The program on a terminal of this width, with its input as the keyboard.
fn on_terminal(columns: usize, args: &str) -> Command {
    let program = env!("CARGO_BIN_EXE_everwire");
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--flush", "--command"])
        .arg(format!(
            "stty cols {columns} rows 24 && exec {program} {args}"
        ))
        .arg("/dev/null")
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env_remove("EVERWIRE_TOKEN")
        .stdin(Stdio::piped());
    command
}

/// The visible part of a line.
fn visible(line: &str) -> String {
    let mut pieces = line.split('\x1b');
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').unwrap().1)
}

fn ls(service: &Service, columns: usize, environment: &[(&str, &str)]) -> Vec<String> {
    let args = format!("ls --api http://{}", service.listen);
    let mut command = on_terminal(columns, &args);
    command.envs(environment.iter().copied());
    let mut running = Running::spawn(command);
    let stdin = running.stdin();
    let (status, lines, stderr) = running.end();
    drop(stdin);
    assert_eq!(status.code(), Some(0), "{stderr} {lines:?}");
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn a_list_fits_the_terminal_and_is_coloured_unless_that_is_unwanted() {
    let url = "ws://127.0.0.1:1/a/path/that/is/much/longer/than/any/column/of/a/terminal/can/be/expected/to/be";
    let service = Service::start(
        "cli-terminal-ls",
        &format!("[connections.\"a.name.that.is.rather.long\"]\nurl = '{url}'\nenabled = false"),
    );
    for columns in [60, 80, 100] {
        let lines = ls(&service, columns, &[]);
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in &lines {
            assert!(
                visible(line).chars().count() <= columns,
                "{columns}: {line:?}"
            );
        }
        assert!(
            lines[1].contains("\x1b[2midle") && lines[1].contains('…'),
            "{lines:?}"
        );
    }
    let wide = ls(&service, 200, &[]);
    assert!(visible(&wide[1]).ends_with(url), "{wide:?}");
    let plain = ls(&service, 80, &[("NO_COLOR", "1")]);
    assert!(!plain.concat().contains('\x1b'), "{plain:?}");
}

#[test]
fn a_conversation_is_typed_and_ends_with_control_d() {
    let peer = Peer::spawn_thread().unwrap();
    let mut running = Running::spawn(on_terminal(80, &format!("dial {}", peer.url("/echo"))));
    let mut keyboard = running.stdin();
    running.line("ready", |line| visible(line).contains("ready"));
    keyboard.write_all(b"hello\n").unwrap();
    // Once from the terminal, once from the peer.
    running.line("what was typed", |line| line.trim_end() == "hello");
    running.line("what came back", |line| line.trim_end() == "hello");
    keyboard.write_all(b"\x04").unwrap();
    let (status, lines, _) = running.end();
    assert_eq!(status.code(), Some(0), "{lines:?}");
    assert!(
        visible(lines.last().unwrap()).contains("closed"),
        "{lines:?}"
    );
    drop(keyboard);
    let close = peer.connections_at("/echo")[0].close.clone().unwrap();
    assert_eq!(close.code, Some(1000));
}

#[test]
fn an_explanation_fits_the_terminal() {
    let config = "[connections.feed]\nurl = 'wss://h/'\nreconnect.give_up_on = ['status:401', 'status:403', 'close:4000-4999']\n";
    let path = file("cli-terminal-explain", config);
    let args = format!("check {} --explain", path.display());
    let mut running = Running::spawn(on_terminal(60, &args));
    let stdin = running.stdin();
    let (status, lines, stderr) = running.end();
    drop(stdin);
    assert_eq!(status.code(), Some(0), "{stderr} {lines:?}");
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    // The first line is the path's.
    assert!(
        lines[1..].iter().all(|line| line.chars().count() <= 60),
        "{lines:#?}"
    );
    let losses = lines
        .iter()
        .position(|line| line.starts_with("  losses     dials again after 100ms to 500ms, drawn;"));
    let losses = losses.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(
        lines[losses + 1],
        "                 up to 2 times as long each time, at most"
    );
}

#[test]
fn whoever_watches_a_conversation_is_told_what_can_be_typed() {
    let peer = Peer::spawn_thread().unwrap();
    let args = format!("dial {} --steps -q", peer.url("/echo"));
    let mut running = Running::spawn(on_terminal(100, &args));
    let mut stdin = running.stdin();
    running.line("what can be typed", |line| {
        line.contains("ready: a line is sent as a message, ? EXPR is tried on the last one")
    });
    writeln!(stdin, "{{\"a\":[1]}}").unwrap();
    running.line("the echo", |line| {
        line.trim_end().ends_with("came: {\"a\":[1]}")
    });
    writeln!(stdin, "? /a").unwrap();
    running.line("the value", |line| line.trim_end() == "[1]");
    // The end of the input.
    stdin.write_all(b"\x04").unwrap();
    let (status, lines, _) = running.end();
    assert_eq!(status.code(), Some(0), "{lines:?}");
}
