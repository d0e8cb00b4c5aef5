//! A peer that gives its reason only in its last message.
//!
//! Reported: Home Assistant refuses a token with the message `auth_invalid` and closes with 1000,
//! XMPP sends a `stream:error` and does the same; `why` reported the close and not the reason. An
//! HTML page that refused a handshake was shown as markup, and a time of two minutes as `133593.1
//! ms`.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use everwire::testing::{How, Peer, Script};
use serde_json::{Value, json};

use crate::{
    service_support::{
        SOON,
        cli::{command, done},
        http::Service,
        stdout,
    },
    support::TestDir,
};

const INVALID: &str = r#"{"type":"auth_invalid","message":"Invalid access token or password"}"#;
/// Dialled only once, so that the result stays visible.
const ONCE: &str = "reconnect = { min = '1h', initial = '1h', max = '1h' }";
const OPERATOR: (&str, &str) = ("Authorization", "Bearer operator-token");
const READER: (&str, &str) = ("Authorization", "Bearer reader-token");

fn start(test: &str, keys: &str) -> Service {
    Service::start(&format!("field-last-words-{test}"), keys)
}

/// A service with the name `feed` and this script.
fn with_feed(test: &str, script: Script, keys: &str) -> (Peer, Service) {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/feed", script);
    let url = peer.url("/feed");
    let service = start(
        test,
        &format!("[connections.feed]\nurl = '{url}'\n{ONCE}\n{keys}\n"),
    );
    (peer, service)
}

