//! `everwire dial --steps`: each step of a conversation is shown, and expressions are evaluated on
//! received messages.

mod service_support;

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use everwire::{
    Message,
    testing::{Peer, Script},
};
use serde_json::Value;
use service_support::{Running, everwire, file, stderr, stdout};

const TOKEN: &str = "a-long-lived-token";

/// Requests a token, accepts the right one, and echoes everything else; it answers a `ping` with a
/// ping.
fn home() -> Script {
    Script::reply_with(|message| {
        let Some(text) = message.as_text() else {
            return Vec::new();
        };
        match serde_json::from_str::<Value>(text) {
            Ok(said) if said["type"] == "auth" && said["token"] == TOKEN => vec![
                Message::text(r#"{"type":"note","echo":"a-long-lived-token"}"#),
                Message::text(r#"{"type":"auth_ok","session":"hush-hush-session"}"#),
            ],
            Ok(said) if said["type"] == "auth" => {
                vec![Message::text(
                    r#"{"type":"auth_invalid","message":"wrong token"}"#,
                )]
            }
            _ => vec![Message::text(text)],
        }
    })
    .send(r#"{"type":"auth_required"}"#)
}

/// A configuration with names for this peer.
fn config(name: &str, peer: &Peer) -> PathBuf {
    let text = r#"
[connections.home]
url = "URL"
open_script = [
  { expect = '/type == "auth_required"' },
  { if = 'session', send = "resume" },
  { send = '{"type":"auth","token":"${HOME_TOKEN}"}', expect = '/type == "auth_ok"', give_up = '/type == "auth_invalid"', capture = { session = { value = "/session", secret = true } } },
]
rules = [
  { when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false },
]
[connections.other]
url = "URL"
enabled = false
"#;
    file(name, &text.replace("URL", &peer.url("/home")))
}

fn command(config: &std::path::Path, args: &[&str], token: &str) -> Command {
    let mut command = everwire(&["dial"]);
    command
        .args(args)
        .arg("--config")
        .arg(config)
        .env("HOME_TOKEN", token)
        .stdin(Stdio::piped());
    command
}

/// The lines without the times in front of them.
fn untimed(lines: &[String]) -> Vec<String> {
    let untimed = |line: &String| match line.split_at_checked(14) {
        Some((time, told)) if time.ends_with("  ") && line.starts_with("  ") => told.to_owned(),
        _ => line.clone(),
    };
    // The durations differ.
    let steady = |line: String| {
        let mut words = line.split(' ').map(|word| match word {
            word if word.ends_with("ms:") => "TIME:",
            word => word,
        });
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |line, word| line + " " + word)
    };
    lines.iter().map(untimed).map(steady).collect()
}

#[test]
fn a_login_is_shown_step_by_step_and_expressions_are_tried_on_what_came() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/home", home());
    let config = config("steps-login", &peer);
    let mut running = Running::spawn(command(&config, &["home", "--steps"], TOKEN));
    let mut stdin = running.stdin();
    running.line("the end of the script", |line| {
        line.ends_with("open_script has passed")
    });
    for (typed, shown) in [
        ("{\"ping\":17}", "  came: {\"pong\":17}"),
        ("? /pong + 1", "18"),
        (
            "{\"op\":10,\"list\":[1,2]}",
            "  came: {\"op\":10,\"list\":[1,2]}",
        ),
        ("? /list/1", "2"),
        ("? /op == 10 && exists(/list)", "true"),
        ("? /none", "absent"),
        ("? session", "***"),
        ("? {\"d\":${/list}}", "{\"d\":[1,2]}"),
        ("? HOME_TOKEN", "***"),
        ("?", "\"{\\\"op\\\":10,\\\"list\\\":[1,2]}\""),
        ("? /op = 10", "      ^"),
        ("? exist(/op)", "  ^^^^^"),
    ] {
        writeln!(stdin, "{typed}").unwrap();
        running.line(typed, |line| line == shown || line.ends_with(shown));
    }
    drop(stdin);
    let (status, lines, told) = running.end();
    assert_eq!(status.code(), Some(0), "{told}");
    let expected = r#"step 1 of 3 expects /type == "auth_required" within 10s
came: {"type":"auth_required"}
step 1 of 3: expect (/type == "auth_required") held after TIME: passed
step 2 of 3 is left out: its if (session) does not hold
step 3 of 3 sends {"type":"auth","token":"${HOME_TOKEN}"}, expects /type == "auth_ok" within 10s
step 3 of 3 is sent
came: ***
came: ***
step 3 of 3: expect (/type == "auth_ok") held after TIME: passed, captured session
open_script has passed
came: {"ping":17}
rule 1 (exists(/ping)) answered {"pong":${/ping}}
came: {"pong":17}
18
came: {"op":10,"list":[1,2]}
2
true
absent
***
{"d":[1,2]}
***
"{\"op\":10,\"list\":[1,2]}"
error: invalid operator `=`: write `==` to compare
  /op = 10
      ^"#;
    let lines = untimed(&lines);
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(lines[..expected.len()], expected, "{lines:#?}");
    let rest = lines[expected.len()..].join("\n");
    assert!(
        rest.starts_with("error: ") && rest.contains("exists") && rest.ends_with("\n  ^^^^^"),
        "{rest}"
    );
    for part in ["opened", "ready", "closed"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    for secret in [TOKEN, "hush-hush"] {
        assert!(!lines.join("\n").contains(secret) && !told.contains(secret));
    }
    // Subscribers saw neither the pong's cause nor the login: the peer closed without any
    // complaint.
    let log = &peer.connections_at("/home")[0];
    assert_eq!(log.close.clone().unwrap().code, Some(1000));
}

#[test]
fn a_refused_login_is_a_failure_in_the_words_of_why() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/home", home());
    let config = config("steps-refused", &peer);
    let mut command = command(&config, &["home", "--steps"], "wrong-token");
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let lines: Vec<String> = stdout(&output).lines().map(ToOwned::to_owned).collect();
    let lines = untimed(&lines);
    let refusal = r#"step 3 of 3: give_up (/type == "auth_invalid") held after TIME: refused"#;
    let at = lines.iter().position(|line| line == refusal);
    let at = at.unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(lines[at + 1].starts_with("lost: "), "{lines:#?}");
    let told = stderr(&output);
    let failure = told
        .lines()
        .find(|line| line.starts_with("error: gave up: "));
    let failure = failure.unwrap_or_else(|| panic!("{told}"));
    for part in [
        "step 3 of open_script sent",
        "${HOME_TOKEN}",
        "give_up (/type == \"auth_invalid\") held for",
    ] {
        assert!(failure.contains(part), "{part} is not in {failure}");
    }
    assert!(!told.contains("wrong-token") && !stdout(&output).contains("wrong-token"));
    assert_eq!(peer.connections_at("/home").len(), 1, "it dials once");
}

#[test]
fn a_script_is_tried_with_nothing_typed_and_its_steps_can_be_read_by_programs() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/home", home());
    let config = config("steps-json", &peer);
    let mut running = Running::spawn(command(&config, &["home", "--steps", "--json"], TOKEN));
    let mut stdin = running.stdin();
    // Written at once: each expression waits for the answer to the line before it.
    write!(stdin, "{{\"a\":1}}\n? /a\n? /a =\n").unwrap();
    drop(stdin);
    let (status, lines, told) = running.end();
    assert_eq!(status.code(), Some(0), "{told}");
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let happened: Vec<&str> = lines
        .iter()
        .filter(|line| line["type"] == "dialogue")
        .map(|line| line["happened"].as_str().unwrap())
        .collect();
    assert_eq!(
        happened,
        [
            "began", "came", "decided", "left_out", "began", "sent", "came", "came", "decided",
            "passed", "came"
        ]
    );
    let decided = lines.iter().rfind(|line| line["happened"] == "decided");
    let decided = decided.unwrap();
    assert_eq!(
        (&decided["key"], &decided["number"], &decided["verdict"]),
        (&"expect".into(), &3.into(), &"passes".into())
    );
    assert!(decided["after_ms"].is_number() && decided["at"].is_string());
    let answers: Vec<&Value> = lines
        .iter()
        .filter(|line| line["type"] == "answer")
        .collect();
    assert_eq!(
        (&answers[0]["asked"], &answers[0]["value"]),
        (&"/a".into(), &"1".into())
    );
    assert_eq!(answers[1]["asked"], "/a =");
    assert!(answers[1]["errors"][0]["start"].is_number(), "{answers:?}");
    assert!(lines.iter().any(|line| line["type"] == "closed"));
}

