//! Slack's Socket Mode: a call mints a URL that is good for one socket, envelopes are acknowledged within three seconds, and a warning is
//! heeded before the socket ends.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use everwire::{ConnectionSettings, EventKind, State, config::Settings};

use super::{
    Variables, catch_up, holds_no_secret,
    http::{Http, Request, respond, say_nothing},
    open,
    peer::{Gone, Line, Server},
    support::{SOON, poll_until, rig::wait_for_state},
};

/// The recipe, whose call goes to another server, and which is quicker.
const RECIPE: &str = r#"
[connections.slack]
url = "${socket}"
prepare = [
  { http = { method = "POST", url = "HTTP/api/apps.connections.open", headers = { Authorization = "Bearer ${SLACK_APP_TOKEN}" } }, expect = '/ok == true', fail = '/ok == false', give_up = '/error in ["invalid_auth", "not_authed", "account_inactive", "not_allowed_token_type", "forbidden_team"]', capture = { socket = "/url" }, within = "1s" },
]
open_script = [{ expect = '/type == "hello"' }]
history = { messages = 1000 }
reconnect = { min = "1ms", initial = "5ms", max = "50ms" }
heartbeat = "none"
rules = [
  { when = 'exists(/envelope_id)', send = '{"envelope_id":"${/envelope_id}"}' },
  { when = '/type == "disconnect" && /reason == "link_disabled"', do = "give_up" },
  { when = '/type == "disconnect"', do = "rotate" },
]
"#;

const TOKEN: &str = "xapp-1-A0123-456-secret";
/// What every ticket begins with.
const TICKET: &str = "tick3t-";

/// So long Slack waits for an acknowledgement.
const ACK: Duration = Duration::from_secs(3);

/// Slack: it mints tickets, takes each once, and wants every envelope acknowledged once and in time.
struct Slack {
    http: Http,
    server: Server,
    desk: Arc<Desk>,
}

/// What both of its servers know.
#[derive(Default)]
struct Desk {
    /// The tickets that nobody has used yet.
    good: Mutex<HashSet<String>>,
    /// When each envelope was sent that is not acknowledged yet.
    sent: Mutex<HashMap<String, Instant>>,
    acknowledged: Mutex<Vec<String>>,
}

impl Desk {
    /// A ticket is good for one socket.
    fn admit(&self, path: &str) -> Result<Option<&'static str>, u16> {
        let ticket = path
            .split_once("ticket=")
            .map(|(_, ticket)| ticket.to_owned());
        let is_good = ticket.is_some_and(|ticket| self.good.lock().unwrap().remove(&ticket));
        if is_good { Ok(None) } else { Err(408) }
    }

    fn mint(&self, number: usize) -> String {
        let ticket = format!("{TICKET}{number}");
        self.good.lock().unwrap().insert(ticket.clone());
        ticket
    }
}

impl Slack {
    /// `mint`: how the call is answered, if not as it should be. `play`: what a socket is like behind its hello.
    fn start(
        mint: impl Fn(&Request, &mut std::net::TcpStream, &str) -> Option<std::io::Result<()>>
        + Send
        + Sync
        + 'static,
        play: impl Fn(&mut Line, &Desk) -> Result<(), Gone> + Send + Sync + 'static,
    ) -> Self {
        let desk = Arc::<Desk>::default();
        let (guard, player, minter) = (Arc::clone(&desk), Arc::clone(&desk), Arc::clone(&desk));
        let server = Server::guarded(
            move |request| guard.admit(&request.uri().to_string()),
            move |line| play(line, &player),
        );
        let url = server.url();
        let http = Http::start(move |request, stream| {
            if let Some(answered) = mint(request, stream, &url) {
                return answered;
            }
            if request.line != "POST /api/apps.connections.open HTTP/1.1" {
                return respond(stream, "404 Not Found", &[], "");
            }
            if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
                let body = r#"{"ok":false,"error":"invalid_auth"}"#;
                return respond(stream, "200 OK", &[], body);
            }
            let ticket = minter.mint(request.number);
            let body = format!(r#"{{"ok":true,"url":"{url}link/?ticket={ticket}"}}"#);
            respond(stream, "200 OK", &["Content-Type: application/json"], &body)
        });
        Self { http, server, desk }
    }

