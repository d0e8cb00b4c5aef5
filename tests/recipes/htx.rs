//! HTX: market data and numbered pings in gzip, and a close after two unanswered pings.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tungstenite::Message;

use super::{
    compressed::gzip,
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, impatient},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "htx",
    name: "htx",
    variables: &[],
    files: &[],
};
const KEYS: [&str; 2] = ["market.btcusdt.trade.detail", "market.ethusdt.trade.detail"];
/// The real server pings every five seconds.
const PING: Duration = Duration::from_millis(100);

#[derive(Clone, Default)]
struct Htx {
    unknown: Arc<Mutex<Vec<&'static str>>>,
}

impl Servers for Htx {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "api.huobi.pro" && call.target == "/ws";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut subscribed = HashSet::new();
        // Unanswered pings.
        let mut open: Vec<u64> = Vec::new();
        for number in 1_492_420_473_027_u64.. {
            open.push(number);
            if open.len() > 2 {
                talk.fault(format!("two pings without an answer: {open:?}"));
                return Err(talk.cut());
            }
            say(talk, "ping", &json!({ "ping": number }))?;
            while let Some(frame) = talk.hear_any_within(PING)? {
                let Message::Text(text) = frame else { continue };
                let said: Value = serde_json::from_str(&text).unwrap_or_default();
                match said["pong"].as_u64() {
                    Some(pong) => {
                        talk.ask(open.contains(&pong), format!("{pong} of {open:?}"));
                        open.retain(|ping| *ping != pong);
                    }
                    None => self.asked(talk, &said, &mut subscribed)?,
                }
            }
        }
        Ok(())
    }
}

fn say(talk: &mut Talk, step: &'static str, value: &Value) -> Result<(), Gone> {
    let encode = |text: &str| Message::binary(gzip(text.as_bytes()));
    talk.answer_as(step, &value.to_string(), encode)
}

impl Htx {
    fn asked(
        &self,
        talk: &mut Talk,
        said: &Value,
        subscribed: &mut HashSet<String>,
    ) -> Result<(), Gone> {
        let id = said["id"].as_str().unwrap_or_default().to_owned();
        talk.ask(!id.is_empty(), format!("no id: {said}"));
        if let Some(key) = said["sub"].as_str() {
            if self.unknown.lock().unwrap().contains(&key) {
                return say(
                    talk,
                    "",
                    &json!({ "status": "error", "id": id, "err-code": "bad-request", "err-msg": "invalid topic", "ts": 1 }),
                );
            }
            let is_new = subscribed.insert(key.to_owned());
            talk.ask(is_new, format!("{key} for the second time"));
            say(
                talk,
                "sub",
                &json!({ "id": id, "status": "ok", "subbed": key, "ts": 1 }),
            )?;
            return say(
                talk,
                "tick",
                &json!({ "ch": key, "ts": 1, "tick": { "id": 1, "data": [] } }),
            );
        }
        let Some(key) = said["unsub"].as_str() else {
            talk.fault(format!("it does not know: {said}"));
            return Ok(());
        };
        talk.ask(subscribed.remove(key), format!("{key} was not subscribed"));
        say(
            talk,
            "",
            &json!({ "id": id, "status": "ok", "unsubbed": key, "ts": 1 }),
        )
    }
}

#[tokio::test]
async fn pings_are_answered_and_each_channel_is_routed() {
    let mut stage = RECIPE.play(Htx::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for key in KEYS {
        stage.routed(key, "tick").await;
    }
    // Ten pings of the server.
    let deadline = std::time::Instant::now() + Duration::from_secs(15);
    while stage.plan.passed("ping") < 10 && std::time::Instant::now() < deadline {
        tokio::time::sleep(PING).await;
    }
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
    assert!(
        !stage
            .watch
            .seen()
            .iter()
            .any(|event| event.contains("ping"))
    );
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["ping", "sub", "tick"];
    RECIPE.comes_back(Htx::default(), &steps, &KEYS).await;
}

#[tokio::test]
async fn a_refused_channel_is_told_and_asked_for_again() {
    let htx = Htx::default();
    htx.unknown.lock().unwrap().push(KEYS[1]);
    let mut stage = RECIPE.play(htx.clone(), Plan::default(), eager);
    stage.told_of(KEYS[1], "refused", "invalid topic").await;
    htx.unknown.lock().unwrap().clear();
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for step in ["ping", "sub", "tick"] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Htx::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains("idle"), "{step}: {error}");
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}
