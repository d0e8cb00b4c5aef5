//! OCPP 1.6J: a charge point that boots first, makes one call at a time, numbers each, and answers
//! each.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::Request;
use serde_json::{Value, json};
use tungstenite::Message;

use super::{
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, hasty, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "ocpp",
    name: "cp-0001",
    variables: &[("CSMS_HOST", "csms.example")],
    files: &[("secrets/cp-0001", "s3cret-of-0001")],
};
/// `cp-0001:s3cret-of-0001`.
const BASIC: &str = "Basic Y3AtMDAwMTpzM2NyZXQtb2YtMDAwMQ==";

#[derive(Clone, Default)]
struct Csms {
    desk: Arc<Desk>,
    /// The answers to the first boot notifications; all others are accepted.
    boots: &'static [(&'static str, u64)],
    /// The interval in an accepted boot notification.
    interval: u64,
    /// The calls of the server on each socket, with the expected answers.
    calls: &'static [(&'static str, &'static str)],
}

#[derive(Default)]
struct Desk {
    open: AtomicUsize,
    boots: AtomicUsize,
    beats: AtomicUsize,
    answered: AtomicUsize,
}

/// A socket of one charge point.
struct Point<'t> {
    talk: &'t mut Talk,
    /// The ids of its calls.
    used: HashSet<String>,
}

impl Servers for Csms {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        if call.host != "csms.example" || call.target != "/ocpp/cp-0001" {
            return Err(Answer::new(404, ""));
        }
        if call.header("authorization") != BASIC {
            return Err(Answer::new(401, ""));
        }
        match call.header("sec-websocket-protocol") == "ocpp1.6" {
            true => Ok(Some("ocpp1.6".into())),
            false => Err(Answer::new(400, "")),
        }
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let others = self.desk.open.fetch_add(1, Ordering::SeqCst);
        talk.ask(others == 0, format!("{others} sockets of it are open"));
        let played = self.session(&mut Point {
            talk,
            used: HashSet::new(),
        });
        self.desk.open.fetch_sub(1, Ordering::SeqCst);
        played
    }
}

impl Csms {
    fn session(&self, point: &mut Point<'_>) -> Result<(), Gone> {
        loop {
            let (id, action, payload) = point.call()?;
            let model = &payload["chargePointModel"];
            point.talk.ask(
                action == "BootNotification" && model == "cp-0001",
                format!("{action} before it was accepted"),
            );
            let boot = self.desk.boots.fetch_add(1, Ordering::SeqCst);
            let accepted = ("Accepted", self.interval.max(1));
            let (status, interval) = self.boots.get(boot).copied().unwrap_or(accepted);
            let told = Instant::now();
            point.answer("boot", &id, json!({ "status": status, "currentTime": "2026-11-30T09:00:00Z", "interval": interval }))?;
            if status == "Accepted" {
                break;
            }
            // Nothing may come before the interval has passed.
            let heard = point
                .talk
                .hear_any_within(Duration::from_millis(900 * interval))?;
            point.talk.ask(
                heard.is_none(),
                format!("{heard:?} after {:?}", told.elapsed()),
            );
        }
        for (call, wanted) in self.calls {
            point.talk.answer("call", call)?;
            let said = point.talk.hear_text()?;
            point.talk.ask(said == *wanted, format!("{call}: {said}"));
            self.desk.answered.fetch_add(1, Ordering::SeqCst);
        }
        loop {
            let (id, action, payload) = point.call()?;
            // One call at a time: nothing comes until this one is answered.
            let early = point.talk.hear_any_within(Duration::from_millis(30))?;
            let is_call = matches!(&early, Some(Message::Text(_) | Message::Binary(_)));
            point.talk.ask(!is_call, format!("{early:?} beside {id}"));
            match &*action {
                "Heartbeat" => {
                    self.desk.beats.fetch_add(1, Ordering::SeqCst);
                    point.answer(
                        "beat",
                        &id,
                        json!({ "currentTime": "2026-11-30T09:00:00Z" }),
                    )?;
                }
                "Authorize" => point.answer(
                    "authorize",
                    &id,
                    json!({ "idTagInfo": { "status": "Accepted" }, "for": payload["idTag"] }),
                )?,
                _ => point
                    .talk
                    .say(json!([4, id, "NotSupported", "", {}]).to_string())?,
            }
        }
    }

    fn beats(&self) -> usize {
        self.desk.beats.load(Ordering::SeqCst)
    }
}

impl Point<'_> {
    /// The next call, which must have a new id: its id, action and payload.
    fn call(&mut self) -> Result<(String, String, Value), Gone> {
        let said = self.talk.hear()?;
        let is_call = said[0] == 2 && said.as_array().map(Vec::len) == Some(4);
        self.talk.ask(is_call, format!("no call: {said}"));
        let id = said[1].as_str().unwrap_or_default().to_owned();
        self.talk
            .ask(id.len() <= 36 && !id.is_empty(), format!("the number {id}"));
        let is_new = self.used.insert(id.clone());
        self.talk
            .ask(is_new, format!("the number {id} for the second time"));
        let action = said[2].as_str().unwrap_or_default().to_owned();
        Ok((id, action, said[3].clone()))
    }

    fn answer(&mut self, step: &'static str, id: &str, payload: Value) -> Result<(), Gone> {
        self.talk.answer(step, &json!([3, id, payload]).to_string())
    }
}

