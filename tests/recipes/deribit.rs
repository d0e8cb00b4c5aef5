//! Deribit: a login with single-use tokens, heartbeats on request of the server, and answers that
//! name the channels.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use everwire::{Request, State};
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
    file: "deribit",
    name: "deribit",
    variables: &[
        ("DERIBIT_ID", "deribit-id"),
        ("DERIBIT_SECRET", "deribit-s3cret"),
    ],
    files: &[],
};
const KEYS: [&str; 2] = ["user.orders.any.any.raw", "ticker.BTC-PERPETUAL.raw"];
/// Its test_request must be answered before the next heartbeat; here sooner.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Default)]
struct Deribit {
    desk: Arc<Mutex<Desk>>,
    /// The validity of a token in seconds.
    expires: Option<u64>,
}

#[derive(Default)]
struct Desk {
    tokens: usize,
    /// Unused refresh tokens.
    good: HashSet<String>,
    refreshed: usize,
    tested: usize,
    /// The channel that its answers omit.
    unknown: Option<&'static str>,
}

/// The server's record of a socket.
#[derive(Default)]
struct Session {
    is_known: bool,
    beats: bool,
    ids: HashSet<u64>,
    channels: HashSet<String>,
    /// The time of an unanswered test_request.
    asked: Option<Instant>,
}

impl Servers for Deribit {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "www.deribit.com" && call.target == "/ws/api/v2";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut session = Session::default();
        let mut beat = Instant::now();
        loop {
            match talk.hear_any_within(Duration::from_millis(50))? {
                Some(Message::Text(text)) => self.call(talk, &mut session, &text)?,
                Some(other) => talk.ask(!other.is_binary(), format!("{other:?}")),
                None => {}
            }
            if session.beats && beat.elapsed() > Duration::from_millis(300) {
                beat = Instant::now();
                talk.say(
                    r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}"#,
                )?;
                if session.asked.is_none() {
                    session.asked = Some(Instant::now());
                    talk.answer("test", r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#)?;
                }
            }
            if session
                .asked
                .is_some_and(|asked| asked.elapsed() > PATIENCE)
            {
                talk.fault("a test_request without an answer");
                return Err(talk.cut());
            }
        }
    }
}

impl Deribit {
    fn call(&self, talk: &mut Talk, session: &mut Session, text: &str) -> Result<(), Gone> {
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let id = said["id"].as_u64().unwrap_or_default();
        let is_whole = said["jsonrpc"] == "2.0" && session.ids.insert(id);
        talk.ask(is_whole, format!("a number twice, or none: {text}"));
        let result =
            |value: Value| json!({ "jsonrpc": "2.0", "id": id, "result": value }).to_string();
        let error = |code: i64, text: &str| {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
                .to_string()
        };
        let params = &said["params"];
        match said["method"].as_str() {
            Some("public/auth") => match self.login(params) {
                Ok((step, tokens)) => {
                    session.is_known = true;
                    talk.answer(step, &result(tokens))
                }
                Err(why) => talk.say(error(13004, why)),
            },
            Some("public/set_heartbeat") => {
                let is_long = params["interval"]
                    .as_u64()
                    .is_some_and(|interval| interval >= 10);
                talk.ask(is_long, format!("the interval: {text}"));
                session.beats = true;
                talk.answer("set_heartbeat", &result(json!("ok")))
            }
            Some("public/test") => {
                session.asked = None;
                self.desk.lock().unwrap().tested += 1;
                talk.say(result(json!({ "version": "1.2.26" })))
            }
            Some("private/subscribe") => {
                talk.ask(session.is_known, "a private subscription without a login");
                self.subscribe(talk, session, params, id)
            }
            Some("private/unsubscribe") => {
                let channels = channels(params);
                for channel in &channels {
                    talk.ask(
                        session.channels.remove(channel),
                        format!("{channel} was not subscribed"),
                    );
                }
                talk.say(result(json!(channels)))
            }
            Some("public/get_time") => talk.say(result(json!(1_700_000_000_000_u64))),
            _ => talk.say(error(-32601, "Method not found")),
        }
    }

