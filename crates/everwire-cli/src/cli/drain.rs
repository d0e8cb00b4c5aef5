//! `everwire drain`: a node gives away what it has.

use std::time::Duration;

use actix::System;
use clap::Args;
use everwire::ConnectionName;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    Failure,
    client::{ApiArgs, Client, Error, Request, cluster::Cluster},
    output, parse, stderr, words,
};

/// How often the cluster is looked at.
const EVERY: Duration = Duration::from_millis(300);
/// For how long the service may be away meanwhile.
const AWAY: Duration = Duration::from_secs(30);

/// Have a node of the cluster give its names to the others, so that it can be stopped
///
/// The node gives away its shards and is given no more until everwire is started again on it. Progress is shown on standard error until it
/// has none. Any node of the cluster can be asked.
#[derive(Debug, Args)]
pub struct Drain {
    /// The name of the node
    #[arg(value_parser = parse::name)]
    node: ConnectionName,

    /// Return when the cluster knows it, and do not wait for the moves
    #[arg(long)]
    no_wait: bool,

    /// Wait for at most so long
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse::duration, conflicts_with = "no_wait")]
    within: Duration,

    /// Print the state of the cluster at the end as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

/// How far a node has come.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// It has so many shards.
    Left(u64),
    /// It has none.
    Done,
    /// Its boot has ended.
    Gone,
    /// The node was started again, so it no longer drains.
    BegunAnew,
}

impl Drain {
    /// Drains it.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, there is no such node, or it still has shards when
    /// the time is over.
    pub fn execute(self) -> Result<(), Failure> {
        let answer = System::new().block_on(async {
            let client = self.api.client()?;
            let path = ["cluster", "nodes", self.node.as_str(), "drain"];
            let answer: Value = client.read(Request::post(&path)).await?;
            match self.no_wait {
                true => Ok::<_, Failure>(answer),
                false => self.wait(&client, answer).await,
            }
        })?;
        if self.json {
            return output::print_json(&answer.to_string());
        }
        let node = &self.node;
        match self.no_wait {
            true => output::print(&format!("{node} drains")),
            false => output::print(&format!("{node} has no shard: it can be stopped")),
        }
    }

    async fn wait(&self, client: &Client, first: Value) -> Result<Value, Failure> {
        let node = self.node.as_str();
        let until = Instant::now() + self.within;
        let boot = read(&first)?.node(node).map(|node| node.boot.clone());
        let (mut answer, mut told) = (first, None);
        loop {
            let cluster = read(&answer)?;
            let left = match progress(&cluster, node, boot.as_deref()) {
                Progress::Done => return Ok(answer),
                Progress::Gone => {
                    stderr::complain(&format!("{node} has left the cluster"));
                    return Ok(answer);
                }
                Progress::BegunAnew => {
                    let text = format!("{node} was started again, so it no longer drains");
                    return Err(Failure::Undone(text));
                }
                Progress::Left(left) => left,
            };
            let line = line(&cluster, node, left);
            if told.as_ref() != Some(&line) {
                stderr::complain(&line);
                told = Some(line);
            }
            if Instant::now() >= until {
                return Err(Failure::Undone(format!(
                    "{node} still has {} after {}; it goes on draining",
                    words::count(left, "shard"),
                    words::limit(self.within),
                )));
            }
            sleep(EVERY).await;
            answer = look(client).await?;
        }
    }
}

/// Looks at the cluster. The service may be away for a while.
async fn look(client: &Client) -> Result<Value, Error> {
    let until = Instant::now() + AWAY;
    loop {
        match client.read(Request::get(&["cluster"])).await {
            Err(error) if error.may_pass() && Instant::now() < until => sleep(EVERY).await,
            answer => return answer,
        }
    }
}

fn read(answer: &Value) -> Result<Cluster, Error> {
    Cluster::deserialize(answer).map_err(|error| Error::Answer(error.to_string()))
}

fn progress(cluster: &Cluster, node: &str, boot: Option<&str>) -> Progress {
    match cluster.node(node) {
        None => Progress::Gone,
        Some(node) if !node.drains && Some(&*node.boot) != boot => Progress::BegunAnew,
        Some(node) if node.shards == 0 => Progress::Done,
        Some(node) => Progress::Left(node.shards),
    }
}

/// Such as `a: 85 shards left`.
fn line(cluster: &Cluster, node: &str, left: u64) -> String {
    let others = cluster.nodes.iter();
    let mut others = others.filter(|other| other.node != node && other.state() == "ready");
    let left = words::count(left, "shard");
    match others.next() {
        Some(_) => format!("{node}: {left} left"),
        None => format!("{node}: {left} left, and no other node is ready to take them"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(nodes: &[(&str, &str, u64, bool)]) -> Cluster {
        let nodes = nodes.iter().map(|(node, boot, shards, drains)| {
            json!({
                "node": node, "boot": boot, "weight": 1, "labels": {}, "shards": shards,
                "is_settled": true, "drains": drains, "renewed_seconds_ago": null,
            })
        });
        let nodes: Vec<_> = nodes.collect();
        read(&json!({
            "node": "b", "phase": "ready", "log": { "server": null }, "shards": 256, "free": 0, "nodes": nodes,
        }))
        .unwrap()
    }

    #[test]
    fn a_node_is_drained_when_it_has_nothing_or_is_gone() {
        let at = |nodes| progress(&cluster(nodes), "a", Some("1"));
        assert_eq!(at(&[("a", "1", 85, true)]), Progress::Left(85));
        assert_eq!(
            at(&[("a", "1", 0, true), ("b", "2", 9, false)]),
            Progress::Done
        );
        assert_eq!(at(&[("b", "2", 9, false)]), Progress::Gone);
        assert_eq!(at(&[("a", "3", 0, false)]), Progress::BegunAnew);
        assert_eq!(at(&[("a", "3", 4, true)]), Progress::Left(4));
    }

    #[test]
    fn it_is_told_when_nobody_can_take_the_shards() {
        let at = |nodes, left| line(&cluster(nodes), "a", left);
        let two = [("a", "1", 85, true), ("b", "2", 9, false)];
        assert_eq!(at(&two, 85), "a: 85 shards left");
        assert_eq!(
            at(&two[..1], 1),
            "a: 1 shard left, and no other node is ready to take them"
        );
    }
}
