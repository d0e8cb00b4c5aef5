//! Home Assistant: a token first, then increasing ids.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use everwire::{Request, State};
use serde_json::{Value, json};

use super::{
    peer::Gone,
    plan::Plan,
    stage::{Recipe, Silent, eager, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const TOKEN: &str = "long-lived-s3cret";
const RECIPE: Recipe = Recipe {
    file: "home-assistant",
    name: "home",
    variables: &[("HA_TOKEN", TOKEN)],
    files: &[],
};
const KEYS: [&str; 2] = ["states", "door"];

#[derive(Clone, Default)]
struct Home {
    /// The error code instead of success, for requests of this kind.
    refuses: Arc<Mutex<Option<&'static str>>>,
}

impl Servers for Home {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "homeassistant.local:8123" && call.target == "/api/websocket";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        talk.answer(
            "auth_required",
            r#"{"type":"auth_required","ha_version":"2026.11.1"}"#,
        )?;
        let said = talk.hear()?;
        talk.ask(
            said["type"] == "auth" && said["id"].is_null(),
            format!("no login: {said}"),
        );
        if said["access_token"] != TOKEN {
            talk.say(r#"{"type":"auth_invalid","message":"Invalid access token or password"}"#)?;
            return Err(talk.close(1000));
        }
        talk.answer("auth_ok", r#"{"type":"auth_ok","ha_version":"2026.11.1"}"#)?;
        let mut last = 0;
        let mut subscriptions = HashSet::new();
        loop {
            let said = talk.hear()?;
            let id = said["id"].as_u64().unwrap_or_default();
            if id <= last {
                talk.fault(format!("number {id} behind {last}: {said}"));
                let reuse = json!({ "id": id, "type": "result", "success": false, "error": { "code": "id_reuse", "message": "Identifier values have to increase." } });
                talk.say(reuse.to_string())?;
                continue;
            }
            last = id;
            self.command(talk, id, &said, &mut subscriptions)?;
        }
    }
}

impl Home {
    fn command(
        &self,
        talk: &mut Talk,
        id: u64,
        said: &Value,
        open: &mut HashSet<u64>,
    ) -> Result<(), Gone> {
        let kind = said["type"].as_str().unwrap_or_default();
        let refuses = *self.refuses.lock().unwrap();
        if refuses == Some(kind) {
            let error = json!({ "code": "unauthorized", "message": "Unauthorized" });
            return talk.say(
                json!({ "id": id, "type": "result", "success": false, "error": error }).to_string(),
            );
        }
        let done =
            json!({ "id": id, "type": "result", "success": true, "result": null }).to_string();
        match kind {
            "ping" => talk.answer("pong", &json!({ "id": id, "type": "pong" }).to_string()),
            "subscribe_events" | "subscribe_trigger" => {
                let is_whole = said["event_type"] == "state_changed" || said["trigger"]["entity_id"] == "binary_sensor.door";
                talk.ask(is_whole, format!("what does it subscribe? {said}"));
                open.insert(id);
                talk.answer("subscribe", &done)?;
                talk.answer("event", &json!({ "id": id, "type": "event", "event": { "event_type": kind } }).to_string())
            }
            "unsubscribe_events" => {
                let was_open = said["subscription"].as_u64().is_some_and(|id| open.remove(&id));
                talk.ask(was_open, format!("no such subscription: {said}"));
                talk.say(done)
            }
            "get_states" => talk.say(json!({ "id": id, "type": "result", "success": true, "result": [] }).to_string()),
            _ => talk.say(json!({ "id": id, "type": "result", "success": false, "error": { "code": "unknown_command", "message": "Unknown command." } }).to_string()),
        }
    }
}

#[tokio::test]
async fn it_logs_in_and_each_subscription_is_routed_by_its_number() {
    let mut stage = RECIPE.play(Home::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    stage.routed("states", "subscribe_events").await;
    stage.routed("door", "subscribe_trigger").await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn its_pings_are_answered_by_their_number_and_are_no_messages() {
    let mut stage = RECIPE.play(Home::default(), Plan::default(), impatient);
    poll_until("three pongs", SOON, || stage.plan.passed("pong") >= 3).await;
    assert!(stage.handle.status().await.unwrap().rtt.is_some());
    stage.is_clean().await;
    let seen = stage.watch.seen().join("\n");
    assert!(seen.contains("auth_ok") && !seen.contains("pong"), "{seen}");
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn callers_share_its_growing_numbers() {
    let mut stage = RECIPE.play(Home::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    let asked = (0..50).map(|_| {
        stage
            .handle
            .request(Request::new(r#"{"id":7,"type":"get_states"}"#))
    });
    for answer in futures::future::join_all(asked).await {
        let answer = answer.unwrap();
        assert_eq!(
            answer.as_text(),
            Some(r#"{"id":7,"result":[],"success":true,"type":"result"}"#)
        );
    }
    let refused = stage
        .handle
        .request(Request::new(r#"{"id":7,"type":"nonsense"}"#))
        .await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("unknown_command"));
    stage.is_clean().await;
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["auth_required", "auth_ok", "subscribe", "event"];
    RECIPE.comes_back(Home::default(), &steps, &KEYS).await;
}

/// Home Assistant bans addresses with failed logins: there must be only one attempt.
#[tokio::test]
async fn a_refused_or_expired_token_fails_at_once() {
    let wrong = Recipe {
        variables: &[("HA_TOKEN", "old-s3cret")],
        ..RECIPE
    };
    let mut stage = wrong.play(Home::default(), Plan::default(), eager);
    stage.watch.failed().await;
    assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
    let status = stage.status().await;
    assert!(
        status.contains("Invalid access token or password"),
        "{status}"
    );
    assert_eq!(stage.world.sockets(), 1);
    stage.is_clean().await;
}

#[tokio::test]
async fn a_refused_subscription_is_told_and_asked_for_again() {
    let home = Home::default();
    *home.refuses.lock().unwrap() = Some("subscribe_trigger");
    let mut stage = RECIPE.play(home.clone(), Plan::default(), eager);
    stage.told_of("door", "refused", "unauthorized").await;
    *home.refuses.lock().unwrap() = None;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    let losses = [
        ("auth_required", "script_timeout"),
        ("auth_ok", "script_timeout"),
        ("pong", "pong_timeout"),
    ];
    let silent = Silent {
        losses: &losses,
        unanswered: ("subscribe", "states"),
        keys: &KEYS,
    };
    RECIPE.leaves_the_silent(Home::default(), silent).await;
}
