//! graphql-transport-ws: an init first, operations with ids of our choice, and pings in both
//! directions.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use everwire::State;
use serde_json::json;

use super::{
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, impatient},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "graphql-ws",
    name: "graphql",
    variables: &[("GQL_HOST", "api.example"), ("GQL_TOKEN", "gql-s3cret")],
    files: &[],
};

#[derive(Clone, Default)]
struct GraphQl {
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    /// The code with which the first socket closes instead of the ack.
    closes: Option<u16>,
    /// It refuses operations.
    refuses: bool,
    /// It completes the first operation.
    completes: bool,
    /// The number of received pongs.
    pongs: usize,
}

impl Servers for GraphQl {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        if call.host != "api.example" || call.target != "/graphql" {
            return Err(Answer::new(404, ""));
        }
        match call.header("sec-websocket-protocol") == "graphql-transport-ws" {
            true => Ok(Some("graphql-transport-ws".into())),
            false => Err(Answer::new(400, "")),
        }
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let said = talk.hear()?;
        talk.ask(
            said["type"] == "connection_init",
            format!("no init: {said}"),
        );
        let closes = self.desk.lock().unwrap().closes.take();
        if let Some(code) = closes {
            return Err(talk.close(code));
        }
        if said["payload"]["token"] != "gql-s3cret" {
            return Err(talk.close(4403));
        }
        talk.answer("ack", r#"{"type":"connection_ack"}"#)?;
        talk.answer("ping", r#"{"type":"ping"}"#)?;
        let mut operations = HashSet::new();
        loop {
            let said = talk.hear()?;
            let id = said["id"].as_str().unwrap_or_default().to_owned();
            match said["type"].as_str() {
                Some("ping") => talk.answer("pong", r#"{"type":"pong"}"#)?,
                Some("pong") => self.desk.lock().unwrap().pongs += 1,
                Some("subscribe") => {
                    let query = said["payload"]["query"].as_str().unwrap_or_default();
                    talk.ask(
                        query.starts_with("subscription"),
                        format!("no query: {said}"),
                    );
                    if !operations.insert(id.clone()) {
                        talk.fault(format!("subscriber {id} exists"));
                        return Err(talk.close(4409));
                    }
                    let (refuses, completes) = {
                        let mut desk = self.desk.lock().unwrap();
                        (desk.refuses, std::mem::take(&mut desk.completes))
                    };
                    if refuses {
                        operations.remove(&id);
                        talk.say(json!({ "id": id, "type": "error", "payload": [{ "message": "not for you" }] }).to_string())?;
                        continue;
                    }
                    let next = json!({ "id": id, "type": "next", "payload": { "data": { "trades": {} } } });
                    talk.answer("next", &next.to_string())?;
                    if completes {
                        operations.remove(&id);
                        talk.say(json!({ "id": id, "type": "complete" }).to_string())?;
                    }
                }
                Some("complete") => drop(operations.remove(&id)),
                _ => {
                    talk.fault(format!("it does not know: {said}"));
                    return Err(talk.close(4400));
                }
            }
        }
    }
}

#[tokio::test]
async fn operations_are_active_and_routed_and_pings_are_answered() {
    let graphql = GraphQl::default();
    let mut stage = RECIPE.play(graphql.clone(), Plan::default(), eager);
    stage.active(&["trades"]).await;
    stage.routed("trades", "next").await;
    assert_eq!(graphql.desk.lock().unwrap().pongs, 1);
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["ack", "ping", "next"];
    RECIPE
        .comes_back(GraphQl::default(), &steps, &["trades"])
        .await;
}

#[tokio::test]
async fn what_the_protocol_calls_fatal_fails() {
    for code in [4400, 4401, 4409, 4429, 4500] {
        let graphql = GraphQl::default();
        graphql.desk.lock().unwrap().closes = Some(code);
        let mut stage = RECIPE.play(graphql, Plan::default(), eager);
        stage.watch.failed().await;
        assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
        assert_eq!(stage.world.sockets(), 1, "{code}");
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_token_that_has_expired_and_a_slow_start_are_tried_again() {
    for code in [4403, 4408, 4499, 1012] {
        let graphql = GraphQl::default();
        graphql.desk.lock().unwrap().closes = Some(code);
        let mut stage = RECIPE.play(graphql, Plan::default(), eager);
        stage.active(&["trades"]).await;
        assert_eq!(stage.world.sockets(), 2, "{code}");
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_refused_operation_is_told_and_asked_for_again() {
    let graphql = GraphQl::default();
    graphql.desk.lock().unwrap().refuses = true;
    let mut stage = RECIPE.play(graphql.clone(), Plan::default(), eager);
    stage.told_of("trades", "refused", "not for you").await;
    graphql.desk.lock().unwrap().refuses = false;
    stage.routed("trades", "next").await;
    stage.active(&["trades"]).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn an_operation_that_the_server_ends_is_told_and_begun_again() {
    let graphql = GraphQl::default();
    graphql.desk.lock().unwrap().completes = true;
    let mut stage = RECIPE.play(graphql, Plan::default(), eager);
    stage.told_of("trades", "ended", "").await;
    stage.routed("trades", "next").await;
    stage.active(&["trades"]).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [
        ("ack", "script_timeout"),
        ("pong", "pong_timeout"),
        ("next", "pong_timeout"),
    ] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(GraphQl::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.sockets(2).await;
        stage.active(&["trades"]).await;
        stage.is_clean().await;
    }
}
