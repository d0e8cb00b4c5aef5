//! The `prepare` steps before a dial, with servers and programs that work and with some that fail.

mod calls;
mod programs;
mod replaces;
mod shared;
mod signs;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use everwire::{
    ConnectionSettings, EventKind, Manager, Message, State,
    config::{DialPolicy, Settings},
    connection::{SessionSettings, session::Heard},
    core::Cause,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::{
    Variables, catch_up, holds_no_secret,
    http::{Http, respond, say_nothing},
    open,
    peer::Server,
    support::{
        PrivateCa, SOON, TestDir, poll_until,
        rig::{Watch, one_arbiter, wait_for, wait_for_state},
    },
};

const SECRET: &str = "s3cret-of-the-environment";
const QUICK: &str =
    "reconnect = { min = \"1ms\", initial = \"5ms\", max = \"50ms\" }\nheartbeat = \"none\"\n";

/// All settings of a file, in which `HTTP` and `WS` stand for the servers.
fn all(text: &str, http: &str, ws: &str) -> Settings {
    let text = text.replace("HTTP", http).replace("WS", ws);
    Settings::from_toml_with(&text, &Variables(&[("KEY", SECRET)]))
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// A name with these keys.
fn name(keys: &str, http: &str, ws: &str) -> ConnectionSettings {
    let settings = all(&format!("[connections.name]\n{QUICK}{keys}\n"), http, ws);
    settings.connections["name"].clone()
}

/// The cause of the next failed dial.
async fn failure(watch: &mut Watch) -> Cause {
    watch.error().await
}

fn echo() -> Server {
    Server::start(|line| line.until_gone())
}

/// The reported failure if a server answers like this; nothing is dialled.
async fn told_of(
    keys: &str,
    answer: impl Fn(&super::http::Request, &mut std::net::TcpStream) -> std::io::Result<()>
    + Send
    + Sync
    + 'static,
) -> String {
    let http = Http::start(answer);
    let server = echo();
    let (_manager, handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    let cause = failure(&mut watch).await;
    assert_eq!(cause.kind(), "prepare");
    assert_eq!(server.sockets(), 0);
    handle.close(1000, "").await.unwrap();
    cause.to_string()
}

/// Answers with `{"token":"t-0"}`, `{"token":"t-1"}` and so on.
fn tokens() -> Http {
    Http::start(move |request, stream| {
        let number = request.number;
        respond(
            stream,
            "200 OK",
            &[],
            &format!(r#"{{"token":"t-{number}"}}"#),
        )
    })
}

#[tokio::test]
async fn what_is_prepared_is_in_the_whole_dial_and_nowhere_else() {
    let http = Http::start(|request, stream| match request.number {
        0 => respond(
            stream,
            "201 Created",
            &["Set-Cookie: session=c-0123; Path=/"],
            r#"{"token":"t-secret","user":"me","path":"/p-secret"}"#,
        ),
        _ => respond(stream, "200 OK", &[], "wss"),
    });
    let server = Server::guarded(
        |request| {
            let headers = request.headers();
            let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            assert_eq!(
                request.uri().to_string(),
                "/p-secret?k=s3cret-of-the-environment&c=c-0123"
            );
            assert_eq!(header("x-token"), Some("Bearer t-secret"));
            assert_eq!(header("authorization"), Some("Basic bWU6dC1zZWNyZXQ="));
            assert_eq!(
                header("sec-websocket-protocol"),
                Some("plain, token.t-secret")
            );
            Ok(Some("token.t-secret"))
        },
        |line| {
            let said = line.hear_text()?;
            line.ask(said == "login t-secret", "no login");
            line.say(r#"{"ok":true}"#)?;
            line.say("t-secret is a token")?;
            line.until_gone()
        },
    );
    let keys = r#"
url = "WS${path}?k=${KEY}&c=${cookie_of}"
headers = { X-Token = "Bearer ${token}" }
basic_auth = { user = "${user}", password = "${token}" }
subprotocols = ["plain", "token.${token}"]
prepare = [
  { http = { method = "POST", url = "HTTP/login?k=${KEY}", headers = { X-Key = "${KEY}" }, body = '{"n":"${name}"}' }, capture = { token = "/token", user = "/user", path = "/path", cookie_of = 'cookie("session")' } },
  { if = 'user == "me"', http = { url = "HTTP/second/${token}" }, expect = 'message == "wss"' },
]
open_script = [{ send = "login ${token}", expect = "/ok" }]"#;
    let ws = server.url().trim_end_matches('/').to_owned();
    let (_manager, handle, mut watch) = open(name(keys, &http.url(), &ws));
    watch.ready().await;
    watch.message().await;
    let status = serde_json::to_string(&handle.status().await.unwrap()).unwrap();
    let asked = http.requests();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].line, format!("POST /login?k={SECRET} HTTP/1.1"));
    assert_eq!(asked[0].header("x-key"), Some(SECRET));
    assert_eq!(asked[0].body, r#"{"n":"name"}"#);
    assert_eq!(asked[1].line, "GET /second/t-secret HTTP/1.1");
    assert_eq!(asked[1].header("x-key"), None);
    assert_eq!(server.faults(), Vec::<String>::new());
    catch_up(&handle, &mut watch).await;
    for secret in [SECRET, "p-secret", "c-0123"] {
        holds_no_secret(&watch, secret);
        assert!(!status.contains(secret), "{status}");
    }
    assert!(!status.contains("t-secret"), "{status}");
    assert!(
        status.contains("${path}?k=${KEY}&c=${cookie_of}"),
        "{status}"
    );
}

#[tokio::test]
async fn each_dial_is_prepared_anew_and_a_rotation_too() {
    let http = Http::start(|request, stream| {
        let number = request.number;
        respond(stream, "200 OK", &[], &format!(r#"{{"n":{number}}}"#))
    });
    let server = Server::start(|line| {
        line.say(format!("hello {} {}", line.path, line.number))?;
        match line.number {
            0 => Err(line.cut()),
            1 => {
                line.say(r#"{"op":"moved"}"#)?;
                line.until_gone()
            }
            _ => line.until_gone(),
        }
    });
    let keys = r#"
url = "WSticket/${n}"
prepare = [{ http = { url = "HTTP/" }, capture = { n = "/n" } }]
rules = [{ when = '/op == "moved"', do = "rotate" }]"#;
    let (_manager, handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    for number in 0..3 {
        watch
            .text(&format!("hello /ticket/{number} {number}"))
            .await;
    }
    assert_eq!(http.requests().len(), 3);
    assert_eq!(handle.status().await.unwrap().state, State::Open);
}

#[tokio::test]
async fn while_it_is_prepared_the_status_says_so() {
    let http = Http::start(|_, stream| say_nothing(stream));
    let keys = r#"
url = "WS"
prepare = [{ http = { method = "POST", url = "HTTP/open/${KEY}?secret=1" }, within = "1m" }]"#;
    let (_manager, handle, _watch) = open(name(keys, &http.url(), "ws://127.0.0.1:9/"));
    let preparing = wait_for("what is prepared", async || {
        let status = handle.status().await.unwrap();
        status.preparing.ok_or(status.state)
    })
    .await;
    assert_eq!(preparing, format!("POST {}/open/${{KEY}}", http.url()));
    assert_eq!(handle.status().await.unwrap().state, State::Connecting);
    // A close does not wait for it.
    handle.close(1000, "").await.unwrap();
    wait_for_state(&handle, State::Closed).await;
}

#[tokio::test]
async fn a_refusal_is_told_with_all_that_is_known_and_without_secrets() {
    let http = Http::start(|request, stream| {
        let key = request.header("x-key").unwrap_or_default();
        let body = format!(r#"{{"error":"bad key {key}","token":"t-secret"}}"#);
        respond(stream, "403 Forbidden", &[], &body)
    });
    let keys = r#"
url = "WS"
prepare = [{ http = { url = "HTTP/open?x=1", headers = { X-Key = "${KEY}" } }, capture = { token = "/token" } }]"#;
    let (_manager, _handle, mut watch) = open(name(keys, &http.url(), "ws://127.0.0.1:9/"));
    let cause = failure(&mut watch).await;
    let Cause::Prepare {
        status, is_refusal, ..
    } = cause
    else {
        panic!("{cause:?}");
    };
    assert_eq!((status, is_refusal), (Some(403), true));
    let text = cause.to_string();
    let start = format!(
        "prepare: step 1 of prepare, GET {}/open, answered 403 after ",
        http.url()
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(
        text.ends_with(r#": {"error":"bad key ***","token":"***"}"#),
        "{text}"
    );
    let retrying = watch.retrying().await;
    assert_eq!(retrying.rule.to_string(), "backoff, from max");
    holds_no_secret(&watch, SECRET);
}

#[tokio::test]
async fn a_server_says_when_to_come_back() {
    let http = Http::start(|request, stream| match request.number {
        0 => respond(
            stream,
            "429 Too Many Requests",
            &["Retry-After: 1"],
            "slow down",
        ),
        _ => respond(stream, "200 OK", &[], "{}"),
    });
    let server = echo();
    let keys = "url = \"WS\"\nprepare = [{ http = { url = \"HTTP/\" } }]";
    let (_manager, _handle, mut watch) = open(name(keys, &http.url(), &server.url()));
    let retrying = watch.retrying().await;
    assert_eq!(retrying.rule.to_string(), "retry-after 1s");
    assert!(retrying.delay >= Duration::from_secs(1));
    watch.ready().await;
    let asked = http.requests();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_an_answer_names_is_validated_and_obeys_the_policy() {
    let dial =
        "url = \"${t}\"\nprepare = [{ http = { url = \"HTTP/\" }, capture = { t = \"/t\" } }]";
    let header = "url = \"WS\"\nheaders = { X-T = \"${t}\" }\nprepare = [{ http = { url = \"HTTP/\" }, capture = { t = \"/t\" } }]";
    for (keys, answer, told) in [
        (
            dial,
            "t-secret",
            "invalid_request: invalid WebSocket URL ${t}: relative URL without a base; write ws://host/path or wss://host/path",
        ),
        (
            dial,
            "https://t-secret/",
            "invalid_request: invalid WebSocket URL ${t}: the scheme is \"https\"; it must be ws or wss",
        ),
        (
            dial,
            "ws://127.0.0.1:9/\\r\\nX: t-secret",
            "template: url cannot be filled: `${t}` has a control character, which is not allowed there",
        ),
        (
            header,
            "t-secret\\r\\nX: y",
            "template: the header X-T cannot be filled: `${t}` has a control character, which is not allowed there",
        ),
        (
            dial,
            "ws://127.0.0.1:9/t-secret",
            "forbidden: no URL that may be dialled is like this one at ws://127.0.0.1:9",
        ),
    ] {
        let body = format!(r#"{{"t":"{answer}"}}"#);
        let http = Http::start(move |_, stream| respond(stream, "200 OK", &[], &body));
        let mut settings = name(keys, &http.url(), "ws://127.0.0.1:9/");
        settings.dial_policy = DialPolicy::Urls(["http://127.0.0.1".parse().unwrap()].into());
        let (_manager, handle, mut watch) = open(settings);
        assert_eq!(failure(&mut watch).await.to_string(), told);
        handle.close(1000, "").await.unwrap();
        catch_up(&handle, &mut watch).await;
        holds_no_secret(&watch, "t-secret");
    }
}

#[tokio::test]
async fn a_session_is_prepared_for_itself() {
    let http = tokens();
    let server = Server::start(|line| {
        line.say(format!("at {}", line.path))?;
        line.until_gone()
    });
    let keys = "url = \"WS${token}\"\nsubprotocols = [\"own.${token}\"]\nsessions_only = true\nprepare = [{ http = { url = \"HTTP/\" }, capture = { token = \"/token\" } }]";
    let (_manager, handle, _watch) = open(name(keys, &http.url(), &server.url()));
    for number in 0..2 {
        let session = handle.open_session(SessionSettings::default()).await;
        let (_sender, mut receiver) = session.unwrap().split();
        let heard = Message::text(format!("at /t-{number}"));
        assert_eq!(receiver.heard().await, Heard::Message(heard));
    }
    assert_eq!(http.requests().len(), 2);
}

#[tokio::test]
async fn a_dry_run_prepares_too() {
    let http = tokens();
    let server = Server::start(|line| line.until_gone());
    let keys = "url = \"WS${token}\"\nenabled = false\nprepare = [{ http = { url = \"HTTP/\" }, capture = { token = \"/token\" } }]";
    let (manager, _handle, _watch) = open(name(keys, &http.url(), &server.url()));
    let probed = manager.probe("name").await.unwrap();
    assert!(probed[0].outcome.is_ok(), "{probed:?}");
    assert!(probed[0].url.ends_with("/${token}"), "{probed:?}");
    assert_eq!((http.requests().len(), server.sockets()), (1, 1));
}
