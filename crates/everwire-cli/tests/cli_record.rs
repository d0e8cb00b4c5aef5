//! `everwire record`, and `everwire rehearse --from`, which plays a recording back.

mod service_support;

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use everwire::{
    Message,
    testing::{How, Peer, Script},
};
use serde_json::Value as Json;
use service_support::{everwire, file, stderr, stdout};

const TOKEN: &str = "a-long-lived-token";
const SESSION: &str = "hush-hush-session";

/// A server that greets, accepts a login, sends secrets, and sends messages that rules match.
fn home() -> Script {
    Script::reply_with(|message| {
        let said: Json = serde_json::from_str(message.as_text().unwrap()).unwrap();
        match said["type"].as_str() {
            Some("auth") => vec![
                Message::text(format!(r#"{{"type":"note","echo":"{TOKEN}"}}"#)),
                Message::text(format!(r#"{{"type":"auth_ok","session":"{SESSION}"}}"#)),
                Message::text(format!(
                    r#"{{"type":"note","long":"{}{SESSION}{TOKEN}"}}"#,
                    "x".repeat(600)
                )),
                Message::text(r#"{"ping":17}"#),
            ],
            _ => vec![Message::text(format!(
                r#"{{"type":"note","your":"{SESSION}"}}"#
            ))],
        }
    })
    .send(r#"{"type":"auth_required"}"#)
}

fn config(name: &str, peer: &Peer) -> PathBuf {
    let text = r#"
[connections.home]
url = "URL"
open_script = [
  { expect = '/type == "auth_required"' },
  { send = '{"type":"auth","token":"${HOME_TOKEN}"}', expect = '/type == "auth_ok"', fail = '/type == "auth_invalid"', capture = { session = { value = "/session", secret = true } } },
]
rules = [
  { when = 'exists(/ping)', send = '{"type":"pong","pong":${/ping}}' },
]
reconnect = { min = "10ms", initial = "10ms", max = "20ms" }
"#;
    file(name, &text.replace("URL", &peer.url("/home")))
}

fn record(config: &Path, out: &Path, time: &str) -> Output {
    // A recording never overwrites a file.
    let _missing = std::fs::remove_file(out);
    let mut command = everwire(&["record", "home", "--for", time]);
    let command = command.arg("--config").arg(config).arg("--out").arg(out);
    command.env("HOME_TOKEN", TOKEN).output().unwrap()
}

fn entries(recording: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(recording).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn play_back(config: &Path, recording: &Path) -> (Output, Json) {
    let mut command = everwire(&["rehearse", "--json", "--from"]);
    let output = command.arg(recording).arg(config).output().unwrap();
    let json = serde_json::from_str(&stdout(&output));
    let json = json.unwrap_or_else(|_| panic!("{}{}", stdout(&output), stderr(&output)));
    (output, json)
}

#[test]
fn a_recording_holds_what_was_said_and_no_secret_and_is_played_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let peer = runtime.block_on(Peer::start()).unwrap();
    peer.script("/home", home());
    let config = config("record_home", &peer);
    let recording = config.with_file_name("home.jsonl");
    let output = record(&config, &recording, "2s");
    assert!(output.status.success(), "{}", stderr(&output));
    let text = std::fs::read_to_string(&recording).unwrap();
    assert!(!text.contains(TOKEN) && !text.contains(SESSION), "{text}");
    let entries = entries(&recording);
    assert_eq!(
        (&entries[0]["type"], &entries[0]["name"]),
        (&"recording".into(), &"home".into())
    );
    let came: Vec<&Json> = entries
        .iter()
        .filter(|entry| entry["type"] == "came")
        .collect();
    let shown = |text: &str, whole: bool| {
        assert!(
            came.iter()
                .any(|entry| entry["text"] == text && entry["whole"] == whole),
            "{text}: {came:#?}"
        );
    };
    shown(r#"{"type":"auth_required"}"#, true);
    // A step was active that captures a secret.
    shown("***", false);
    let is_long = |entry: &&&Json| entry["bytes"].as_u64() > Some(600);
    let long = came.iter().find(is_long).unwrap();
    assert_eq!(long["whole"], false);
    assert!(long["text"].as_str().unwrap().len() < 300);
    shown(r#"{"ping":17}"#, true);
    shown(r#"{"type":"note","your":"***"}"#, false);
    // It is not overwritten.
    let mut again = everwire(&["record", "home", "--for", "1s", "--config"]);
    let again = again
        .arg(&config)
        .arg("--out")
        .arg(&recording)
        .env("HOME_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&recording).unwrap(), text);
    // Played back without the server, and without the token.
    drop(peer);
    let (output, json) = play_back(&config, &recording);
    assert!(output.status.success(), "{json:#}{}", stderr(&output));
    let run = &json["names"][0]["runs"][0];
    assert_eq!(
        (&run["what"], &run["outcome"]),
        (&"as recorded".into(), &"passed".into())
    );
    assert_eq!(run["text"], "3 decisions as recorded");
}

#[test]
fn a_dialogue_that_decides_otherwise_than_it_did_is_told() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let peer = runtime.block_on(Peer::start()).unwrap();
    peer.script_each(
        "/home",
        [home().await_messages(2).end(How::Close(1012)), home()],
    );
    let config = config("record_changed", &peer);
    let recording = config.with_file_name("changed.jsonl");
    let output = record(&config, &recording, "3s");
    assert!(output.status.success(), "{}", stderr(&output));
    let opened = entries(&recording)
        .iter()
        .filter(|entry| entry["type"] == "opened")
        .count();
    assert_eq!(opened, 2);
    let (output, json) = play_back(&config, &recording);
    assert!(output.status.success(), "{json:#}");
    assert_eq!(
        json["names"][0]["runs"][0]["text"],
        "6 decisions as recorded"
    );
    // A configuration that expects another number.
    let text = std::fs::read_to_string(&config).unwrap();
    let changed = file(
        "record_other",
        &text.replace("exists(/ping)", "/ping == 18"),
    );
    let (output, json) = play_back(&changed, &recording);
    assert_eq!(output.status.code(), Some(1));
    let run = &json["names"][0]["runs"][0];
    assert_eq!(run["trouble"], "differs", "{json:#}");
    assert!(
        run["text"]
            .as_str()
            .unwrap()
            .starts_with("decision 3 differs: recorded \"rule 1 matches\""),
        "{json:#}"
    );
}

#[test]
fn what_is_no_recording_is_told_with_its_line() {
    let config = file("record_none", "connections.home.url = 'ws://home.example/'");
    let first = r#"{"after_ms":0.0,"type":"recording","version":1,"name":"home"}"#;
    for (name, text, told) in [
        ("empty", "", "its first line is not from `everwire record`"),
        (
            "other",
            "{\"a\":1}",
            "line 1 of the recording was not written by `everwire record`",
        ),
        (
            "torn",
            &format!("{first}\n{{\"after_ms\":"),
            "line 2 of the recording",
        ),
        (
            "newer",
            &first.replace(":1,", ":2,"),
            "the recording has version 2",
        ),
        (
            "stranger",
            &first.replace("home", "away"),
            "the recording is of \"away\"",
        ),
    ] {
        let recording = config.with_file_name(format!("{name}.jsonl"));
        std::fs::write(&recording, text).unwrap();
        let output = everwire(&["rehearse", "--from"])
            .arg(&recording)
            .arg(&config)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(
            stderr(&output).contains(told),
            "{name}: {}",
            stderr(&output)
        );
    }
}