    /// One whose calls are answered as they should be.
    fn playing(
        play: impl Fn(&mut Line, &Desk) -> Result<(), Gone> + Send + Sync + 'static,
    ) -> Self {
        Self::start(|_, _, _| None, play)
    }

    fn settings(&self, token: &'static str) -> ConnectionSettings {
        let text = RECIPE.replace("HTTP", &self.http.url());
        let variables: &'static [(&'static str, &'static str)] =
            Box::leak(Box::new([("SLACK_APP_TOKEN", token)]));
        Settings::from_toml_with(&text, &Variables(variables))
            .unwrap_or_else(|errors| panic!("{errors}"))
            .connections["slack"]
            .clone()
    }
}

fn hello(line: &mut Line) -> Result<(), Gone> {
    line.say(r#"{"type":"hello","num_connections":1,"debug_info":{"host":"applink-1"},"connection_info":{"app_id":"A0123"}}"#)
}

/// Sends an envelope.
fn send(line: &mut Line, desk: &Desk, id: &str) -> Result<(), Gone> {
    desk.sent
        .lock()
        .unwrap()
        .insert(id.to_owned(), Instant::now());
    line.say(format!(
        r#"{{"envelope_id":"{id}","type":"events_api","accepts_response_payload":false,"payload":{{"event":{{"type":"message","text":"hi \"{id}\""}}}}}}"#
    ))
}

/// The next acknowledgement, which must be one of what was sent, and the first.
fn acknowledgement(line: &mut Line, desk: &Desk) -> Result<(), Gone> {
    let said = line.hear()?;
    let id = said["envelope_id"].as_str().unwrap_or_default().to_owned();
    let Some(sent) = desk.sent.lock().unwrap().remove(&id) else {
        line.fault(format!("not asked for, or twice: {said}"));
        return Ok(());
    };
    line.ask(sent.elapsed() < ACK, format!("late: {said}"));
    line.ask(
        said.as_object().map(|said| said.len()) == Some(1),
        format!("more: {said}"),
    );
    desk.acknowledged.lock().unwrap().push(id);
    Ok(())
}

/// Sends envelopes, and waits for each to be acknowledged.
fn exchange(line: &mut Line, desk: &Desk, ids: &[&str]) -> Result<(), Gone> {
    for id in ids {
        send(line, desk, id)?;
    }
    for _ in ids {
        acknowledgement(line, desk)?;
    }
    Ok(())
}

#[tokio::test]
async fn each_envelope_is_acknowledged_once_and_in_time() {
    let slack = Slack::playing(|line, desk| {
        hello(line)?;
        exchange(line, desk, &["a", "b", "c"])?;
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(slack.settings(TOKEN));
    watch.ready().await;
    poll_until("three acknowledgements", SOON, || {
        slack.desk.acknowledged.lock().unwrap().len() == 3
    })
    .await;
    assert_eq!(slack.server.faults(), Vec::<String>::new());
    assert_eq!(
        (slack.http.requests().len(), slack.server.sockets()),
        (1, 1)
    );
    catch_up(&handle, &mut watch).await;
    let status = serde_json::to_string(&handle.status().await.unwrap()).unwrap();
    assert!(status.contains(r#""url":"${socket}""#), "{status}");
    for secret in [TOKEN, TICKET] {
        holds_no_secret(&watch, secret);
        assert!(!status.contains(secret), "{status}");
    }
}

#[tokio::test]
async fn at_a_warning_the_old_socket_serves_until_the_new_one_is_ready() {
    let slack = Slack::playing(|line, desk| match line.number {
        0 => {
            hello(line)?;
            exchange(line, desk, &["before"])?;
            line.say(
                r#"{"type":"disconnect","reason":"warning","debug_info":{"host":"applink-1"}}"#,
            )?;
            // It goes on for ten seconds.
            let mut number = 0;
            loop {
                exchange(line, desk, &[&format!("old-{number}")])?;
                number += 1;
            }
        }
        _ => {
            // Slow to be ready: what comes meanwhile is for the old one.
            let begun = desk.acknowledged.lock().unwrap().len();
            while desk.acknowledged.lock().unwrap().len() < begun + 2 {
                std::thread::yield_now();
            }
            hello(line)?;
            exchange(line, desk, &["after"])?;
            line.until_gone()
        }
    });
    let (_manager, handle, mut watch) = open(slack.settings(TOKEN));
    watch
        .until("the rotation", |update| {
            matches!(update.kind(), Some(EventKind::Rotated(_))).then_some(())
        })
        .await;
    poll_until("an envelope on the new socket", SOON, || {
        let acknowledged = slack.desk.acknowledged.lock().unwrap();
        acknowledged.iter().any(|id| id == "after")
    })
    .await;
    wait_for_state(&handle, State::Open).await;
    catch_up(&handle, &mut watch).await;
    let acknowledged = slack.desk.acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.iter().any(|id| id.starts_with("old-")),
        "{acknowledged:?}"
    );
    for id in &acknowledged {
        let told = format!(r#"\"envelope_id\":\"{id}\""#);
        let times = watch
            .seen()
            .iter()
            .filter(|event| event.contains(&told))
            .count();
        assert_eq!(times, 1, "{id}");
    }
    // Each socket had a ticket of its own, and nobody logged in twice.
    assert_eq!(
        (slack.http.requests().len(), slack.server.sockets()),
        (2, 2)
    );
    assert_eq!(slack.server.faults(), Vec::<String>::new());
    assert!(
        !watch
            .seen()
            .iter()
            .any(|event| event.contains(r#""type":"retrying""#))
    );
}

#[tokio::test]
async fn a_link_that_is_disabled_is_given_up() {
    let slack = Slack::playing(|line, _| {
        hello(line)?;
        line.say(r#"{"type":"disconnect","reason":"link_disabled","debug_info":{}}"#)?;
        line.until_gone()
    });
    let (_manager, handle, mut watch) = open(slack.settings(TOKEN));
    let failed = watch.failed().await;
    assert_eq!(failed.rule.to_string(), "do = \"give_up\" of a rule");
    assert_eq!(handle.status().await.unwrap().state, State::Failed);
    assert_eq!(slack.http.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_token_fails_the_name_and_is_told_nowhere() {
    const WRONG: &str = "xapp-9-wrong-token";
    let slack = Slack::playing(|line, _| line.until_gone());
    let (_manager, handle, mut watch) = open(slack.settings(WRONG));
    let failed = watch.failed().await;
    assert_eq!(failed.rule.to_string(), "give_up of a step in prepare");
    let status = serde_json::to_string(&handle.status().await.unwrap()).unwrap();
    for told in [
        "POST ",
        "/api/apps.connections.open, answered 200 after ",
        r#"give_up (/error in [\"invalid_auth\""#,
        r#"{\"ok\":false,\"error\":\"invalid_auth\"}"#,
        r#""kind":"prepare""#,
    ] {
        assert!(status.contains(told), "{told}: {status}");
    }
    assert_eq!(
        (slack.http.requests().len(), slack.server.sockets()),
        (1, 0)
    );
    catch_up(&handle, &mut watch).await;
    holds_no_secret(&watch, WRONG);
    assert!(!status.contains(WRONG), "{status}");
}

#[tokio::test]
async fn another_refusal_passes() {
    let slack = Slack::start(
        |request, stream, _| {
            let body = r#"{"ok":false,"error":"internal_error"}"#;
            (request.number == 0).then(|| respond(stream, "200 OK", &[], body))
        },
        |line, _| {
            hello(line)?;
            line.until_gone()
        },
    );
    let (_manager, _handle, mut watch) = open(slack.settings(TOKEN));
    let retrying = watch.retrying().await;
    assert_eq!(retrying.rule.to_string(), "backoff, from max");
    watch.ready().await;
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_slack_says() {
    let slack = Slack::start(
        |request, stream, _| {
            let headers = ["Retry-After: 1"];
            (request.number == 0).then(|| {
                respond(
                    stream,
                    "429 Too Many Requests",
                    &headers,
                    r#"{"ok":false,"error":"ratelimited"}"#,
                )
            })
        },
        |line, _| {
            hello(line)?;
            line.until_gone()
        },
    );
    let (_manager, _handle, mut watch) = open(slack.settings(TOKEN));
    let retrying = watch.retrying().await;
    assert_eq!(retrying.rule.to_string(), "retry-after 1s");
    watch.ready().await;
    let asked = slack.http.requests();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    let slack = Slack::start(
        |request, stream, _| (request.number == 0).then(|| say_nothing(stream)),
        |line, _| {
            hello(line)?;
            line.until_gone()
        },
    );
    let (_manager, _handle, mut watch) = open(slack.settings(TOKEN));
    let error = watch.error().await.to_string();
    assert!(error.contains("has no answer after 1"), "{error}");
    watch.ready().await;
}

#[tokio::test]
async fn a_url_that_has_expired_is_not_dialled_twice() {
    let slack = Slack::start(
        |request, stream, url| {
            let body = format!(r#"{{"ok":true,"url":"{url}link/?ticket=expired"}}"#);
            (request.number == 0).then(|| respond(stream, "200 OK", &[], &body))
        },
        |line, _| {
            hello(line)?;
            line.until_gone()
        },
    );
    let (_manager, handle, mut watch) = open(slack.settings(TOKEN));
    let error = watch.error().await.to_string();
    assert!(error.contains("the server answered 408"), "{error}");
    watch.ready().await;
    // The next dial has a ticket of its own.
    assert_eq!(slack.http.requests().len(), 2);
    catch_up(&handle, &mut watch).await;
    holds_no_secret(&watch, "expired");
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    use std::io::Write as _;
    let slack = Slack::start(
        |request, stream, _| match request.number {
            // Before the answer, within its head, within its body.
            0 => Some(Ok(())),
            1 => Some(write!(stream, "HTTP/1.1 200 OK\r\nContent-")),
            2 => Some(write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{{\"ok\":true"
            )),
            _ => None,
        },
        |line, desk| match line.number {
            // Before the hello, behind it, before an acknowledgement, behind one, within a warning.
            0 => Err(line.cut()),
            1 => {
                hello(line)?;
                Err(line.cut())
            }
            2 => {
                hello(line)?;
                send(line, desk, "lost")?;
                Err(line.cut())
            }
            3 => {
                hello(line)?;
                exchange(line, desk, &["kept"])?;
                Err(line.cut())
            }
            4 => {
                hello(line)?;
                line.say(r#"{"type":"disconnect","reason":"refresh_requested"}"#)?;
                Err(line.cut())
            }
            _ => {
                hello(line)?;
                exchange(line, desk, &["last"])?;
                line.until_gone()
            }
        },
    );
    let (_manager, handle, _watch) = open(slack.settings(TOKEN));
    poll_until("the last acknowledgement", SOON, || {
        let acknowledged = slack.desk.acknowledged.lock().unwrap();
        acknowledged.iter().any(|id| id == "last")
    })
    .await;
    wait_for_state(&handle, State::Open).await;
    assert_eq!(slack.server.faults(), Vec::<String>::new());
    // Three calls failed, each socket had a ticket of its own, and the successor that was cut off with the warning may have had one.
    let (calls, sockets) = (slack.http.requests().len(), slack.server.sockets());
    assert!(
        (3..=4).contains(&(calls - sockets)),
        "{calls} calls, {sockets} sockets"
    );
}
