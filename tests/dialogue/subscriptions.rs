//! Live subscriptions: requested after the script, held by callers, matched to messages, and taken
//! over by a successor.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use everwire::{
    ConnectionSettings, EventKind, Handle, HoldError, SubscriptionWish,
    dialogue::{Holder, SubscriptionState, SubscriptionStatus},
};
use futures::future::join;
use serde_json::{Value, json};

use super::{
    Variables, catch_up, holds_no_secret,
    http::{Http, respond},
    open,
    peer::{Gone, Line, Server},
    recipe,
    support::rig::{Watch, wait_for},
};

const FEED: &str = r#"
[connections.name]
url = "URL"
# quick
[connections.name.subscribe]
on = '{"op":"sub","id":${id},"args":${items}}'
off = '{"op":"unsub","id":${id},"args":${items}}'
ack = '/id == id && exists(/result)'
fail = '/id == id && exists(/error)'
end = '/ended == item'
batch = 100
within = "2s"
route = { json = "/stream", id = "${item}" }
"#;

/// All requests to a server: socket, operation and streams.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn feed(text: &str, keys: &[&str], server: &Server) -> ConnectionSettings {
    let keys = serde_json::to_string(keys).unwrap();
    let text = text.replace("# quick", &format!("subscriptions = {keys}\n# quick"));
    recipe(&text, "name", &server.url(), Variables(&[]))
}

/// A market feed: it refuses `bad`, does not answer for `mute`, accepts all others, and sends one
/// message of each accepted stream.
fn market(log: Log) -> Server {
    Server::start(move |line| {
        let mut streams = BTreeSet::new();
        loop {
            let said = line.hear()?;
            serve(line, &log, &mut streams, &said)?;
        }
    })
}

fn serve(
    line: &mut Line,
    log: &Log,
    streams: &mut BTreeSet<String>,
    said: &Value,
) -> Result<(), Gone> {
    let args: Vec<String> = serde_json::from_value(said["args"].clone()).unwrap_or_default();
    let (op, id) = (said["op"].as_str().unwrap_or_default(), &said["id"]);
    log.note(format!("{} {op} {}", line.number, args.join(",")));
    match op {
        "sub" => {
            for stream in &args {
                let is_new = streams.insert(stream.clone());
                line.ask(is_new, format!("{stream} twice"));
            }
            if args.iter().any(|stream| stream == "mute") {
                return Ok(());
            }
            if args.iter().any(|stream| stream == "bad") {
                return line.say(json!({"id": id, "error": "no such stream"}).to_string());
            }
            line.say(json!({"id": id, "result": "ok"}).to_string())?;
            for stream in &args {
                line.say(json!({"stream": stream, "n": 1}).to_string())?;
            }
        }
        "unsub" => {
            for stream in &args {
                let was_there = streams.remove(stream);
                line.ask(was_there, format!("{stream} was not there"));
            }
            line.say(json!({"id": id, "result": "ok"}).to_string())?;
        }
        "end" => {
            for stream in &args {
                streams.remove(stream);
                line.say(json!({"ended": stream}).to_string())?;
            }
        }
        "cut" => return Err(line.cut()),
        _ => line.fault(format!("what is {said}?")),
    }
    Ok(())
}

/// Waits until these keys have these states.
async fn states(handle: &Handle, wanted: &[(&str, SubscriptionState)]) -> Vec<SubscriptionStatus> {
    wait_for("subscriptions as they should be", async || {
        let all = handle.subscriptions().await.unwrap();
        let found: Vec<_> = all.iter().map(|it| (&*it.key, it.state)).collect();
        match found == wanted {
            true => Ok(all),
            false => Err(format!("{found:?}")),
        }
    })
    .await
}

async fn routed(watch: &mut Watch, key: &str) {
    watch
        .until(key, |update| {
            let (stamp, _) = update.message()?;
            (stamp.subscription.as_deref() == Some(key)).then_some(())
        })
        .await;
}

/// A caller subscribes to a key with the settings of the file.
async fn hold(handle: &Handle, key: &str, holder: Holder) -> SubscriptionStatus {
    let wish = SubscriptionWish::default();
    let held = handle.hold_subscription(key, wish, holder).await;
    held.unwrap()
}

async fn ready(watch: &mut Watch) {
    watch
        .until("ready", |update| {
            matches!(update.kind(), Some(EventKind::Ready)).then_some(())
        })
        .await;
}

use SubscriptionState::{Active, Ended, Refused, Unanswered};

