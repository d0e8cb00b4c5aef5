//! Bybit v5: a login with a signed expiry, at most ten topics in a request, and numbered pings.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{
    checks::{hex, now_ms, sha256_hmac},
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, Silent, eager},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const SECRET: &str = "bybit-s3cret";
const RECIPE: Recipe = Recipe {
    file: "bybit",
    name: "bybit",
    variables: &[("BYBIT_KEY", "bybit-key"), ("BYBIT_SECRET", SECRET)],
    files: &[],
};
const KEYS: [&str; 4] = ["order", "execution", "position", "wallet"];

#[derive(Clone, Default)]
struct Bybit {
    /// Topics that no longer exist.
    unknown: Arc<Mutex<Vec<&'static str>>>,
    /// The topics of the last socket.
    topics: Arc<Mutex<HashSet<String>>>,
}

impl Servers for Bybit {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "stream.bybit.com" && call.target == "/v5/private";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        self.topics.lock().unwrap().clear();
        let mut is_known = false;
        loop {
            let said = talk.hear()?;
            let id = &said["req_id"];
            talk.ask(
                id.as_str().is_some_and(|id| !id.is_empty()),
                format!("no number: {said}"),
            );
            match said["op"].as_str() {
                Some("auth") if !is_known => is_known = login(talk, &said)?,
                Some("ping") => talk.answer("pong", &json!({ "req_id": id, "op": "pong", "args": ["1675418560633"], "conn_id": "cf" }).to_string())?,
                Some("subscribe") if is_known => self.subscribe(talk, &said)?,
                Some("unsubscribe") if is_known => {
                    for topic in topics(&said) {
                        let was_there = self.topics.lock().unwrap().remove(&topic);
                        talk.ask(was_there, format!("{topic} was not subscribed"));
                    }
                    talk.say(json!({ "success": true, "ret_msg": "", "op": "unsubscribe", "req_id": id, "conn_id": "cf" }).to_string())?;
                }
                _ => talk.fault(format!("now: {said}")),
            }
        }
    }
}

fn topics(said: &Value) -> Vec<String> {
    let args = said["args"].as_array().into_iter().flatten();
    args.map(|topic| topic.as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Checks the signature, and that it expires soon.
fn login(talk: &mut Talk, said: &Value) -> Result<bool, Gone> {
    let expires = said["args"][1].as_u64().unwrap_or_default();
    let signed = hex(&sha256_hmac(SECRET, &format!("GET/realtime{expires}")));
    let is_right = said["args"][0] == "bybit-key" && said["args"][2] == signed;
    talk.ask(is_right, format!("the signature: {said}"));
    let ahead = expires.saturating_sub(now_ms());
    talk.ask(
        ahead > 0 && ahead <= 10_000,
        format!("it expires in {ahead} ms"),
    );
    talk.answer(
        "auth",
        r#"{"success":true,"ret_msg":"","op":"auth","conn_id":"cf"}"#,
    )?;
    Ok(true)
}

impl Bybit {
    fn subscribe(&self, talk: &mut Talk, said: &Value) -> Result<(), Gone> {
        let wanted = topics(said);
        talk.ask(
            (1..=10).contains(&wanted.len()),
            format!("at most ten: {said}"),
        );
        let unknown = self.unknown.lock().unwrap().clone();
        let bad = wanted.iter().find(|topic| unknown.contains(&&***topic));
        if let Some(bad) = bad {
            let refusal = json!({ "success": false, "ret_msg": format!("error:handler not found,topic:{bad}"), "op": "subscribe", "req_id": said["req_id"], "conn_id": "cf" });
            return talk.say(refusal.to_string());
        }
        for topic in &wanted {
            let is_new = self.topics.lock().unwrap().insert(topic.clone());
            talk.ask(is_new, format!("{topic} for the second time"));
        }
        talk.answer("subscribe", &json!({ "success": true, "ret_msg": "", "op": "subscribe", "req_id": said["req_id"], "conn_id": "cf" }).to_string())?;
        for topic in &wanted {
            talk.answer(
                "event",
                &json!({ "id": "1", "topic": topic, "creationTime": now_ms(), "data": [] })
                    .to_string(),
            )?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn it_logs_in_and_each_topic_is_routed() {
    let mut stage = RECIPE.play(Bybit::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for key in KEYS {
        stage.routed(key, r#"\"data\":[]"#).await;
    }
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["auth", "subscribe", "event"];
    RECIPE.comes_back(Bybit::default(), &steps, &KEYS).await;
}

#[tokio::test]
async fn a_refused_or_late_login_is_told_and_made_anew() {
    for text in ["API key is invalid.", "Params Error: expired"] {
        let refusal = json!({ "success": false, "ret_msg": text, "op": "auth", "conn_id": "cf" });
        let plan = Plan::of([("auth", Mishap::Says(0, refusal.to_string()))]);
        let mut stage = RECIPE.play(Bybit::default(), plan, eager);
        let error = stage.watch.error().await.to_string();
        assert!(
            error.contains("script_refused") && error.contains(text),
            "{error}"
        );
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_refused_topic_is_told_and_asked_for_again() {
    let bybit = Bybit::default();
    bybit.unknown.lock().unwrap().push("wallet");
    let mut stage = RECIPE.play(bybit.clone(), Plan::default(), eager);
    stage
        .told_of("wallet", "refused", "handler not found")
        .await;
    bybit.unknown.lock().unwrap().clear();
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    let losses = [("auth", "script_timeout"), ("pong", "pong_timeout")];
    let silent = Silent {
        losses: &losses,
        unanswered: ("subscribe", "order"),
        keys: &KEYS,
    };
    RECIPE.leaves_the_silent(Bybit::default(), silent).await;
}