#[test]
fn a_name_is_dialled_as_a_url_is_and_one_that_is_not_there_is_told() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/home", Script::echo());
    let config = config("steps-names", &peer);
    // The name is disabled, but requested here.
    let output = command(&config, &["other", "hello", "--linger", "-q"], TOKEN)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), &*stdout(&output)),
        (Some(0), "hello\n"),
        "{output:?}"
    );
    for (args, part) in [
        (
            &["ohter", "--steps"][..],
            "is called \"ohter\"; there are home, other",
        ),
        (&["home", "-H", "A: b"], "has no \"://\""),
    ] {
        let output = command(&config, args, TOKEN).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(part), "{output:?}");
    }
    // A URL can be watched, too.
    let url = peer.url("/home");
    let script = "open_script = [{ send = 'hi', expect = 'message == \"hi\"' }]";
    let output = everwire(&["dial", &url, "--steps", "-q", "--set", script])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines: Vec<String> = stdout(&output).lines().map(ToOwned::to_owned).collect();
    assert_eq!(
        untimed(&lines),
        [
            "step 1 of 1 sends hi, expects message == \"hi\" within 10s",
            "step 1 of 1 is sent",
            "came: hi",
            "step 1 of 1: expect (message == \"hi\") held after TIME: passed",
            "open_script has passed"
        ]
    );
}

