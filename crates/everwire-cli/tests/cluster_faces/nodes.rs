//! Nodes of a cluster with the shortest lease.

use std::{
    thread,
    time::{Duration, Instant},
};

use everwire::testing::Peer;
use serde_json::Value;

use crate::{
    nats_server::{Server, tempdir},
    service_support::http::Service,
};

/// The names. They are in 14 of 16 shards, so each of two nodes that have 8 shards has some of them.
pub const NAMES: [&str; 16] = [
    "n-1", "n-2", "n-3", "n-4", "n-5", "n-6", "n-7", "n-8", "n-9", "n-10", "n-11", "n-12", "n-13",
    "n-14", "n-15", "n-16",
];
/// How long it may take until all is held, or until a lease has run out.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a node, which has all names in its file. Their peer answers nothing once a socket is open, so each close, and
/// each move with it, lasts for `close_timeout`.
pub fn node(name: &str, peer: &Peer, server: &Server) -> Service {
    let state = tempdir(&format!("faces-{name}"));
    let mut keys = format!(
        "state_dir = '{}'\n[nats]\nservers = ['{}']\nin = {{}}\n\
         [cluster]\nnode = '{name}'\nshards = 16\nlease = '15800ms'\nmargin = '500ms'\nmoves = '10/s'\n\
         labels = {{ region = 'eu' }}\n",
        state.display(),
        server.url()
    );
    for name in NAMES {
        keys.push_str(&format!(
            "[connections.{name}]\nurl = '{}'\n",
            peer.url("/silent")
        ));
    }
    Service::start(&format!("faces-{name}"), &keys)
}

/// Waits until it is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

pub fn cluster(node: &Service) -> Value {
    let answer = node.get("/v1/cluster");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Waits until both nodes have their share, and both know it.
pub fn all_is_held(nodes: &[&Service]) {
    for node in nodes {
        let mut last = Value::Null;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let members = last["nodes"].as_array().cloned().unwrap_or_default();
            let has_share = |node: &Value| node["shards"] == 8 && node["is_settled"] == true;
            if members.len() == nodes.len()
                && members.iter().all(has_share)
                && last["moves"] == serde_json::json!([])
            {
                break;
            }
            assert!(Instant::now() < deadline, "not all is held: {last}");
            thread::sleep(Duration::from_millis(50));
            last = cluster(node);
        }
    }
}
