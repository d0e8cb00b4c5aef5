//! OKX: a login that signs the time, pings in plain text, and a notice a minute before a socket is closed.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use everwire::State;
use serde_json::{Value, json};

use super::{
    checks::{base64, now_ms, sha256_hmac},
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, Silent, eager, hasty},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const SECRET: &str = "okx-s3cret";
const PASSPHRASE: &str = "a \"quoted\" s3cret";
const RECIPE: Recipe = Recipe {
    file: "okx",
    name: "okx",
    variables: &[
        ("OKX_KEY", "985d5b66"),
        ("OKX_PASS", PASSPHRASE),
        ("OKX_SECRET", SECRET),
    ],
    files: &[],
};
const KEYS: [&str; 2] = ["orders", "account"];
const NOTICE: &str = r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"761bf5d1"}"#;

#[derive(Clone, Default)]
struct Okx {
    /// The channel that it refuses.
    refuses: Arc<Mutex<Option<&'static str>>>,
    /// Whether the first socket gets a notice before its end.
    warns: bool,
}

impl Servers for Okx {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "ws.okx.com:8443" && call.target == "/ws/v5/private";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut is_known = false;
        let mut ids = HashSet::new();
        let mut channels = HashSet::new();
        loop {
            let text = talk.hear_text()?;
            if text == "ping" {
                talk.answer("pong", "pong")?;
                continue;
            }
            let said: Value = serde_json::from_str(&text).unwrap_or_default();
            match said["op"].as_str() {
                Some("login") if !is_known => {
                    login(talk, &said)?;
                    is_known = true;
                }
                Some("subscribe") if is_known => {
                    self.subscribe(talk, &said, &mut ids, &mut channels)?
                }
                Some("unsubscribe") if is_known => {
                    let arg = &said["args"][0];
                    talk.ask(
                        channels.remove(&arg.to_string()),
                        format!("{arg} was not subscribed"),
                    );
                    talk.say(json!({ "id": said["id"], "event": "unsubscribe", "arg": arg, "connId": "a4" }).to_string())?;
                }
                _ => talk.fault(format!("now: {said}")),
            }
        }
    }
}

/// Checks the timestamp and the signature.
fn login(talk: &mut Talk, said: &Value) -> Result<(), Gone> {
    let args = &said["args"][0];
    let time = args["timestamp"].as_str().unwrap_or_default().to_owned();
    let age = (now_ms() / 1000).abs_diff(time.parse().unwrap_or_default());
    talk.ask(age <= 30, format!("the timestamp {time}"));
    let signed = base64(&sha256_hmac(
        SECRET,
        &format!("{time}GET/users/self/verify"),
    ));
    let is_right =
        args["sign"] == signed && args["apiKey"] == "985d5b66" && args["passphrase"] == PASSPHRASE;
    talk.ask(is_right, format!("the login: {said}"));
    talk.answer(
        "login",
        r#"{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}"#,
    )
}

impl Okx {
    fn subscribe(
        &self,
        talk: &mut Talk,
        said: &Value,
        ids: &mut HashSet<String>,
        channels: &mut HashSet<String>,
    ) -> Result<(), Gone> {
        let id = said["id"].as_str().unwrap_or_default().to_owned();
        let is_fit = (1..=32).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric());
        talk.ask(is_fit && ids.insert(id.clone()), format!("the id: {said}"));
        let arg = &said["args"][0];
        let channel = arg["channel"].as_str().unwrap_or_default();
        let refuses = *self.refuses.lock().unwrap();
        if refuses == Some(channel) {
            return talk.say(json!({ "id": id, "event": "error", "code": "60018", "msg": "Wrong URL or channel", "connId": "a4" }).to_string());
        }
        let is_new = channels.insert(arg.to_string());
        talk.ask(is_new, format!("{arg} for the second time"));
        talk.answer(
            "subscribe",
            &json!({ "id": id, "event": "subscribe", "arg": arg, "connId": "a4" }).to_string(),
        )?;
        talk.say(json!({ "event": "channel-conn-count", "channel": channel, "connCount": "1", "connId": "a4" }).to_string())?;
        talk.answer(
            "push",
            &json!({ "arg": arg, "data": [{ "number": talk.number }] }).to_string(),
        )?;
        if self.warns && talk.number == 0 && channels.len() == KEYS.len() {
            talk.answer("notice", NOTICE)?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn it_logs_in_and_each_channel_is_routed() {
    let mut stage = RECIPE.play(Okx::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for key in KEYS {
        stage.routed(key, "number").await;
    }
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
    let seen = stage.watch.seen().join("\n");
    assert!(!seen.contains("channel-conn-count"), "{seen}");
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["login", "subscribe", "push"];
    let stage = RECIPE.comes_back(Okx::default(), &steps, &KEYS).await;
    // Three dials a second are allowed.
    let dials = stage.world.dials();
    let took = dials[9].at - dials[0].at;
    assert!(took.as_millis() > 1_900, "{took:?}");
}

#[tokio::test]
async fn a_refusal_that_stays_fails_and_another_is_tried_again() {
    for code in ["60005", "60024", "60032"] {
        let refusal =
            json!({ "event": "error", "code": code, "msg": "Login failed.", "connId": "a4" });
        let plan = Plan::of([("login", Mishap::Says(0, refusal.to_string()))]);
        let mut stage = RECIPE.play(Okx::default(), plan, eager);
        stage.watch.failed().await;
        assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
        assert!(stage.status().await.contains(code));
        assert_eq!(stage.world.sockets(), 1);
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_timestamp_that_has_expired_is_signed_anew() {
    for code in ["60006", "60009"] {
        let refusal = json!({ "event": "error", "code": code, "msg": "Timestamp request expired", "connId": "a4" });
        let plan = Plan::of([("login", Mishap::Says(0, refusal.to_string()))]);
        let mut stage = RECIPE.play(Okx::default(), plan, eager);
        let error = stage.watch.error().await.to_string();
        assert!(
            error.contains("script_refused") && error.contains(code),
            "{error}"
        );
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_refused_channel_is_told_and_asked_for_again() {
    let okx = Okx::default();
    *okx.refuses.lock().unwrap() = Some("account");
    let mut stage = RECIPE.play(okx.clone(), Plan::default(), hasty);
    stage.told_of("account", "refused", "60018").await;
    *okx.refuses.lock().unwrap() = None;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_notice_is_heeded_before_the_server_hangs_up() {
    for plan in [Plan::default(), Plan::of([("notice", Mishap::CutBehind)])] {
        let is_cut = !plan.left().is_empty();
        let okx = Okx {
            warns: true,
            ..Okx::default()
        };
        let mut stage = RECIPE.play(okx, plan, hasty);
        if !is_cut {
            stage.watch.rotated().await;
            assert!(!stage.was_told("retrying"));
        }
        stage.sockets(2).await;
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    let losses = [("login", "script_timeout"), ("pong", "pong_timeout")];
    let silent = Silent {
        losses: &losses,
        unanswered: ("subscribe", "orders"),
        keys: &KEYS,
    };
    RECIPE.leaves_the_silent(Okx::default(), silent).await;
}
