//! An Ethereum node: its subscription ids end with their socket, and another node replaces one that
//! is down.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use everwire::{Request, SubscriptionWish, dialogue::Holder};
use serde_json::{Value, json};

use super::{
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "eth-subscribe",
    name: "eth",
    variables: &[
        ("ALCHEMY_KEY", "alchemy-s3cret"),
        ("INFURA_KEY", "infura-s3cret"),
    ],
    files: &[],
};
const KEYS: [&str; 2] = ["heads", "transfers"];
const HOSTS: [(&str, &str); 2] = [
    ("eth-mainnet.g.alchemy.com", "/v2/alchemy-s3cret"),
    ("mainnet.infura.io", "/ws/v3/infura-s3cret"),
];

#[derive(Clone, Default)]
struct Node {
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    /// The status of the first host, if it does not upgrade.
    down: Option<u16>,
    /// It refuses this kind of subscription.
    refuses: Option<&'static str>,
    unsubscribed: usize,
}

impl Servers for Node {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_known = HOSTS.contains(&(&*call.host, &*call.target));
        if !is_known {
            return Err(Answer::new(401, r#"{"error":"invalid project id"}"#));
        }
        let down = self.desk.lock().unwrap().down;
        match down.filter(|_| call.host == HOSTS[0].0) {
            Some(status) => Err(Answer::new(status, "")),
            None => Ok(None),
        }
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut open: HashMap<String, String> = HashMap::new();
        loop {
            let said = talk.hear()?;
            let id = said["id"].as_u64().unwrap_or_default();
            talk.ask(
                said["jsonrpc"] == "2.0" && id > 0,
                format!("no call: {said}"),
            );
            let result =
                |value: Value| json!({ "jsonrpc": "2.0", "id": id, "result": value }).to_string();
            let params = &said["params"];
            match said["method"].as_str() {
                Some("eth_subscribe") => {
                    let kind = params[0].as_str().unwrap_or_default().to_owned();
                    let is_whole = kind.starts_with("new") || params[1]["topics"].is_array();
                    talk.ask(is_whole, format!("what does it subscribe? {said}"));
                    let refuses = self.desk.lock().unwrap().refuses;
                    if refuses == Some(&kind) {
                        talk.say(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": "too many subscriptions" } }).to_string())?;
                        continue;
                    }
                    let sub = format!("0x{:x}{id:x}", 4096 + talk.number);
                    open.insert(sub.clone(), kind.clone());
                    talk.answer("subscribe", &result(json!(sub)))?;
                    talk.answer("event", &json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": { "subscription": sub, "result": { "kind": kind } } }).to_string())?;
                }
                Some("eth_unsubscribe") => {
                    let was_open = open.remove(params[0].as_str().unwrap_or_default()).is_some();
                    talk.ask(was_open, format!("no such subscription: {said}"));
                    self.desk.lock().unwrap().unsubscribed += 1;
                    talk.say(result(json!(was_open)))?;
                }
                Some("eth_blockNumber") => talk.say(result(json!("0x10d4f")))?,
                _ => talk.say(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" } }).to_string())?,
            }
        }
    }
}

#[tokio::test]
async fn each_subscription_is_routed_by_the_id_of_its_socket() {
    let node = Node::default();
    let mut stage = RECIPE.play(node.clone(), Plan::default(), eager);
    stage.active(&KEYS).await;
    stage.routed("heads", "newHeads").await;
    stage.routed("transfers", "logs").await;
    let answer = stage
        .handle
        .request(Request::new(
            r#"{"jsonrpc":"2.0","id":7,"method":"eth_blockNumber","params":[]}"#,
        ))
        .await
        .unwrap();
    assert!(
        answer.as_text().unwrap().contains(r#""id":7"#),
        "{answer:?}"
    );
    let wish = SubscriptionWish::of(json!(["newPendingTransactions"]));
    stage
        .handle
        .hold_subscription("pending", wish, Holder::Api)
        .await
        .unwrap();
    stage.routed("pending", "newPendingTransactions").await;
    stage
        .handle
        .release_subscription("pending", Holder::Api)
        .await
        .unwrap();
    poll_until("the end of one", SOON, || {
        node.desk.lock().unwrap().unsubscribed == 1
    })
    .await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
    assert_eq!(stage.world.dials()[0].host, HOSTS[0].0);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["subscribe", "event"];
    RECIPE.comes_back(Node::default(), &steps, &KEYS).await;
}

#[tokio::test]
async fn a_node_that_refuses_the_key_or_is_down_is_replaced_by_the_other() {
    for status in [401, 503] {
        let node = Node::default();
        node.desk.lock().unwrap().down = Some(status);
        let mut stage = RECIPE.play(node, Plan::default(), eager);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(&status.to_string()), "{error}");
        stage.active(&KEYS).await;
        stage.is_clean().await;
        let hosts: Vec<String> = stage
            .world
            .dials()
            .into_iter()
            .map(|dial| dial.host)
            .collect();
        assert_eq!(hosts, HOSTS.map(|(host, _)| host));
    }
}

#[tokio::test]
async fn a_refused_subscription_is_told_and_asked_for_again() {
    let node = Node::default();
    node.desk.lock().unwrap().refuses = Some("logs");
    let mut stage = RECIPE.play(node.clone(), Plan::default(), eager);
    stage
        .told_of("transfers", "refused", "too many subscriptions")
        .await;
    node.desk.lock().unwrap().refuses = None;
    stage.active(&KEYS).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_node_is_left_in_time() {
    for step in ["subscribe", "event"] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Node::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        let is_told = error.contains("pong_timeout") || error.contains("idle");
        assert!(is_told, "{step}: {error}");
        stage.sockets(2).await;
        stage.routed("transfers", "logs").await;
    }
}