/// Polls until `look` returns something.
#[track_caller]
fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + SOON;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn why(service: &Service) -> Value {
    let answer = service.get("/v1/connections/feed/why");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The last message according to `why`, after the end of the socket.
fn last_message(service: &Service) -> Value {
    service.wait_for_state("feed", "backoff");
    let mut why = why(service);
    why.as_object_mut().unwrap().remove("last_message").unwrap()
}

#[test]
fn why_shows_the_message_that_came_before_the_close() {
    let script = Script::sink()
        .send(r#"{"type":"auth_required"}"#)
        .await_messages(1)
        .send("on the way")
        .send(INVALID)
        .close(Some(1000), "");
    let (_peer, service) = with_feed("shown", script, "on_open = ['hello']");
    let told = last_message(&service);
    assert_eq!(
        (&told["text"], &told["bytes"], &told["binary"]),
        (&json!(INVALID), &json!(INVALID.len()), &json!(false)),
        "{told:#}"
    );
    assert!(told["at"].is_string(), "{told:#}");

    let printed = done(&service, &["why", "feed"]);
    let told = printed
        .lines()
        .any(|line| line.starts_with("the peer's last message") && line.ends_with(INVALID));
    assert!(told, "{printed}");
    let json: Value = serde_json::from_str(&done(&service, &["why", "feed", "--json"])).unwrap();
    assert_eq!(json["last_message"]["text"], INVALID);

    let schema = service.get("/openapi.json").json();
    let schema = &schema["components"]["schemas"];
    assert!(
        schema["Why"]["properties"]["last_message"].is_object(),
        "{schema:#}"
    );
}

#[test]
fn only_why_shows_it_and_only_to_who_may_control() {
    let peer = Peer::spawn_thread().unwrap();
    let script = Script::sink().send(INVALID).close(Some(1000), "");
    peer.script("/feed", script);
    let service = start(
        "scope",
        &format!(
            "tokens = [{{ name = 'o', secret = 'operator-token', scopes = ['read', 'control'] }},\n\
             {{ name = 'r', secret = 'reader-token', scopes = ['read'] }}]\n\
             [connections.feed]\nurl = '{}'\n{ONCE}\n",
            peer.url("/feed")
        ),
    );
    let get = |path: &str, token| service.ask("GET", path, &[token], b"");
    let why = |token| get("/v1/connections/feed/why", token).json();
    wait_for("the close", || {
        (why(OPERATOR)["state"] == "backoff").then_some(())
    });
    assert_eq!(why(OPERATOR)["last_message"]["text"], INVALID);
    let reader = why(READER);
    assert_eq!(reader["last_close"]["code"], 1000, "{reader:#}");
    assert_eq!(reader.get("last_message"), None, "{reader:#}");
    let printed = command(&service, &["why", "feed"])
        .env("EVERWIRE_TOKEN", "reader-token")
        .output()
        .unwrap();
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    assert!(!stdout(&printed).contains("auth_invalid"), "{printed:?}");

    let status = get("/v1/connections/feed", OPERATOR).body;
    assert!(!status.contains("auth_invalid"), "{status}");
    let log = service.end();
    assert!(!log.contains("auth_invalid"), "{log}");
}

#[test]
fn of_a_long_message_the_start_is_shown_and_no_part_of_a_secret() {
    let secret = format!("{}-secret-value", "0123456789".repeat(30));
    let dir = TestDir::new("last-words");
    let file = dir.path().join("token");
    fs::write(&file, &secret).unwrap();
    // The cut is within the secret.
    let message = format!("{{\"bad\":\"\u{9b}2J{secret}\",\"{}", "also ".repeat(1000));
    let script = Script::sink()
        .await_messages(1)
        .send(&*message)
        .close(Some(1000), "");
    let on_open = format!("on_open = ['${{file:{}}}']", file.display());
    let (_peer, service) = with_feed("secret", script, &on_open);
    let told = last_message(&service);
    assert_eq!(told["text"], "{\"bad\":\"\u{9b}2J***…", "{told:#}");
    assert_eq!(told["bytes"], message.len());
    let printed = done(&service, &["why", "feed"]);
    assert!(printed.contains("{\"bad\":\" 2J***…"), "{printed}");
    for text in [printed, service.end()] {
        assert!(!text.contains("0123456789"), "{text}");
        assert!(!text.contains('\u{9b}'), "{text}");
    }
}

#[test]
fn a_binary_message_is_shown_as_text_where_it_is_one_and_in_hexadecimal_where_it_is_not() {
    let bytes = |bytes: &[u8]| everwire::Message::binary(bytes.to_vec());
    let unreadable: Vec<u8> = (128..=255).collect();
    for (test, message, text, printed) in [
        (
            "binary-text",
            &b"{\"error\":7}"[..],
            Some("{\"error\":7}"),
            "(binary, 11 bytes) {\"error\":7}",
        ),
        (
            "binary-mixed",
            b"\x81\xa5error\xafinvalid api key",
            Some("\u{fffd}\u{fffd}error\u{fffd}invalid api key"),
            "invalid api key",
        ),
        ("binary", &unreadable, None, "<128 bytes: 80 81 82"),
    ] {
        let script = Script::sink().send(bytes(message)).close(Some(1000), "");
        let (_peer, service) = with_feed(test, script, "");
        let told = last_message(&service);
        assert_eq!(told["binary"], true, "{told:#}");
        assert_eq!(told["bytes"], message.len(), "{told:#}");
        assert_eq!(told["text"].as_str(), text, "{told:#}");
        assert_eq!(told["base64"].is_string(), text.is_none(), "{told:#}");
        let shown = done(&service, &["why", "feed"]);
        assert!(shown.contains(printed), "{shown}");
    }
}

#[test]
fn what_comes_on_a_socket_that_stays_is_not_kept() {
    let late = Script::sink()
        .send("early")
        .wait(Duration::from_millis(5_500))
        .send("late")
        .close(Some(1000), "");
    let (_peer, service) = with_feed("late", late, "heartbeat = 'none'");
    service.wait_for("feed", "the message", |status| {
        status["received"]["messages"] == 1
    });
    assert_eq!(last_message(&service), Value::Null);
}

#[test]
fn a_close_by_hand_has_no_last_message() {
    let (_peer, service) = with_feed("by-hand", Script::sink().send("hello"), "");
    service.wait_for("feed", "the message", |status| {
        status["received"]["messages"] == 1
    });
    service.post("/v1/connections/feed/close", "");
    service.wait_for_state("feed", "closed");
    assert_eq!(why(&service).get("last_message"), Some(&Value::Null));
}

#[test]
fn a_successor_that_is_refused_says_why() {
    let (peer, service) = with_feed("successor", Script::echo(), "");
    service.wait_for("feed", "ready", |status| status["ready"] == true);
    peer.script("/feed", Script::sink().send(INVALID).close(Some(1000), ""));
    let rotated = service.post("/v1/rotate?match=feed", "");
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let text = wait_for("the refusal", || {
        let told = why(&service);
        told["last_message"]["text"].as_str().map(str::to_owned)
    });
    assert_eq!(text, INVALID);
}

#[test]
fn a_page_that_refuses_is_told_by_its_title() {
    let page = "<!DOCTYPE html>\n<html><head>\n<meta charset=utf-8><TITLE lang=en>Attention\n Required! &amp; more | Cloud&#x46;lare</TITLE>\
                <style>body { margin: 0 }</style></head><body><h1>Sorry</h1></body></html>";
    let script = Script::status(403)
        .header("Content-Type", "text/html; charset=UTF-8")
        .body(page);
    let (_peer, service) = with_feed("title", script, "");
    let status = service.wait_for_state("feed", "backoff");
    let text = status["cause"]["text"].as_str().unwrap();
    assert!(
        text.contains("\"Attention Required! & more | CloudFlare\""),
        "{text}"
    );
    assert!(!text.contains('<'), "{text}");
}

#[test]
fn a_name_that_is_up_is_told_without_the_rule_that_led_there() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script_each("/feed", [Script::hang_up(How::Close(1000)), Script::echo()]);
    let url = peer.url("/feed");
    let service = start(
        "rule",
        &format!(
            "[connections.feed]\nurl = '{url}'\nreconnect = {{ min = '1s', initial = '1s', max = '1s' }}\n"
        ),
    );
    service.wait_for("feed", "the second dial", |status| {
        status["ready"] == true && status["reconnects"] == 1
    });
    let printed = done(&service, &["why", "feed"]);
    assert!(printed.contains("feed has been open for"), "{printed}");
    assert!(!printed.contains("decided by the rule"), "{printed}");
    // The delay of the retry in readable form.
    assert!(printed.contains("delay=1s"), "{printed}");
}