#[tokio::test]
async fn the_keys_of_the_file_are_active_before_the_name_is_ready_and_their_messages_say_so() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a", "b", "bad"], &server));
    ready(&mut watch).await;
    let all = states(&handle, &[("a", Refused), ("b", Refused), ("bad", Refused)]).await;
    assert!(all[0].text.as_deref().unwrap().contains("no such stream"));
    assert_eq!(all[0].holders, [Holder::File]);
    assert_eq!(log.all()[0], "0 sub a,b,bad");
    // Alone, each would have been accepted: anyone who requests it now gets it.
    drop(handle);
}

#[tokio::test]
async fn messages_are_routed_to_the_keys_that_they_belong_to() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a", "b"], &server));
    states(&handle, &[("a", Active), ("b", Active)]).await;
    routed(&mut watch, "b").await;
    let counts = handle.status().await.unwrap().subscriptions.unwrap();
    assert_eq!((counts.active, counts.total()), (2, 2));
    let all = handle.subscriptions().await.unwrap();
    assert_eq!((all[0].routed, all[1].routed), (1, 1));
    assert_eq!(log.all(), ["0 sub a,b"]);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn two_callers_hold_one_key_and_let_go_of_it_one_by_one() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a"], &server));
    ready(&mut watch).await;
    hold(&handle, "x", Holder::Api).await;
    let status = hold(&handle, "x", Holder::Session(7)).await;
    assert_eq!(status.holders, [Holder::Api, Holder::Session(7)]);
    states(&handle, &[("a", Active), ("x", Active)]).await;
    routed(&mut watch, "x").await;
    let other = SubscriptionWish::of("y");
    let refused = handle.hold_subscription("x", other, Holder::Api).await;
    assert!(
        matches!(refused, Err(HoldError::OtherItem { .. })),
        "{refused:?}"
    );
    assert_eq!(
        handle.release_subscription("x", Holder::Api).await,
        Ok(false)
    );
    assert_eq!(
        handle.release_subscription("x", Holder::Api).await,
        Ok(false)
    );
    assert_eq!(
        handle.release_subscription("x", Holder::Session(7)).await,
        Ok(true)
    );
    let refused = handle.release_subscription("a", Holder::File).await;
    assert_eq!(refused, Err(HoldError::HeldByFile));
    wait_for("the end of x", async || {
        let all = log.all();
        (all.last().map(String::as_str) == Some("0 unsub x"))
            .then_some(())
            .ok_or(all)
    })
    .await;
    assert_eq!(log.all(), ["0 sub a", "0 sub x", "0 unsub x"]);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_without_an_answer_is_told_and_asked_for_again() {
    let log = Log::default();
    let server = market(log.clone());
    let text = FEED.replace(r#"within = "2s""#, r#"within = "50ms""#);
    let (_manager, handle, mut watch) = open(feed(&text, &["mute"], &server));
    ready(&mut watch).await;
    states(&handle, &[("mute", Unanswered)]).await;
    wait_for("three more", async || {
        let all = log.all();
        (all.len() == 4).then_some(()).ok_or(all)
    })
    .await;
    // It is inactive until somebody requests it.
    states(&handle, &[("mute", Unanswered)]).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(log.all().len(), 4);
    assert_eq!(handle.retry_subscriptions().await, Ok(1));
    wait_for("one more", async || {
        let all = log.all();
        (all.len() > 4).then_some(()).ok_or(all)
    })
    .await;
}

#[tokio::test]
async fn what_callers_hold_is_asked_for_again_on_each_socket() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a"], &server));
    ready(&mut watch).await;
    hold(&handle, "x", Holder::Api).await;
    states(&handle, &[("a", Active), ("x", Active)]).await;
    handle.send(r#"{"op":"cut"}"#).unwrap();
    ready(&mut watch).await;
    states(&handle, &[("a", Active), ("x", Active)]).await;
    let all = log.all();
    assert_eq!(all[all.len() - 1], "1 sub a,x");
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_rotation_cuts_over_when_what_was_active_is_active_again() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a"], &server));
    ready(&mut watch).await;
    hold(&handle, "x", Holder::Api).await;
    states(&handle, &[("a", Active), ("x", Active)]).await;
    handle.rotate().await.unwrap();
    watch
        .until("rotated", |update| {
            matches!(update.kind(), Some(EventKind::Rotated(_))).then_some(())
        })
        .await;
    let all = states(&handle, &[("a", Active), ("x", Active)]).await;
    assert_eq!(all[1].holders, [Holder::Api]);
    assert!(
        log.all().contains(&"1 sub a,x".to_owned()),
        "{:?}",
        log.all()
    );
    // It is requested on the new socket, too.
    hold(&handle, "y", Holder::Api).await;
    routed(&mut watch, "y").await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_that_goes_from_one_holder_to_another_during_a_rotation_stays() {
    let log = Log::default();
    let server = market(log.clone());
    // The successor waits for an answer that does not come.
    let (_manager, handle, mut watch) = open(feed(FEED, &["mute"], &server));
    ready(&mut watch).await;
    hold(&handle, "x", Holder::Session(1)).await;
    routed(&mut watch, "x").await;
    handle.rotate().await.unwrap();
    wait_for("keys on the successor", async || {
        let all = log.all();
        let is_asked = |line: &String| line.starts_with("1 sub") && line.contains('x');
        all.iter().any(is_asked).then_some(()).ok_or(all)
    })
    .await;
    // Both in one turn of the name.
    let release = handle.release_subscription("x", Holder::Session(1));
    let (held, released) = join(hold(&handle, "x", Holder::Api), release).await;
    assert_eq!(held.holders, [Holder::Api, Holder::Session(1)]);
    assert!(!released.unwrap());
    watch
        .until("rotated", |update| {
            matches!(update.kind(), Some(EventKind::Rotated(_))).then_some(())
        })
        .await;
    let all = handle.subscriptions().await.unwrap();
    let (key, holders) = (&*all[1].key, all[1].holders.as_slice());
    assert_eq!((key, holders), ("x", [Holder::Api].as_slice()));
    let is_left = |line: &String| line.contains("unsub x");
    assert!(!log.all().iter().any(is_left), "{:?}", log.all());
}

#[tokio::test]
async fn a_key_that_the_server_ends_comes_back() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a"], &server));
    states(&handle, &[("a", Active)]).await;
    handle.send(r#"{"op":"end","args":["a"]}"#).unwrap();
    let mut seen = Vec::new();
    watch
        .until("active again", |update| {
            let Some(EventKind::Subscription(report)) = update.kind() else {
                return None;
            };
            seen.push(report.state);
            seen.ends_with(&[Ended, SubscriptionState::Sent, Active])
                .then_some(())
        })
        .await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn other_subscriptions_in_the_settings_need_no_other_socket() {
    let log = Log::default();
    let server = market(log.clone());
    let (manager, handle, mut watch) = open(feed(FEED, &["a", "b"], &server));
    ready(&mut watch).await;
    let other = feed(FEED, &["b", "c"], &server);
    let applied = manager.configure("name", other).await.unwrap();
    assert!(!applied.reconnect);
    states(&handle, &[("b", Active), ("c", Active)]).await;
    wait_for("the end of a", async || {
        let all = log.all();
        all.contains(&"0 unsub a".to_owned())
            .then_some(())
            .ok_or(all)
    })
    .await;
    assert_eq!(server.sockets(), 1);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_thousand_keys_are_active_when_the_name_is_ready() {
    let log = Log::default();
    let server = market(log.clone());
    let keys: Vec<String> = (0..1000).map(|key| format!("k{key}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (_manager, handle, mut watch) = open(feed(FEED, &keys, &server));
    ready(&mut watch).await;
    let counts = handle.status().await.unwrap().subscriptions.unwrap();
    assert_eq!(counts.active, 1000);
    assert_eq!(log.all().len(), 10);
    assert_eq!(server.faults(), Vec::<String>::new());
}

/// Like Twitch: subscriptions are made by HTTP with the socket's session, and move to the URL that
/// the server names.
const EVENTS: &str = r#"
[connections.name]
url = "URL"
# quick
open_script = [{ expect = '/type == "welcome"', capture = { session = "/session" } }]
[connections.name.subscribe]
if = '!handover'
ack = 'status == 202'
fail = 'status >= 400'
end = '/type == "revocation" && /id == sub'
capture = { sub = "/data/0/id" }
route = { json = "/id", id = "${sub}" }
on = { http = { method = "POST", url = "HTTP/subscriptions", headers = { Authorization = "Bearer ${KEY}" }, body = '{"type":"${key}","condition":${item},"session":"${session}"}' } }
off = { http = { method = "DELETE", url = "HTTP/subscriptions?id=${sub}", headers = { Authorization = "Bearer ${KEY}" } } }
[connections.name.subscriptions]
follow = { item = { user = "1" } }
bad = { item = { user = "2" } }
"#;

#[tokio::test]
async fn what_is_subscribed_to_by_http_is_routed_and_ended_on_the_socket() {
    const SECRET: &str = "s3cret-of-the-environment";
    let http = Http::start(|request, stream| {
        let asked: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match (&request.line[..4], asked["type"].as_str()) {
            ("POST", Some("bad")) => {
                let echo = request.header("authorization").unwrap_or_default();
                respond(stream, "403 Forbidden", &[], &format!("not with {echo}"))
            }
            ("POST", Some(key)) => {
                let body = json!({"data": [{"id": format!("id-{key}-{}", asked["session"].as_str().unwrap_or("?"))}]});
                respond(stream, "202 Accepted", &[], &body.to_string())
            }
            _ => respond(stream, "204 No Content", &[], ""),
        }
    });
    let server = Server::start(|line| {
        line.say(json!({"type": "welcome", "session": line.number}).to_string())?;
        loop {
            // The test decides which messages the server sends.
            let said = line.hear_text()?;
            line.say(said)?;
        }
    });
    let text = EVENTS.replace("HTTP", &http.url());
    let settings = recipe(&text, "name", &server.url(), Variables(&[("KEY", SECRET)]));
    let (_manager, handle, mut watch) = open(settings);
    ready(&mut watch).await;
    let all = handle.subscriptions().await.unwrap();
    let state = |key: &str| all.iter().find(|it| &*it.key == key).unwrap();
    assert_eq!(state("follow").state, Active);
    let refused = state("bad");
    assert_eq!(refused.state, Refused);
    let text = refused.text.as_deref().unwrap();
    assert!(text.starts_with("403") && !text.contains(SECRET), "{text}");
    let wish = SubscriptionWish::of(json!({"user": "3"}));
    handle
        .hold_subscription("cheer", wish, Holder::Api)
        .await
        .unwrap();
    wait_for("cheer", async || {
        let all = handle.subscriptions().await.unwrap();
        let cheer = all.iter().find(|it| &*it.key == "cheer").map(|it| it.state);
        (cheer == Some(Active)).then_some(()).ok_or(cheer)
    })
    .await;
    handle
        .send(r#"{"type":"notification","id":"id-cheer-0"}"#)
        .unwrap();
    routed(&mut watch, "cheer").await;
    handle
        .send(r#"{"type":"revocation","id":"id-follow-0"}"#)
        .unwrap();
    watch
        .until("ended", |update| {
            let Some(EventKind::Subscription(report)) = update.kind() else {
                return None;
            };
            (&*report.key == "follow" && report.state == Ended).then_some(())
        })
        .await;
    assert_eq!(
        handle.release_subscription("cheer", Holder::Api).await,
        Ok(true)
    );
    wait_for("DELETE", async || {
        let asked = http.requests();
        let lines: Vec<String> = asked.into_iter().map(|request| request.line).collect();
        let delete = "DELETE /subscriptions?id=id-cheer-0 HTTP/1.1";
        lines
            .iter()
            .any(|line| line == delete)
            .then_some(())
            .ok_or(lines)
    })
    .await;
    catch_up(&handle, &mut watch).await;
    holds_no_secret(&watch, SECRET);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn what_waits_for_a_rate_of_its_own_keeps_neither_the_name_nor_the_outbox_waiting() {
    let log = Log::default();
    let server = market(log.clone());
    let text = FEED
        .replace("batch = 100", "batch = 1\nrate = \"ops\"")
        .replace(r#"within = "2s""#, r#"within = "300ms""#);
    let text = format!("[rates.ops]\nmessages = 2\nper = \"1s\"\n{text}");
    let (_manager, handle, mut watch) = open(feed(&text, &["a", "b", "c"], &server));
    ready(&mut watch).await;
    let counts = handle.status().await.unwrap().subscriptions.unwrap();
    assert_eq!((counts.active, counts.wanted), (2, 1));
    // It is sent at once, and reported as an invalid subscription message.
    handle.send(r#"{"op":"end","args":[]}"#).unwrap();
    wait_for("what was sent", async || {
        let all = log.all();
        (all.len() == 3).then_some(()).ok_or(all)
    })
    .await;
    assert_eq!(log.all(), ["0 sub a", "0 sub b", "0 end "]);
    states(&handle, &[("a", Active), ("b", Active), ("c", Active)]).await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_socket_each_key_is_wanted() {
    let log = Log::default();
    let server = market(log.clone());
    let (_manager, handle, mut watch) = open(feed(FEED, &["a"], &server));
    ready(&mut watch).await;
    states(&handle, &[("a", Active)]).await;
    handle.close(1000, "").await.unwrap();
    let wanted = SubscriptionState::Wanted;
    states(&handle, &[("a", wanted)]).await;
    // The server received nothing else.
    assert_eq!(log.all(), ["0 sub a"]);
    hold(&handle, "x", Holder::Api).await;
    assert_eq!(
        handle.release_subscription("a", Holder::Api).await,
        Ok(false)
    );
    handle.connect(None).await.unwrap();
    states(&handle, &[("a", Active), ("x", Active)]).await;
    assert_eq!(log.all()[1..], ["1 sub a,x"]);
}