    fn login(&self, params: &Value) -> Result<(&'static str, Value), &'static str> {
        let mut desk = self.desk.lock().unwrap();
        let step = match params["grant_type"].as_str() {
            Some("client_credentials")
                if params["client_id"] == "deribit-id"
                    && params["client_secret"] == "deribit-s3cret" =>
            {
                "auth"
            }
            Some("refresh_token") => {
                // Each is valid once.
                let token = params["refresh_token"].as_str().unwrap_or_default();
                if !desk.good.remove(token) {
                    return Err("invalid_credentials");
                }
                desk.refreshed += 1;
                "refresh"
            }
            _ => return Err("invalid_credentials"),
        };
        desk.tokens += 1;
        let token = format!("ref-s3cret-{}", desk.tokens);
        desk.good.insert(token.clone());
        let expires = self.expires.unwrap_or(900);
        Ok((
            step,
            json!({ "access_token": "acc-s3cret", "refresh_token": token, "expires_in": expires, "token_type": "bearer", "scope": "connection" }),
        ))
    }

    fn subscribe(
        &self,
        talk: &mut Talk,
        session: &mut Session,
        params: &Value,
        id: u64,
    ) -> Result<(), Gone> {
        let unknown = self.desk.lock().unwrap().unknown;
        let taken: Vec<String> = channels(params)
            .into_iter()
            .filter(|channel| Some(&**channel) != unknown)
            .collect();
        for channel in &taken {
            let is_new = session.channels.insert(channel.clone());
            talk.ask(is_new, format!("{channel} for the second time"));
        }
        talk.answer(
            "subscribe",
            &json!({ "jsonrpc": "2.0", "id": id, "result": taken }).to_string(),
        )?;
        for channel in &taken {
            let event = json!({ "jsonrpc": "2.0", "method": "subscription", "params": { "channel": channel, "data": {} } });
            talk.answer("event", &event.to_string())?;
        }
        Ok(())
    }
}

fn channels(params: &Value) -> Vec<String> {
    let channels = params["channels"].as_array().into_iter().flatten();
    channels
        .map(|channel| channel.as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn it_logs_in_answers_tests_and_each_channel_is_routed() {
    let deribit = Deribit::default();
    let mut stage = RECIPE.play(deribit.clone(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for key in KEYS {
        stage.routed(key, "data").await;
    }
    poll_until("three tests", SOON, || {
        deribit.desk.lock().unwrap().tested >= 3
    })
    .await;
    let answer = stage
        .handle
        .request(Request::new(
            r#"{"jsonrpc":"2.0","id":7,"method":"public/get_time","params":{}}"#,
        ))
        .await
        .unwrap();
    assert!(
        answer.as_text().unwrap().contains(r#""id":7"#),
        "{answer:?}"
    );
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
    assert!(!stage.watch.seen().join("").contains("heartbeat"));
}

#[tokio::test]
async fn its_token_is_refreshed_before_it_expires_and_each_is_used_once() {
    let deribit = Deribit {
        // The refresh is due a minute before expiry, so each second.
        expires: Some(61),
        ..Deribit::default()
    };
    let mut stage = RECIPE.play(deribit.clone(), Plan::default(), eager);
    poll_until("three refreshes", SOON, || {
        deribit.desk.lock().unwrap().refreshed >= 3
    })
    .await;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let deribit = Deribit {
        expires: Some(61),
        ..Deribit::default()
    };
    let steps = [
        "auth",
        "set_heartbeat",
        "subscribe",
        "event",
        "test",
        "refresh",
    ];
    RECIPE.comes_back(deribit, &steps, &KEYS).await;
}

#[tokio::test]
async fn a_refused_login_fails_and_another_refusal_passes() {
    let wrong = Recipe {
        variables: &[
            ("DERIBIT_ID", "deribit-id"),
            ("DERIBIT_SECRET", "wr0ng-s3cret"),
        ],
        ..RECIPE
    };
    let mut stage = wrong.play(Deribit::default(), Plan::default(), eager);
    stage.watch.failed().await;
    assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
    assert!(stage.status().await.contains("invalid_credentials"));
    assert_eq!(stage.world.sockets(), 1);
    stage.is_clean().await;
    let refusal =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":10028,"message":"too_many_requests"}}"#;
    let plan = Plan::of([("auth", Mishap::Says(0, refusal.into()))]);
    let mut stage = RECIPE.play(Deribit::default(), plan, eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("too_many_requests"), "{error}");
    stage.active(&KEYS).await;
    stage.is_clean().await;
}

#[tokio::test]
async fn a_refresh_token_that_has_expired_is_a_new_login() {
    let deribit = Deribit {
        expires: Some(61),
        ..Deribit::default()
    };
    let mut stage = RECIPE.play(deribit.clone(), Plan::default(), hasty);
    stage.active(&KEYS).await;
    deribit.desk.lock().unwrap().good.clear();
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("script_refused"), "{error}");
    stage.sockets(2).await;
    stage.active(&KEYS).await;
    stage.is_clean().await;
}

#[tokio::test]
async fn a_channel_that_the_answer_leaves_out_is_told_and_asked_for_again() {
    let deribit = Deribit::default();
    deribit.desk.lock().unwrap().unknown = Some(KEYS[1]);
    let mut stage = RECIPE.play(deribit.clone(), Plan::default(), eager);
    stage.told_of(KEYS[1], "refused", "").await;
    deribit.desk.lock().unwrap().unknown = None;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [
        ("auth", "script_timeout"),
        ("set_heartbeat", "script_timeout"),
        ("subscribe", "idle"),
        ("test", "idle"),
    ] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Deribit::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        let is_told = error.contains(told) || error.contains("idle");
        assert!(is_told, "{step}: {error}");
        stage.sockets(2).await;
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}