#[test]
fn where_nobody_listens_it_fails_at_once() {
    let output = everwire(&["dial", "ws://127.0.0.1:1/", "--steps"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).contains("error: gave up: refused: 127.0.0.1:1: "),
        "{output:?}"
    );
}

/// An HTTP server with one response for all requests.
fn http(body: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let _read = std::io::Read::read(&mut stream, &mut head);
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://127.0.0.1:{port}")
}

#[test]
fn what_is_done_before_the_dial_and_calls_of_the_script_are_shown_step_by_step() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/minted", Script::reply_with(|_| Vec::new()));
    let server = http(r#"{"path":"minted","n":7}"#);
    let text = r#"
[connections.home]
url = "URL${path}"
prepare = [
  { http = { url = "HTTP/mint?key=${HOME_TOKEN}", headers = { X-Key = "${HOME_TOKEN}" } }, capture = { path = "/path" } },
  { if = 'handover', http = { url = "HTTP/never" } },
]
open_script = [{ http = { url = "HTTP/n?x=1" }, expect = '/n == 7' }]
"#;
    let text = text.replace("URL", &peer.url("/")).replace("HTTP", &server);
    let config = file("steps-prepare", &text);
    let mut running = Running::spawn(command(&config, &["home", "--steps"], TOKEN));
    let stdin = running.stdin();
    running.line("the end of the script", |line| {
        line.ends_with("open_script has passed")
    });
    drop(stdin);
    let (status, lines, told) = running.end();
    assert_eq!(status.code(), Some(0), "{told}");
    for secret in [TOKEN, "minted"] {
        let shown = lines.join("\n");
        assert!(!shown.contains(secret) && !told.contains(secret), "{shown}");
    }
    let steps = untimed(&lines);
    // The durations differ.
    let shown = |begin: &str| {
        let found = steps.iter().find(|line| line.starts_with(begin));
        found
            .unwrap_or_else(|| panic!("{begin}: {steps:#?}"))
            .clone()
    };
    shown(&format!(
        "step 1 of 2 of prepare calls GET {server}/mint within 10s"
    ));
    shown("step 1 of 2 of prepare: its call is out");
    assert!(shown("step 1 of 2 of prepare: answered 200 after").ends_with(": ***"));
    let decided = shown("step 1 of 2 of prepare: expect (status 2xx) held after");
    assert!(decided.ends_with("passed, captured path"), "{decided}");
    shown("step 2 of 2 of prepare is left out: its if (handover) does not hold");
    shown("prepare has passed");
    shown(&format!(
        "step 1 of 1 calls GET {server}/n, expects /n == 7 within 10s"
    ));
    let answered = shown("step 1 of 1: answered 200 after");
    assert!(answered.ends_with(r#"{"path":"***","n":7}"#), "{answered}");
}