#[tokio::test]
async fn it_boots_until_it_is_accepted_and_beats_at_its_interval() {
    let csms = Csms {
        boots: &[("Pending", 1), ("Rejected", 1)],
        ..Csms::default()
    };
    let mut stage = RECIPE.play(csms.clone(), Plan::default(), eager);
    stage.watch.ready().await;
    let begun = Instant::now();
    poll_until("three heartbeats", SOON, || csms.beats() >= 3).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    stage.is_clean().await;
    assert_eq!(csms.desk.boots.load(Ordering::SeqCst), 3);
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let csms = Csms {
        calls: &[(
            r#"[2,"s1","GetConfiguration",{}]"#,
            r#"[3,"s1",{"configurationKey":[],"unknownKey":[]}]"#,
        )],
        ..Csms::default()
    };
    let plan = Plan::cuts(&["boot", "call", "beat"]);
    let mut stage = RECIPE.play(csms.clone(), plan, hasty);
    stage.all_went_wrong().await;
    stage.sockets(10).await;
    stage.open().await;
    let beats = csms.beats();
    poll_until("a heartbeat", SOON, || csms.beats() > beats).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 10);
}

#[tokio::test]
async fn callers_and_heartbeats_take_turns() {
    let csms = Csms::default();
    let mut stage = RECIPE.play(csms.clone(), Plan::default(), eager);
    stage.watch.ready().await;
    let asked = (0..60).map(|n| {
        let request = format!(r#"[2,"mine-{n}","Authorize",{{"idTag":"t{n}"}}]"#);
        let request = Request::new(request).within(Duration::from_secs(30));
        let answer = stage.handle.request(request);
        async move {
            let answer = answer.await.unwrap();
            let answer: Value = serde_json::from_str(answer.as_text().unwrap()).unwrap();
            assert_eq!(answer[1], format!("mine-{n}"));
            assert_eq!(answer[2]["for"], format!("t{n}"));
        }
    });
    futures::future::join_all(asked).await;
    assert!(csms.beats() > 0, "heartbeats go out between the calls");
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn each_call_of_the_server_is_answered() {
    let csms = Csms {
        interval: 3600,
        calls: &[
            (
                r#"[2,"a","GetConfiguration",{}]"#,
                r#"[3,"a",{"configurationKey":[],"unknownKey":[]}]"#,
            ),
            (
                r#"[2,"b\"c","Reset",{"type":"Soft"}]"#,
                r#"[4,"b\"c","NotImplemented","",{}]"#,
            ),
            (
                r#"[2,"d","TriggerMessage",{"requestedMessage":"Heartbeat"}]"#,
                r#"[3,"d",{"status":"Accepted"}]"#,
            ),
        ],
        ..Csms::default()
    };
    let mut stage = RECIPE.play(csms.clone(), Plan::default(), eager);
    poll_until("the heartbeat that was asked for", SOON, || {
        csms.beats() == 1
    })
    .await;
    assert_eq!(csms.desk.answered.load(Ordering::SeqCst), 3);
    stage.is_clean().await;
}

#[tokio::test]
async fn a_rotation_ends_the_old_session_before_the_new_one_begins() {
    let csms = Csms::default();
    let mut stage = RECIPE.play(csms.clone(), Plan::default(), eager);
    stage.watch.ready().await;
    for _ in 0..3 {
        stage.handle.rotate().await.unwrap();
        stage.watch.rotated().await;
        stage.watch.ready().await;
    }
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 4);
}

#[tokio::test]
async fn a_refused_boot_is_tried_again_on_another_socket() {
    let refusal = r#"[4,"1","InternalError","",{}]"#;
    let plan = Plan::of([("boot", Mishap::Says(0, refusal.into()))]);
    let mut stage = RECIPE.play(Csms::default(), plan, eager);
    let error = stage.watch.error().await.to_string();
    assert!(
        error.contains("script_refused") && error.contains("InternalError"),
        "{error}"
    );
    stage.watch.ready().await;
    stage.is_clean().await;
}

#[tokio::test]
async fn a_password_that_has_expired_is_told_and_tried_again() {
    let wrong = Recipe {
        files: &[("secrets/cp-0001", "old-s3cret")],
        ..RECIPE
    };
    let mut stage = wrong.play(Csms::default(), Plan::default(), eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("401"), "{error}");
    poll_until("three dials", SOON, || stage.world.dials().len() >= 3).await;
    assert!(!stage.was_told("ready"));
    stage.is_clean().await;
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [("boot", "script_timeout"), ("beat", "pong_timeout")] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        // The heartbeat waits half a minute for its answer; here a second.
        let mut stage = RECIPE.play(Csms::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.sockets(2).await;
        stage.open().await;
        stage.is_clean().await;
    }
}
