//! `everwire nodes`: the nodes of a cluster.

use std::{collections::BTreeMap, time::Duration};

use actix::System;
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure,
    client::{
        ApiArgs, Error, Request,
        cluster::{Cluster, Node, Trouble},
    },
    output,
    table::{Cell, Color, Column, Table},
    words,
};

/// How many moves the service lists at most.
const MOST_MOVES: usize = 256;

/// List the nodes of the cluster, as the node that answers sees it
///
/// Below the table stands what is not as it should be: free shards, moves that are under way, why the log cannot be read, and why the node
/// that answers last held nothing.
#[derive(Debug, Args)]
pub struct Nodes {
    /// Print the state of the cluster as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

impl Nodes {
    /// Lists them.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, or is no node of a cluster.
    pub fn execute(self) -> Result<(), Failure> {
        let answer: Value = System::new().block_on(async {
            let request = Request::get(&["cluster"]);
            self.api.client()?.read(request).await
        })?;
        if self.json {
            return output::print_json(&answer.to_string());
        }
        let cluster =
            Cluster::deserialize(answer).map_err(|error| Error::Answer(error.to_string()))?;
        let mut lines = vec![table(&cluster).render()];
        lines.extend(remarks(&cluster, Timestamp::now()));
        output::print(&lines.join("\n"))
    }
}

fn table(cluster: &Cluster) -> Table {
    let mut table = Table::new([
        Column::text("NODE"),
        Column::text("STATE"),
        Column::number("SHARDS"),
        Column::number("WEIGHT"),
        Column::text("LABELS"),
        Column::text("RENEWED"),
    ]);
    for node in &cluster.nodes {
        // Of itself the node knows more than the log has.
        let phase = (node.node == cluster.node).then_some(&*cluster.phase);
        table.push(row(node, phase));
    }
    table
}

fn row(node: &Node, phase: Option<&str>) -> [Cell; 6] {
    let state = phase.unwrap_or(node.state());
    let name = match phase.is_some() {
        true => format!("{} (answers)", node.node),
        false => node.node.clone(),
    };
    let labels = node.labels.iter();
    let labels: Vec<_> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let renewed = node.renewed_seconds_ago.and_then(span);
    [
        name.into(),
        Cell::colored(&words::one_line(state), color(state)),
        node.shards.to_string().into(),
        node.weight.to_string().into(),
        labels.join(",").into(),
        renewed
            .map_or_else(String::new, |span| format!("{span} ago"))
            .into(),
    ]
}

fn color(state: &str) -> Color {
    match state {
        "ready" => Color::Green,
        _ => Color::Yellow,
    }
}

fn span(seconds: f64) -> Option<String> {
    let span = Duration::try_from_secs_f64(seconds).ok()?;
    Some(words::span(span))
}

/// What is not as it should be.
fn remarks(cluster: &Cluster, now: Timestamp) -> Vec<String> {
    let mut remarks = Vec::new();
    if cluster.node(&cluster.node).is_none() {
        let (node, phase) = (&cluster.node, &cluster.phase);
        remarks.push(format!("{node} answers, and is no member: {phase}"));
    }
    if cluster.shards == 0 {
        remarks.push("the log has not begun, or is not read yet: nobody holds a shard".into());
    }
    if cluster.free > 0 {
        remarks.push(free(cluster.free));
    }
    remarks.extend(moves(cluster));
    if cluster.log.server.is_none() && !cluster.nodes.is_empty() {
        remarks.push("this is the state of the log when it was last read".into());
    }
    let has_joined = cluster.boot.is_some();
    if has_joined && cluster.lease_seconds.is_none() {
        let text = "the node that answers may not write: it saw no renewal of its lease in time";
        remarks.push(text.into());
    }
    match (&cluster.log.server, &cluster.log.error) {
        (None, Some(error)) => remarks.push(trouble("the log cannot be read", error, now)),
        (None, None) => remarks.push("the log is not read yet".into()),
        (Some(_), _) => {}
    }
    let differences = cluster.log.differences.iter();
    remarks.extend(differences.map(|text| format!("the log's stream: {text}")));
    let ended = cluster.ended.as_ref();
    let ended = ended.map(|ended| trouble("the node that answers last lost all", ended, now));
    remarks.extend(ended);
    remarks.iter().map(|line| words::printable(line)).collect()
}

fn free(shards: u64) -> String {
    match shards {
        1 => "1 shard is free: nobody holds its names".into(),
        _ => format!("{shards} shards are free: nobody holds their names"),
    }
}

fn trouble(what: &str, trouble: &Trouble, now: Timestamp) -> String {
    let ago = words::span(words::between(trouble.at, now));
    let text = words::one_line(&trouble.text);
    format!("{what}: {text} ({}, {ago} ago)", trouble.code)
}

/// Such as `12 shards move: a → b 7, c → b 5`.
fn moves(cluster: &Cluster) -> Option<String> {
    let mut ways: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for moved in &cluster.moves {
        *ways.entry((&moved.from_node, &moved.to_node)).or_default() += 1;
    }
    let all = match cluster.moves.len() {
        0 => return None,
        1 => "1 shard moves".into(),
        MOST_MOVES.. => format!("{MOST_MOVES} shards or more move"),
        count => format!("{count} shards move"),
    };
    let ways = ways
        .iter()
        .map(|((from, to), count)| format!("{from} → {to} {count}"));
    Some(format!("{all}: {}", ways.collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(cluster: Value) -> Vec<String> {
        let cluster = Cluster::deserialize(cluster).unwrap();
        let table = table(&cluster).render();
        let table = table.lines().map(str::to_owned);
        let now = "2026-01-02T03:04:10Z".parse().unwrap();
        table.chain(remarks(&cluster, now)).collect()
    }

    fn node(name: &str, shards: u64, state: &str) -> Value {
        json!({
            "node": name, "boot": name, "weight": 1, "labels": { "region": "eu", "disk": "ssd" }, "shards": shards,
            "is_settled": state != "settling", "drains": state == "draining", "renewed_seconds_ago": 3.4,
        })
    }

    #[test]
    fn nothing_stands_below_nodes_that_are_as_they_should_be() {
        let cluster = json!({
            "node": "b", "boot": "b", "phase": "ready", "ended": null, "lease_seconds": 9.5, "novel": 1,
            "log": { "server": "h:4222", "error": null, "read": 1, "differences": [] },
            "shards": 256, "free": 0, "names": 3, "nodes": [node("a", 128, "ready"), node("b", 128, "ready")], "moves": [],
        });
        let expected = [
            "NODE         STATE  SHARDS  WEIGHT  LABELS              RENEWED",
            "a            ready     128       1  disk=ssd,region=eu  3s ago",
            "b (answers)  ready     128       1  disk=ssd,region=eu  3s ago",
        ];
        assert_eq!(told(cluster), expected);
    }

    #[test]
    fn what_is_not_as_it_should_be_stands_below() {
        let move_of =
            |from: &str, to: &str| json!({ "shard": 1, "from_node": from, "to_node": to });
        let trouble = |code: &str, text: &str| json!({ "code": code, "text": text, "at": "2026-01-02T03:04:05Z", "is_now": true });
        let cluster = json!({
            "node": "a", "boot": "a", "phase": "draining", "ended": trouble("cluster_lease_lapsed", "the lease\nran out"), "lease_seconds": null,
            "log": { "server": null, "error": trouble("nats_unreachable", "no server answers"), "read": 1, "differences": ["1 replica"] },
            "shards": 256, "free": 3, "nodes": [node("a", 1, "draining"), node("b", 0, "settling")],
            "moves": [move_of("a", "b"), move_of("c", "b"), move_of("a", "b")],
        });
        let expected = [
            "NODE         STATE     SHARDS  WEIGHT  LABELS              RENEWED",
            "a (answers)  draining       1       1  disk=ssd,region=eu  3s ago",
            "b            settling       0       1  disk=ssd,region=eu  3s ago",
            "3 shards are free: nobody holds their names",
            "3 shards move: a → b 2, c → b 1",
            "this is the state of the log when it was last read",
            "the node that answers may not write: it saw no renewal of its lease in time",
            "the log cannot be read: no server answers (nats_unreachable, 5s ago)",
            "the log's stream: 1 replica",
            "the node that answers last lost all: the lease ran out (cluster_lease_lapsed, 5s ago)",
        ];
        assert_eq!(told(cluster), expected);
    }

    #[test]
    fn a_node_that_has_not_joined_says_so() {
        let cluster = json!({
            "node": "a", "boot": null, "phase": "reading", "ended": null, "lease_seconds": null,
            "log": { "server": null, "error": null, "read": 0, "differences": [] },
            "shards": 0, "free": 0, "nodes": [], "moves": [],
        });
        let expected = [
            "NODE  STATE  SHARDS  WEIGHT  LABELS  RENEWED",
            "a answers, and is no member: reading",
            "the log has not begun, or is not read yet: nobody holds a shard",
            "the log is not read yet",
        ];
        assert_eq!(told(cluster), expected);
    }
}
