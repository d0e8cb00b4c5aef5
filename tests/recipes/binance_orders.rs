//! Binance's orders: a signed subscription over the WebSocket API of spot, and a listen key for futures.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use everwire::language::MessageTemplate;
use everwire::{ConnectionSettings, Request, config::Template, dialogue::TemplateDuration};
use serde_json::{Value, json};

use super::{
    checks::{hex, now_ms, sha256_hmac},
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, Stage, dialogue, eager, hasty, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const KEY: &str = "binance-s3cret-key";
const SECRET: &str = "binance-s3cret";
const SPOT: Recipe = Recipe {
    file: "binance",
    name: "binance-orders",
    variables: &[("BINANCE_KEY", KEY), ("BINANCE_SECRET", SECRET)],
    files: &[],
};
const FUTURES: Recipe = Recipe {
    name: "binance-futures-orders",
    ..SPOT
};

/// The WebSocket API.
#[derive(Clone, Default)]
struct Api {
    /// A message on the first socket after it has subscribed.
    warning: Option<&'static str>,
}

impl Servers for Api {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        // The default port of the scheme is not part of `Host`.
        let host = call.host.trim_end_matches(":443");
        let is_right = host == "ws-api.binance.com" && call.target == "/ws-api/v3";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        loop {
            let said = talk.hear()?;
            let id = &said["id"];
            match said["method"].as_str() {
                Some("userDataStream.subscribe.signature") => {
                    signed(talk, &said["params"]);
                    talk.answer("login", &json!({ "id": id, "status": 200, "result": { "subscriptionId": 0 }, "rateLimits": [] }).to_string())?;
                    talk.answer("report", r#"{"subscriptionId":0,"event":{"e":"executionReport"}}"#)?;
                    if let Some(warning) = self.warning.filter(|_| talk.number == 0) {
                        talk.answer("warning", warning)?;
                    }
                }
                Some("time") => talk.say(json!({ "id": id, "status": 200, "result": { "serverTime": now_ms() } }).to_string())?,
                _ => talk.say(json!({ "id": id, "status": 400, "error": { "code": -1020, "msg": "This operation is not supported." } }).to_string())?,
            }
        }
    }
}

/// Checks the key, the signature, and the window of five seconds.
fn signed(talk: &Talk, params: &Value) {
    let time = params["timestamp"].as_u64().unwrap_or_default();
    let signature = hex(&sha256_hmac(
        SECRET,
        &format!("apiKey={KEY}&timestamp={time}"),
    ));
    let is_right = params["apiKey"] == KEY && params["signature"] == signature;
    talk.ask(is_right, format!("the signature: {params}"));
    let age = now_ms().abs_diff(time);
    talk.ask(age < 5_000, format!("{age} ms beside the time"));
}

#[tokio::test]
async fn it_logs_in_and_answers_many_callers_at_once() {
    let mut stage = SPOT.play(Api::default(), Plan::default(), eager);
    stage.watch.ready().await;
    stage.told(&["executionReport"]).await;
    let asked = (0..20).map(|_| {
        stage
            .handle
            .request(Request::new(r#"{"id":7,"method":"time"}"#))
    });
    for answer in futures::future::join_all(asked).await {
        let answer: Value = serde_json::from_str(answer.unwrap().as_text().unwrap()).unwrap();
        assert_eq!((&answer["id"], &answer["status"]), (&json!(7), &json!(200)));
    }
    let refused = stage
        .handle
        .request(Request::new(r#"{"id":7,"method":"order.place"}"#))
        .await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("-1020"));
    stage.is_clean().await;
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let plan = Plan::cuts(&["login", "report"]);
    let mut stage = SPOT.play(Api::default(), plan, hasty);
    stage.all_went_wrong().await;
    stage.sockets(7).await;
    stage.open().await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 7);
}

#[tokio::test]
async fn a_refused_or_late_signature_is_told_and_made_anew() {
    for (code, text) in [
        (-2015, "Invalid API-key, IP, or permissions for action."),
        (
            -1021,
            "Timestamp for this request is outside of the recvWindow.",
        ),
    ] {
        let refusal = json!({ "id": 1, "status": 400, "error": { "code": code, "msg": text } });
        let plan = Plan::of([("login", Mishap::Says(0, refusal.to_string()))]);
        let mut stage = SPOT.play(Api::default(), plan, eager);
        let error = stage.watch.error().await.to_string();
        assert!(
            error.contains("script_refused") && error.contains(&code.to_string()),
            "{error}"
        );
        stage.watch.ready().await;
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_warning_and_the_end_of_its_stream_bring_another_socket() {
    for warning in [
        r#"{"event":{"e":"serverShutdown","E":1770123456789}}"#,
        r#"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1728973001334}}"#,
    ] {
        let api = Api {
            warning: Some(warning),
        };
        let mut stage = SPOT.play(api, Plan::default(), eager);
        stage.watch.rotated().await;
        assert!(!stage.was_told("retrying"));
        stage.open().await;
        stage.is_clean().await;
        assert_eq!(stage.world.sockets(), 2);
    }
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [("login", "script_timeout"), ("report", "pong_timeout")] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = SPOT.play(Api::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.sockets(2).await;
        stage.open().await;
        stage.is_clean().await;
    }
}

/// The futures servers: a key for each account, valid for a time after the last call for it.
#[derive(Clone)]
struct Futures {
    keys: Arc<Mutex<HashMap<String, Instant>>>,
    good_for: Duration,
}

impl Default for Futures {
    fn default() -> Self {
        Self {
            keys: Arc::default(),
            good_for: Duration::from_secs(3600),
        }
    }
}

impl Futures {
    fn is_good(&self, key: &str) -> bool {
        let keys = self.keys.lock().unwrap();
        keys.get(key)
            .is_some_and(|asked| asked.elapsed() < self.good_for)
    }
}

impl Servers for Futures {
    fn answer(&self, call: &Call) -> Answer {
        if call.host != "fapi.binance.com" || call.target != "/fapi/v1/listenKey" {
            return Answer::new(404, "");
        }
        if call.header("x-mbx-apikey") != KEY {
            return Answer::new(
                401,
                r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#,
            );
        }
        let mut keys = self.keys.lock().unwrap();
        let good = keys
            .iter()
            .find(|(_, asked)| asked.elapsed() < self.good_for);
        let good = good.map(|(key, _)| key.clone());
        match (&*call.method, good) {
            ("POST", good) => {
                let key = good.unwrap_or_else(|| format!("l1stenkey{}", call.number));
                keys.insert(key.clone(), Instant::now());
                Answer::new(200, json!({ "listenKey": key }).to_string()).of("key")
            }
            ("PUT", Some(key)) => {
                keys.insert(key.clone(), Instant::now());
                Answer::new(200, json!({ "listenKey": key }).to_string()).of("keep")
            }
            _ => Answer::new(
                400,
                r#"{"code":-1125,"msg":"This listenKey does not exist."}"#,
            ),
        }
    }

    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "fstream.binance.com" && call.path() == "/private/ws";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let key = talk.call.query("listenKey").to_owned();
        // The real server accepts any key, and sends nothing for an invalid one.
        let is_good = self.is_good(&key);
        talk.ask(is_good, format!("the listen key {key}"));
        talk.answer("update", r#"{"e":"ORDER_TRADE_UPDATE","E":1568879465651}"#)?;
        while self.is_good(&key) {
            let heard = talk.hear_any_within(Duration::from_millis(50))?;
            let is_said = matches!(heard, Some(tungstenite::Message::Text(_)));
            talk.ask(!is_said, format!("{heard:?}"));
        }
        talk.say(r#"{"e":"listenKeyExpired","E":1736996475556,"listenKey":"x"}"#)?;
        talk.until_gone()
    }
}

/// Replaces the half hours between calls by seconds.
fn minutely(settings: &mut ConnectionSettings) {
    hasty(settings);
    dialogue(settings, |dialogue| {
        for periodic in &mut dialogue.periodic {
            let second = MessageTemplate::from(Template::literal("1s"));
            periodic.every = TemplateDuration(second);
        }
    });
}

async fn kept(stage: &Stage, times: usize) {
    poll_until("the key to be kept", SOON, || {
        stage.plan.passed("keep") >= times
    })
    .await;
}

#[tokio::test]
async fn the_listen_key_is_asked_for_and_kept() {
    let futures = Futures {
        good_for: Duration::from_secs(3),
        ..Futures::default()
    };
    let mut stage = FUTURES.play(futures, Plan::default(), minutely);
    stage.told(&["ORDER_TRADE_UPDATE"]).await;
    // Longer than the key is valid without calls.
    kept(&stage, 4).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
    assert!(!stage.watch.seen().join("").contains("l1stenkey"));
}

#[tokio::test]
async fn a_listen_key_that_has_expired_is_asked_for_anew() {
    let futures = Futures {
        good_for: Duration::from_millis(700),
        ..Futures::default()
    };
    let mut stage = FUTURES.play(futures, Plan::default(), eager);
    stage.told(&["listenKeyExpired"]).await;
    stage.sockets(2).await;
    stage.open().await;
    stage.is_clean().await;
}

#[tokio::test]
async fn futures_come_back_from_a_cut_before_within_and_behind_each_step() {
    let plan = Plan::cuts(&["key", "update", "keep"]);
    let mut stage = FUTURES.play(Futures::default(), plan, minutely);
    stage.all_went_wrong().await;
    kept(&stage, 4).await;
    stage.open().await;
    stage.is_clean().await;
}

#[tokio::test]
async fn a_refused_key_of_futures_is_told_and_asked_for_again() {
    let refusal = r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#;
    let plan = Plan::of([("key", Mishap::Says(401, refusal.into()))]);
    let mut stage = FUTURES.play(Futures::default(), plan, eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("401") && error.contains("-2015"), "{error}");
    stage.watch.ready().await;
    stage.is_clean().await;
}

#[tokio::test]
async fn silent_servers_of_futures_are_left_in_time() {
    for (step, told) in [("key", "has no answer after"), ("update", "pong_timeout")] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = FUTURES.play(Futures::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.open().await;
        stage.is_clean().await;
    }
}
