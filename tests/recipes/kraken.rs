//! Kraken: a signed call returns a token, which expires after a quarter of an hour unless used, and
//! is part of each subscription.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use everwire::State;
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::{
    checks::{base64, now_ms},
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, hasty, impatient},
    talk::Talk,
    world::{Answer, Call, Servers},
};

/// Kraken's own example key, in base64.
const SECRET: &str =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
const RECIPE: Recipe = Recipe {
    file: "kraken",
    name: "kraken",
    variables: &[
        ("KRAKEN_KEY", "kraken-s3cret-key"),
        ("KRAKEN_SECRET", SECRET),
    ],
    files: &[],
};
const KEYS: [&str; 2] = ["executions", "balances"];
const PATH: &str = "/0/private/GetWebSocketsToken";

#[derive(Clone, Default)]
struct Kraken {
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    faults: Vec<String>,
    /// Valid tokens.
    tokens: HashSet<String>,
    last_nonce: u64,
    /// The channel that it refuses, and the reason.
    refuses: Option<(&'static str, &'static str)>,
    /// Whether it reports maintenance when a socket opens.
    is_maintained: bool,
}

/// The expected signature of a call.
fn signature(nonce: &str, body: &str) -> String {
    let hashed = digest::digest(&digest::SHA256, format!("{nonce}{body}").as_bytes());
    let secret = BASE64_STANDARD.decode(SECRET).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA512, &secret);
    let signed = [PATH.as_bytes(), hashed.as_ref()].concat();
    base64(hmac::sign(&key, &signed).as_ref())
}

impl Servers for Kraken {
    fn answer(&self, call: &Call) -> Answer {
        if call.host != "api.kraken.com" || call.target != PATH || call.method != "POST" {
            return Answer::new(404, "");
        }
        let mut desk = self.desk.lock().unwrap();
        let refused = |why: &str| Answer::new(200, json!({ "error": [why] }).to_string());
        if call.header("api-key") != "kraken-s3cret-key" {
            return refused("EAPI:Invalid key");
        }
        let nonce = call.body.strip_prefix("nonce=").unwrap_or_default();
        if call.header("api-sign") != signature(nonce, &call.body) {
            desk.faults.push(format!("the signature of {}", call.body));
            return refused("EAPI:Invalid signature");
        }
        let nonce: u64 = nonce.parse().unwrap_or_default();
        if nonce <= desk.last_nonce {
            let fault = format!("{nonce} behind {}", desk.last_nonce);
            desk.faults.push(fault);
            return refused("EAPI:Invalid nonce");
        }
        desk.last_nonce = nonce;
        let token = format!("t0ken-{}", call.number);
        desk.tokens.insert(token.clone());
        let body = json!({ "error": [], "result": { "token": token, "expires": 900 } });
        Answer::new(200, body.to_string()).of("token")
    }

    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "ws-auth.kraken.com" && call.target == "/v2";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        for fault in self.desk.lock().unwrap().faults.drain(..) {
            talk.fault(fault);
        }
        let is_maintained = self.desk.lock().unwrap().is_maintained;
        let system = if is_maintained {
            "maintenance"
        } else {
            "online"
        };
        talk.answer("status", &json!({ "channel": "status", "type": "update", "data": [{ "api_version": "v2", "connection_id": 1, "system": system, "version": "2.0.10" }] }).to_string())?;
        let mut channels = HashSet::new();
        loop {
            let said = talk.hear()?;
            let id = &said["req_id"];
            talk.ask(id.is_u64(), format!("no number: {said}"));
            match said["method"].as_str() {
                Some("ping") => talk.answer(
                    "pong",
                    &json!({ "method": "pong", "req_id": id, "time_in": "x", "time_out": "x" })
                        .to_string(),
                )?,
                Some("subscribe") => self.subscribe(talk, &said, &mut channels)?,
                Some("unsubscribe") => {
                    let channel = said["params"]["channel"].as_str().unwrap_or_default();
                    talk.ask(
                        channels.remove(channel),
                        format!("{channel} was not subscribed"),
                    );
                    talk.say(json!({ "method": "unsubscribe", "req_id": id, "result": { "channel": channel }, "success": true }).to_string())?;
                }
                _ => talk.fault(format!("it does not know: {said}")),
            }
        }
    }
}

