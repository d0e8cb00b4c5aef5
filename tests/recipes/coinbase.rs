//! Coinbase Advanced Trade: each subscription carries its own token, signed with ES256 and valid
//! for two minutes; heartbeats each second.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tungstenite::Message;

use super::{
    checks::{Window, now_ms},
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, impatient},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const KEY_NAME: &str = "organizations/1/apiKeys/2";
const RECIPE: Recipe = Recipe {
    file: "coinbase",
    name: "coinbase",
    variables: &[("CB_KEY_NAME", KEY_NAME)],
    files: &[("coinbase.pem", include_str!("coinbase.pem"))],
};
/// The public key.
const PUBLIC: &str = "04e6046f39ffac56a4e38a58b81e5a66519718c33998f7135aa25a4f50444eabc0d441bc5547897cee7f820fa52c9c042c90ad08a4b8a6c4aaf0d930e54bbaf760";
const KEYS: [&str; 2] = ["heartbeats", "user"];
/// How long the real server waits for the first subscription.
const FIRST: Duration = Duration::from_secs(5);

#[derive(Clone, Default)]
struct Coinbase {
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    /// Nonces that were used.
    nonces: HashSet<String>,
    /// The number of subscriptions that it will refuse.
    refuses: usize,
}

/// A socket, and its sent messages.
struct Feed<'t> {
    talk: &'t mut Talk,
    sequence: u64,
    channels: Vec<String>,
    window: Window,
}

impl Servers for Coinbase {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "advanced-trade-ws-user.coinbase.com" && call.target == "/";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut feed = Feed {
            talk,
            sequence: 0,
            channels: Vec::new(),
            window: Window::new(8, Duration::from_secs(1)),
        };
        let begun = Instant::now();
        let mut beat = Instant::now();
        loop {
            let heard = feed.talk.hear_any_within(Duration::from_millis(50))?;
            if let Some(Message::Text(text)) = heard {
                feed.window.count(feed.talk)?;
                self.asked(&mut feed, &text)?;
            }
            let is_late = feed.channels.is_empty() && begun.elapsed() > FIRST;
            feed.talk
                .ask(!is_late, "no subscription within five seconds");
            let beats = feed.channels.iter().any(|channel| channel == "heartbeats");
            if beats && beat.elapsed() > Duration::from_secs(1) {
                beat = Instant::now();
                feed.say(
                    "heartbeat",
                    json!({ "channel": "heartbeats", "events": [{ "heartbeat_counter": 1 }] }),
                )?;
            }
        }
    }
}

impl Feed<'_> {
    /// Sends a message with the next number.
    fn say(&mut self, step: &'static str, mut value: Value) -> Result<(), Gone> {
        value["sequence_num"] = self.sequence.into();
        self.sequence += 1;
        self.talk.answer(step, &value.to_string())
    }
}

impl Coinbase {
    fn asked(&self, feed: &mut Feed<'_>, text: &str) -> Result<(), Gone> {
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let channel = said["channel"].as_str().unwrap_or_default().to_owned();
        feed.talk.ask(
            said["product_ids"].is_array(),
            format!("no products: {text}"),
        );
        let wrong = self.token(said["jwt"].as_str().unwrap_or_default());
        let refuses = {
            let mut desk = self.desk.lock().unwrap();
            let refuses = desk.refuses > 0 && channel == "user";
            desk.refuses -= usize::from(refuses);
            refuses
        };
        if let Some(wrong) = wrong {
            feed.talk.fault(wrong);
        }
        if refuses {
            return feed
                .talk
                .say(r#"{"type":"error","message":"authentication failure"}"#);
        }
        match said["type"].as_str() {
            Some("subscribe") => {
                let is_new = !feed.channels.contains(&channel);
                feed.talk
                    .ask(is_new, format!("{channel} for the second time"));
                feed.channels.push(channel.clone());
            }
            Some("unsubscribe") => feed.channels.retain(|known| *known != channel),
            _ => feed.talk.fault(format!("it does not know: {text}")),
        }
        let all: serde_json::Map<String, Value> = feed
            .channels
            .iter()
            .map(|channel| (channel.clone(), json!(["a"])))
            .collect();
        feed.say("subscriptions", json!({ "channel": "subscriptions", "timestamp": "x", "events": [{ "subscriptions": all }] }))?;
        if channel == "user" {
            feed.say(
                "snapshot",
                json!({ "channel": "user", "events": [{ "type": "snapshot", "orders": [] }] }),
            )?;
        }
        Ok(())
    }

    /// Returns the fault of a token.
    fn token(&self, token: &str) -> Option<String> {
        let mut parts = token.split('.');
        let (head, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let read = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        let json = |part: &str| serde_json::from_slice::<Value>(&read(part)).unwrap_or_default();
        let public: Vec<u8> = (0..PUBLIC.len() / 2)
            .map(|at| u8::from_str_radix(&PUBLIC[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
        let text = format!("{head}.{claims}");
        let is_signed = key.verify(text.as_bytes(), &read(signature)).is_ok();
        let (head, claims) = (json(head), json(claims));
        let now = now_ms() / 1000;
        let (from, until) = (claims["nbf"].as_u64()?, claims["exp"].as_u64()?);
        let nonce = head["nonce"].as_str()?.to_owned();
        let is_new = self.desk.lock().unwrap().nonces.insert(nonce.clone());
        let is_right = is_signed
            && head["alg"] == "ES256"
            && head["kid"] == KEY_NAME
            && claims["iss"] == "cdp"
            && claims["sub"] == KEY_NAME
            && until - from == 120
            && (from..until).contains(&now)
            && nonce.len() == 32
            && is_new;
        (!is_right)
            .then(|| format!("the token {head} {claims}, signed: {is_signed}, new: {is_new}"))
    }
}

#[tokio::test]
async fn each_subscription_is_signed_and_routed_and_no_number_is_missed() {
    let mut stage = RECIPE.play(Coinbase::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    stage.routed("user", "snapshot").await;
    stage.routed("heartbeats", "heartbeat_counter").await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
    assert!(!stage.was_told("gap"));
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["subscriptions", "snapshot", "heartbeat"];
    RECIPE.comes_back(Coinbase::default(), &steps, &KEYS).await;
}

/// There is no separate login: a refused key or an expired token is reported by the subscription.
#[tokio::test]
async fn a_refused_or_expired_token_is_told_and_a_new_one_is_signed() {
    let coinbase = Coinbase::default();
    coinbase.desk.lock().unwrap().refuses = 2;
    let mut stage = RECIPE.play(coinbase, Plan::default(), eager);
    stage
        .told_of("user", "refused", "authentication failure")
        .await;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for step in ["subscriptions", "snapshot", "heartbeat"] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        // One second of silence instead of five, while the server sends each second.
        let mut stage = RECIPE.play(Coinbase::default(), plan, |settings| {
            let idle = settings.idle_timeout;
            impatient(settings);
            settings.idle_timeout = idle.map(|_| Duration::from_secs(2));
        });
        let error = stage.watch.error().await.to_string();
        let is_told = error.contains("idle") || error.contains("pong_timeout");
        assert!(is_told, "{step}: {error}");
        stage.sockets(2).await;
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}
