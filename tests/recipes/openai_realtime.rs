//! OpenAI Realtime: a session begins with its socket, is configured, and ends with the socket.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use everwire::State;

use super::{
    peer::Gone,
    plan::{CUTS, Mishap, Plan},
    stage::{Recipe, eager, impatient},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "openai-realtime",
    name: "call-1",
    variables: &[("OPENAI_API_KEY", "sk-s3cret-key")],
    files: &[],
};

#[derive(Clone, Default)]
struct OpenAi {
    /// Whether the key has expired.
    has_expired: Arc<AtomicBool>,
}

impl OpenAi {
    fn expires(&self) {
        self.has_expired.store(true, Ordering::Relaxed);
    }
}

const CREATED: &str = r#"{"type":"session.created","event_id":"e1","session":{"id":"sess_1","object":"realtime.session"}}"#;
const UPDATED: &str = r#"{"type":"session.updated","event_id":"e2","session":{"id":"sess_1","instructions":"Be brief."}}"#;
const REFUSED: &str = r#"{"type":"error","event_id":"e3","error":{"type":"invalid_request_error","code":"invalid_value","message":"Invalid value"}}"#;

impl Servers for OpenAi {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "api.openai.com"
            && call.path() == "/v1/realtime"
            && call.query("model") == "gpt-realtime";
        if !is_right {
            return Err(Answer::new(404, ""));
        }
        let is_good = !self.has_expired.load(Ordering::Relaxed);
        match is_good && call.header("authorization") == "Bearer sk-s3cret-key" {
            true => Ok(None),
            false => Err(Answer::new(401, r#"{"error":{"code":"invalid_api_key"}}"#)),
        }
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        talk.answer("created", CREATED)?;
        let said = talk.hear()?;
        let session = &said["session"];
        talk.ask(
            said["type"] == "session.update" && session["type"] == "realtime",
            format!("no session.update of the type realtime: {said}"),
        );
        talk.answer("updated", UPDATED)?;
        loop {
            let said = talk.hear()?;
            match said["type"].as_str() {
                Some("response.create") => {
                    talk.answer("response", r#"{"type":"response.created","event_id":"e4"}"#)?;
                }
                Some("conversation.item.create") => {}
                _ => talk.say(REFUSED)?,
            }
        }
    }
}

#[tokio::test]
async fn it_is_ready_when_the_session_is_set() {
    let mut stage = RECIPE.play(OpenAi::default(), Plan::default(), eager);
    stage.watch.ready().await;
    assert_eq!(stage.plan.passed("updated"), 1);
    stage.handle.send(r#"{"type":"response.create"}"#).unwrap();
    stage
        .watch
        .text(r#"{"type":"response.created","event_id":"e4"}"#)
        .await;
    // An error after the script is a message, not a loss.
    stage.handle.send(r#"{"type":"nonsense"}"#).unwrap();
    stage.watch.text(REFUSED).await;
    stage.open().await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

/// Asserts that no other session replaces a lost one: its conversation would be missing.
async fn ends_for_good(plan: Plan, told: &str) {
    let step = format!("{:?}", plan.left());
    let mut stage = RECIPE.play(OpenAi::default(), plan, impatient);
    if step.contains("response") {
        stage.watch.ready().await;
        stage.handle.send(r#"{"type":"response.create"}"#).unwrap();
    }
    let failed = stage.watch.failed().await;
    assert_eq!(failed.rule.to_string(), "reconnect = \"never\"", "{step}");
    assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
    let status = stage.status().await;
    assert!(status.contains(told), "{step}: {status}");
    assert_eq!(stage.world.dials().len(), 1, "{step}");
    stage.is_clean().await;
}

#[tokio::test]
async fn a_cut_before_within_and_behind_each_step_ends_the_call() {
    for step in ["created", "updated", "response"] {
        for cut in CUTS {
            ends_for_good(Plan::of([(step, cut)]), "").await;
        }
    }
}

#[tokio::test]
async fn a_refusal_of_each_step_is_told_with_what_the_server_said() {
    for step in ["created", "updated"] {
        let refusal = Mishap::Says(200, REFUSED.into());
        ends_for_good(Plan::of([(step, refusal)]), "invalid_value").await;
    }
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [
        ("created", "script_timeout"),
        ("updated", "script_timeout"),
        ("response", "pong_timeout"),
    ] {
        ends_for_good(Plan::of([(step, Mishap::Silence)]), told).await;
    }
}

/// A running call continues after its key expires; the next call is refused, and reports why. The
/// user must create another key.
#[tokio::test]
async fn a_key_that_has_expired_ends_no_call_and_begins_none() {
    let openai = OpenAi::default();
    let mut stage = RECIPE.play(openai.clone(), Plan::default(), eager);
    stage.watch.ready().await;
    openai.expires();
    stage.handle.send(r#"{"type":"response.create"}"#).unwrap();
    stage
        .watch
        .text(r#"{"type":"response.created","event_id":"e4"}"#)
        .await;
    stage.handle.close(1000, "").await.unwrap();
    stage.handle.connect(None).await.unwrap();
    stage.watch.failed().await;
    let status = stage.status().await;
    assert!(status.contains("401"), "{status}");
    assert_eq!((stage.world.dials().len(), stage.world.sockets()), (2, 1));
    stage.is_clean().await;
}

#[tokio::test]
async fn a_refused_key_is_told_and_not_tried_again() {
    let wrong = Recipe {
        variables: &[("OPENAI_API_KEY", "wr0ng-s3cret")],
        ..RECIPE
    };
    let mut stage = wrong.play(OpenAi::default(), Plan::default(), eager);
    stage.watch.failed().await;
    let status = stage.status().await;
    assert!(status.contains("401"), "{status}");
    assert_eq!(stage.world.dials().len(), 1);
    stage.is_clean().await;
}