impl Kraken {
    fn subscribe(
        &self,
        talk: &mut Talk,
        said: &Value,
        channels: &mut HashSet<String>,
    ) -> Result<(), Gone> {
        let id = &said["req_id"];
        let channel = said["params"]["channel"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let token = said["params"]["token"].as_str().unwrap_or_default();
        let refused = |why: &str| {
            json!({ "error": why, "method": "subscribe", "req_id": id, "success": false, "time_in": "x" }).to_string()
        };
        let (is_good, refuses) = {
            let desk = self.desk.lock().unwrap();
            (desk.tokens.contains(token), desk.refuses)
        };
        if !is_good {
            return talk.say(refused("ESession:Invalid session"));
        }
        if let Some((_, why)) = refuses.filter(|(refused, _)| *refused == channel) {
            return talk.say(refused(why));
        }
        let is_new = channels.insert(channel.clone());
        talk.ask(is_new, format!("{channel} for the second time"));
        let snap = channel == "executions";
        talk.ask(
            !snap || said["params"]["snap_orders"] == true,
            format!("no snapshot: {said}"),
        );
        talk.answer("subscribe", &json!({ "method": "subscribe", "req_id": id, "result": { "channel": channel }, "success": true, "time_in": "x", "time_out": "x" }).to_string())?;
        talk.answer(
            "snapshot",
            &json!({ "channel": channel, "type": "snapshot", "data": [], "sequence": now_ms() })
                .to_string(),
        )?;
        talk.say(r#"{"channel":"heartbeat"}"#)
    }
}

#[tokio::test]
async fn it_asks_for_a_token_and_each_channel_is_routed() {
    let mut stage = RECIPE.play(Kraken::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for key in KEYS {
        stage.routed(key, "snapshot").await;
    }
    stage.is_clean().await;
    assert_eq!((stage.world.calls().len(), stage.world.sockets()), (1, 1));
    let seen = stage.watch.seen().join("\n");
    assert!(
        !seen.contains("heartbeat") && !seen.contains("t0ken"),
        "{seen}"
    );
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let plan = Plan::cuts(&["token", "status", "subscribe", "snapshot"]);
    let mut stage = RECIPE.play(Kraken::default(), plan, hasty);
    stage.all_went_wrong().await;
    stage.sockets(10).await;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    // A call that was cut after its answer has succeeded: its socket opened.
    assert_eq!(stage.world.sockets(), 10);
}

#[tokio::test]
async fn a_refused_key_fails_and_another_refusal_passes() {
    let wrong = Recipe {
        variables: &[("KRAKEN_KEY", "wr0ng-s3cret"), ("KRAKEN_SECRET", SECRET)],
        ..RECIPE
    };
    let mut stage = wrong.play(Kraken::default(), Plan::default(), eager);
    stage.watch.failed().await;
    assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
    assert!(stage.status().await.contains("EAPI:Invalid key"));
    assert_eq!(
        (stage.world.calls().len(), stage.world.dials().len()),
        (1, 0)
    );
    stage.is_clean().await;
    for body in [
        r#"{"error":["EAPI:Invalid nonce"]}"#,
        r#"{"error":["EService:Unavailable"]}"#,
    ] {
        let plan = Plan::of([("token", Mishap::Says(200, body.into()))]);
        let mut stage = RECIPE.play(Kraken::default(), plan, eager);
        stage.active(&KEYS).await;
        stage.is_clean().await;
        assert_eq!(stage.world.calls().len(), 2);
    }
}

#[tokio::test]
async fn a_token_that_has_expired_is_asked_for_anew() {
    let stale = r#"{"error":[],"result":{"token":"t0ken-of-yesterday","expires":900}}"#;
    let plan = Plan::of([("token", Mishap::Says(200, stale.into()))]);
    let mut stage = RECIPE.play(Kraken::default(), plan, hasty);
    stage
        .told_of("executions", "refused", "ESession:Invalid session")
        .await;
    stage.sockets(2).await;
    stage.active(&KEYS).await;
    stage.is_clean().await;
}

#[tokio::test]
async fn a_refused_channel_is_told_and_asked_for_again() {
    let kraken = Kraken::default();
    kraken.desk.lock().unwrap().refuses = Some(("balances", "EGeneral:Permission denied"));
    let mut stage = RECIPE.play(kraken.clone(), Plan::default(), eager);
    stage
        .told_of("balances", "refused", "Permission denied")
        .await;
    kraken.desk.lock().unwrap().refuses = None;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_maintenance_is_told_and_no_reason_for_another_socket() {
    let kraken = Kraken::default();
    kraken.desk.lock().unwrap().is_maintained = true;
    let mut stage = RECIPE.play(kraken, Plan::default(), eager);
    stage.active(&KEYS).await;
    stage.told(&["maintenance"]).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [("token", "has no answer after"), ("pong", "pong_timeout")] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Kraken::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
    let plan = Plan::of([("subscribe", Mishap::Silence)]);
    let mut stage = RECIPE.play(Kraken::default(), plan, impatient);
    stage.told_of("executions", "unanswered", "").await;
    stage.sockets(2).await;
    stage.active(&KEYS).await;
    stage.is_clean().await;
}
