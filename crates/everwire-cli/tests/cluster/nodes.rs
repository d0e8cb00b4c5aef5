//! Nodes of a cluster, and the names that they share.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use everwire::testing::Peer;
use serde_json::Value;

use crate::{
    nats_server::{Server, tempdir},
    service_support::http::Service,
};

/// The shortest lease that is allowed with this margin.
pub const LEASE: Duration = Duration::from_millis(15_800);
pub const MARGIN: Duration = Duration::from_millis(500);

/// Names, each with a path of its own at one peer.
pub struct Names {
    peer: Peer,
    names: Vec<String>,
}

impl Names {
    pub fn new(count: usize) -> Self {
        Self {
            peer: Peer::spawn_thread().unwrap(),
            names: (0..count).map(|number| format!("n{number}")).collect(),
        }
    }

    /// Their tables in the file.
    fn toml(&self) -> String {
        let table = |name: &String| {
            let url = self.peer.url("/echo");
            format!(
                "[connections.{name}]\nurl = '{url}?{name}'\nheartbeat = {{ interval = '1s' }}\n"
            )
        };
        self.names.iter().map(table).collect()
    }

    /// How many sockets of a name are open.
    pub fn open(&self, name: &str) -> usize {
        let of_name = self.sockets(name);
        of_name.iter().filter(|socket| socket.is_open()).count()
    }

    fn sockets(&self, name: &str) -> Vec<everwire::testing::ConnectionLog> {
        let mut all = self.peer.connections();
        all.retain(|socket| {
            let target = socket.request.as_ref().map(|request| request.target());
            target.is_some_and(|target| target.ends_with(&format!("?{name}")))
        });
        all
    }

    /// Waits until each name has exactly one socket.
    pub fn each_is_open_once(&self, when: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let wrong = self.names.iter().filter(|name| self.open(name) != 1);
            let wrong: Vec<_> = wrong.map(|name| (name, self.open(name))).collect();
            if wrong.is_empty() {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{when}: {wrong:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many frames were written to the first socket of each of these names.
    pub fn written(&self, names: &BTreeSet<String>) -> Vec<u64> {
        let first = |name: &String| {
            let sockets = self.sockets(name);
            let first = sockets.first().unwrap();
            first.message_count + first.ping_count + first.pong_count
        };
        names.iter().map(first).collect()
    }

    /// What was sent over the first socket of each of these names.
    pub fn texts(&self, names: &BTreeSet<String>) -> Vec<Vec<String>> {
        let first = |name: &String| {
            let sockets = self.sockets(name);
            let open = sockets.iter().find(|socket| socket.is_open()).unwrap();
            open.texts().into_iter().map(str::to_owned).collect()
        };
        names.iter().map(first).collect()
    }

    /// The epoch of each name, by the node that has it.
    pub fn epochs(&self, nodes: &[Node]) -> BTreeMap<String, u64> {
        let all = nodes.iter().flat_map(Node::epochs);
        let epochs: BTreeMap<_, _> = all.collect();
        assert_eq!(epochs.len(), self.names.len());
        epochs
    }
}

/// A process of a node.
pub struct Node {
    test: String,
    keys: String,
    service: Option<Service>,
}

impl Node {
    pub fn start(test: &str, node: &str, server: &Server, names: &Names) -> Self {
        Self::with(test, node, server, &names.toml())
    }

    /// A node with these names, in TOML.
    pub fn with(test: &str, node: &str, server: &Server, names: &str) -> Self {
        let folder = tempdir(&format!("cluster-{test}-{node}"));
        let (url, folder) = (server.url(), folder.display());
        let (lease, margin) = (LEASE.as_millis(), MARGIN.as_millis());
        let keys = format!(
            "state_dir = '{folder}'\n\
             [nats]\nservers = ['{url}']\n\
             [cluster]\nnode = '{node}'\nshards = 16\nlease = '{lease}ms'\nmargin = '{margin}ms'\n\
             {names}"
        );
        let mut node = Self {
            test: format!("cluster-{test}-{node}"),
            keys,
            service: None,
        };
        node.restart();
        node
    }

    pub fn restart(&mut self) {
        self.service = Some(Service::start(&self.test, &self.keys));
    }

    /// Changes its file, and reloads it.
    pub fn reload_with(&mut self, from: &str, to: &str) -> Value {
        assert!(self.keys.contains(from), "{}", self.keys);
        self.keys = self.keys.replace(from, to);
        Service::configure(&self.test, &self.keys);
        self.service().post("/v1/reload", "").json()
    }

    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    pub fn kill(&mut self) {
        self.service.take().expect("it runs").kill();
    }

    pub fn signal(&self, signal: &str) {
        self.service().running.signal(signal);
    }

    /// The cluster, as this node sees it.
    pub fn cluster(&self) -> Value {
        self.service().get("/v1/cluster").json()
    }

    fn connections(&self) -> Vec<Value> {
        let list = self.service().get("/v1/connections?limit=1000").json();
        list["connections"].as_array().unwrap().clone()
    }

    /// The names that are open here.
    pub fn names(&self) -> BTreeSet<String> {
        let all = self.connections();
        let name = |status: &Value| status["name"].as_str().unwrap().to_owned();
        let is_here = |name: &String| {
            let found = self.service().get(&format!("/v1/cluster/names/{name}"));
            found.json()["is_here"] == true
        };
        all.iter().map(name).filter(is_here).collect()
    }

    pub fn state(&self, name: &str) -> String {
        let status = self.service().get(&format!("/v1/connections/{name}"));
        status.json()["state"].as_str().unwrap().to_owned()
    }

    fn epochs(&self) -> Vec<(String, u64)> {
        let all = self.connections();
        let epoch = |status: &Value| {
            let name = status["name"].as_str().unwrap().to_owned();
            (name, status["epoch"].as_u64().unwrap())
        };
        all.iter().map(epoch).collect()
    }
}

/// Waits until each node has its share of the shards, and nothing moves.
pub fn have_their_shares(nodes: &[Node]) {
    let share = 16 / nodes.len() as u64;
    let mut last = Value::Null;
    let has_share = |cluster: &Value| {
        let all = cluster["nodes"].as_array().unwrap();
        all.len() == nodes.len()
            && all
                .iter()
                .all(|node| node["shards"].as_u64() >= Some(share))
            && cluster["moves"] == serde_json::json!([])
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !nodes.iter().all(|node| {
        last = node.cluster();
        has_share(&last)
    }) {
        assert!(std::time::Instant::now() < deadline, "{last:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
