//! Slack's Socket Mode: a call returns a URL for one socket, each envelope must be acknowledged
//! once within three seconds, and a warning comes ten seconds before the end of a socket.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::State;

use super::{
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, Stage, eager, hasty, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "slack",
    name: "slack",
    variables: &[("SLACK_APP_TOKEN", "xapp-1-s3cret")],
    files: &[],
};

const HELLO: &str = r#"{"type":"hello","num_connections":1,"debug_info":{"host":"applink-1"},"connection_info":{"app_id":"A0123"}}"#;
/// How long Slack waits for an acknowledgement.
const ACK: Duration = Duration::from_secs(3);
/// How long a URL is valid.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// The state that all sockets and calls share.
#[derive(Clone, Default)]
struct Slack {
    desk: Arc<Desk>,
    /// Whether the first socket gets a warning before its end.
    warns: bool,
}

#[derive(Default)]
struct Desk {
    /// Whether Socket Mode is turned off when a socket opens.
    is_disabled: AtomicBool,
    /// The creation time of each unused ticket.
    tickets: Mutex<HashMap<String, Instant>>,
    acknowledged: Mutex<HashSet<String>>,
}

impl Servers for Slack {
    fn answer(&self, call: &Call) -> Answer {
        let is_open = call.method == "POST"
            && call.host == "slack.com"
            && call.target == "/api/apps.connections.open";
        if !is_open {
            return Answer::new(404, "");
        }
        if call.header("authorization") != "Bearer xapp-1-s3cret" {
            return Answer::new(200, r#"{"ok":false,"error":"invalid_auth"}"#);
        }
        let ticket = format!("tick3t-s3cret-{}", call.number);
        let mut tickets = self.desk.tickets.lock().unwrap();
        tickets.insert(ticket.clone(), Instant::now());
        let body = format!(
            r#"{{"ok":true,"url":"wss://wss-primary.slack.com/link/?ticket={ticket}&app_id=A0123"}}"#
        );
        Answer::new(200, body).of("open")
    }

    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let ticket = self
            .desk
            .tickets
            .lock()
            .unwrap()
            .remove(call.query("ticket"));
        let is_good = ticket.is_some_and(|minted| minted.elapsed() < GOOD_FOR);
        match is_good && call.host == "wss-primary.slack.com" {
            true => Ok(None),
            false => Err(Answer::new(408, "")),
        }
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        talk.answer("hello", HELLO)?;
        if self.desk.is_disabled.load(Ordering::Relaxed) {
            talk.say(r#"{"type":"disconnect","reason":"link_disabled","debug_info":{}}"#)?;
            return talk.until_gone();
        }
        let warned = self.warns && talk.number == 0;
        for count in 0..3 {
            self.exchange(talk, count)?;
        }
        if warned {
            talk.answer(
                "warning",
                r#"{"type":"disconnect","reason":"warning","debug_info":{"host":"applink-1"}}"#,
            )?;
            for count in 3.. {
                self.exchange(talk, count)?;
            }
        }
        talk.until_gone()
    }
}

impl Slack {
    /// Sends an envelope, and receives its acknowledgement.
    fn exchange(&self, talk: &mut Talk, count: usize) -> Result<(), Gone> {
        let id = format!("{}-{count}", talk.number);
        talk.answer(
            "envelope",
            &format!(
                r#"{{"envelope_id":"{id}","type":"events_api","accepts_response_payload":false,"payload":{{"text":"hi"}}}}"#
            ),
        )?;
        let sent = Instant::now();
        let said = talk.hear_text()?;
        talk.ask(
            said == format!(r#"{{"envelope_id":"{id}"}}"#),
            format!("{id} is not acknowledged: {said}"),
        );
        talk.ask(sent.elapsed() < ACK, format!("{id} is acknowledged late"));
        let is_new = self.desk.acknowledged.lock().unwrap().insert(id.clone());
        talk.ask(is_new, format!("{id} is acknowledged twice"));
        Ok(())
    }

    fn has_acknowledged(&self, id: &str) -> bool {
        self.desk.acknowledged.lock().unwrap().contains(id)
    }
}

#[tokio::test]
async fn each_envelope_is_acknowledged_once_and_in_time() {
    let slack = Slack::default();
    let mut stage = RECIPE.play(slack.clone(), Plan::default(), eager);
    stage.watch.ready().await;
    poll_until("the last one", SOON, || slack.has_acknowledged("0-2")).await;
    stage.is_clean().await;
    assert_eq!((stage.world.calls().len(), stage.world.sockets()), (1, 1));
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let slack = Slack::default();
    let plan = Plan::cuts(&["open", "hello", "envelope"]);
    let mut stage = RECIPE.play(slack.clone(), plan, hasty);
    stage.all_went_wrong().await;
    poll_until("an acknowledgement on the last socket", SOON, || {
        let last = stage.world.sockets() - 1;
        slack.has_acknowledged(&format!("{last}-2"))
    })
    .await;
    stage.open().await;
    stage.is_clean().await;
    // Each socket used a new ticket.
    assert_eq!(stage.world.dials().len(), stage.world.sockets());
}

#[tokio::test]
async fn at_a_warning_the_old_socket_serves_until_the_new_one_is_ready() {
    let slack = Slack {
        warns: true,
        ..Slack::default()
    };
    let mut stage = RECIPE.play(slack.clone(), Plan::default(), eager);
    stage.watch.rotated().await;
    poll_until("the new socket", SOON, || slack.has_acknowledged("1-2")).await;
    stage.open().await;
    stage.is_clean().await;
    assert_eq!((stage.world.calls().len(), stage.world.sockets()), (2, 2));
    assert!(!stage.was_told("retrying"));
    // The messages of the old socket's last seconds are there, each once.
    assert!(slack.has_acknowledged("0-3"));
    let acknowledged = slack.desk.acknowledged.lock().unwrap().clone();
    for id in &acknowledged {
        let told = format!(r#"\"envelope_id\":\"{id}\""#);
        let seen = stage.watch.seen();
        let times = seen.iter().filter(|event| event.contains(&told)).count();
        assert_eq!(times, 1, "{id}");
    }
}

#[tokio::test]
async fn a_link_that_is_disabled_is_given_up() {
    let slack = Slack::default();
    slack.desk.is_disabled.store(true, Ordering::Relaxed);
    let mut stage = RECIPE.play(slack, Plan::default(), eager);
    let failed = stage.watch.failed().await;
    assert_eq!(failed.rule.to_string(), "do = \"give_up\" of a rule");
    assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
    assert_eq!((stage.world.calls().len(), stage.world.sockets()), (1, 1));
    stage.is_clean().await;
}

#[tokio::test]
async fn a_cut_at_the_warning_is_survived_too() {
    for plan in [Plan::cuts(&["warning"])] {
        let slack = Slack {
            warns: true,
            ..Slack::default()
        };
        // Only the first socket gets a warning, so only the first of the three cuts happens.
        let mut stage = RECIPE.play(slack.clone(), plan, hasty);
        poll_until("the new socket", SOON, || slack.has_acknowledged("1-2")).await;
        stage.open().await;
        stage.is_clean().await;
    }
}

async fn refused(body: &str, gives_up: bool) -> Stage {
    let plan = Plan::of([("open", Mishap::Says(200, body.to_owned()))]);
    let mut stage = RECIPE.play(Slack::default(), plan, eager);
    match gives_up {
        true => drop(stage.watch.failed().await),
        false => stage.watch.ready().await,
    }
    stage.is_clean().await;
    stage
}

#[tokio::test]
async fn a_refused_or_expired_token_fails_and_another_refusal_passes() {
    for error in ["invalid_auth", "token_expired", "token_revoked"] {
        let stage = refused(&format!(r#"{{"ok":false,"error":"{error}"}}"#), true).await;
        assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
        let status = stage.status().await;
        for told in [
            error,
            "POST https://slack.com/api/apps.connections.open, answered 200 after ",
            r#"give_up (/error in [\"invalid_auth\""#,
            r#""kind":"prepare""#,
        ] {
            assert!(status.contains(told), "{told}: {status}");
        }
        assert_eq!(stage.world.dials().len(), 0);
    }
    let stage = refused(r#"{"ok":false,"error":"internal_error"}"#, false).await;
    assert_eq!(stage.world.calls().len(), 2);
}

#[tokio::test]
async fn a_url_that_has_expired_is_not_dialled_twice() {
    let used = r#"{"ok":true,"url":"wss://wss-primary.slack.com/link/?ticket=s3cret-old"}"#;
    let plan = Plan::of([("open", Mishap::Says(200, used.into()))]);
    let mut stage = RECIPE.play(Slack::default(), plan, eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("408"), "{error}");
    stage.watch.ready().await;
    assert_eq!(
        (stage.world.calls().len(), stage.world.dials().len()),
        (2, 2)
    );
    stage.is_clean().await;
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [
        ("open", "has no answer after"),
        ("hello", "script_timeout"),
        ("envelope", "pong_timeout"),
    ] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Slack::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.watch.ready().await;
        stage.is_clean().await;
    }
}
