//! A node: a process of the program.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{
    LEASE, MARGIN,
    http::{ask, seen},
    program, until,
};
use crate::nats::free_port;

/// How many shards each cluster has.
pub const SHARDS: usize = 256;
/// How many handshakes a node may have in flight.
pub const PLACES: usize = 64;

/// What all nodes of a cluster have in their files.
#[derive(Clone)]
pub struct Setup {
    /// The servers of NATS, and how many copies of the log they keep.
    pub servers: Vec<String>,
    /// The URL of the peer.
    pub peer: String,
    pub names: usize,
    /// How long a handshake takes at the peer, in milliseconds.
    pub delay: u64,
    /// Between two messages of a socket, in microseconds. If there are any, they are published.
    pub micros: u64,
    /// The most names that move in a second.
    pub moves: usize,
}

impl Setup {
    /// The file of a node.
    fn file(&self, node: &str, port: u16, folder: &str) -> String {
        let Self {
            servers,
            peer,
            names,
            delay,
            micros,
            moves,
        } = self;
        let host = peer.trim_start_matches("ws://");
        let publishes = if *micros > 0 { "in = {}" } else { "" };
        let (lease, margin) = (LEASE.as_millis(), MARGIN.as_millis());
        let replicas = servers.len();
        format!(
            "schema_version = 1\n\
             [service]\nlisten = '127.0.0.1:{port}'\nstate_dir = '{folder}'\nmax_handshakes = {PLACES}\n\
             [service.hosts.'{host}']\nmax_handshakes = {PLACES}\n\
             [nats]\nservers = {servers:?}\n{publishes}\n\
             [cluster]\nnode = '{node}'\nshards = {SHARDS}\nlease = '{lease}ms'\nmargin = '{margin}ms'\n\
             moves = '{moves}/s'\nreplicas = {replicas}\n\
             [fleet.n]\nrange = [1, {names}]\nname = 'n{{i}}'\n\
             url = '{peer}/names/n{{i}}?delay={delay}&micros={micros}'\n"
        )
    }

    /// Starts nodes at once, and waits until they hold their shares and all names are open once.
    pub fn start<const N: usize>(&self, nodes: [&str; N]) -> [Node; N] {
        let nodes = nodes.map(|node| Node::start(node, self));
        self.is_held(&nodes.each_ref());
        nodes
    }

    /// Waits until these nodes hold their shares, nothing moves, and all names are open once.
    pub fn is_held(&self, nodes: &[&Node]) {
        let is_held = |cluster: &Value| {
            let all = cluster["nodes"].as_array().map_or(&[][..], Vec::as_slice);
            let has_share = |node: &Value| node["shards"].as_u64() >= share(all.len());
            let is_still = cluster["moves"].as_array().is_some_and(Vec::is_empty);
            all.len() == nodes.len()
                && all.iter().all(has_share)
                && is_still
                && cluster["free"] == 0
        };
        until("all is held", || {
            let all = nodes
                .iter()
                .all(|node| node.cluster().is_some_and(|now| is_held(&now)));
            all.then_some(())
        });
        until("all names are open once", || {
            let seen = seen(&self.peer);
            (seen.open == self.names as u64 && seen.twice == 0).then_some(())
        });
    }
}

/// The fewest shards of one of so many nodes.
fn share(nodes: usize) -> Option<u64> {
    SHARDS.checked_div(nodes).map(|share| share as u64)
}

/// A process of a node. It ends with this value.
pub struct Node {
    pub name: String,
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn start(name: &str, setup: &Setup) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("everwire-benches-{name}-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        let file = setup.file(name, port, &folder.join("state").display().to_string());
        fs::write(folder.join("everwire.toml"), file).expect("a file");
        let mut node = Self {
            name: name.to_owned(),
            port,
            folder,
            child: None,
        };
        node.restart();
        node
    }

    /// Starts it where it was.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn restart(&mut self) {
        self.kill();
        let log = File::create(self.folder.join("log")).expect("a file");
        let child = Command::new(program())
            .args(["run", "everwire.toml"])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("everwire"));
        until("the node answers", || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok());
            if let Some(Some(status)) = ended {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("{} has ended, {status}: {log}", self.name);
            }
            self.cluster()
        });
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }

    /// The cluster, as this node sees it.
    pub fn cluster(&self) -> Option<Value> {
        ask(self.port, "GET", "/v1/cluster")
    }

    /// The number of the last record of the log that it has read.
    pub fn records(&self) -> Option<u64> {
        self.cluster()?["log"]["read"].as_u64()
    }

    /// Asks this node to have another one give away what it has.
    ///
    /// # Panics
    ///
    /// If it does not take the request.
    pub fn drain(&self, node: &str) {
        let path = format!("/v1/cluster/nodes/{node}/drain");
        ask(self.port, "POST", &path).expect("an answer");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}
