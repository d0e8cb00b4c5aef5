//! Servers that are frozen, and three that keep one log.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use async_nats::jetstream;
use everwire_proto::placement::LeaseSettings;
use tokio::time::{sleep, timeout};

use crate::{
    node::{Node, all_is_held, settings, until},
    server::{Server, free_port},
};

#[tokio::test]
async fn a_server_that_is_frozen_for_less_than_a_lease_ends_nothing() {
    let server = Server::start("frozen");
    let [a, b] = ["a", "b"].map(|name| Node::start("frozen", name, &server));
    all_is_held(&[&a, &b]).await;
    let before = (a.held(), b.held());
    server.freeze(true);
    until("both notice it", || {
        [&a, &b]
            .iter()
            .all(|node| node.status().log.server.is_none())
    })
    .await;
    server.freeze(false);
    until("both read again", || {
        [&a, &b]
            .iter()
            .all(|node| node.status().log.server.is_some())
    })
    .await;
    assert!(a.told.lock().ends.is_empty() && b.told.lock().ends.is_empty());
    assert_eq!((a.held(), b.held()), before);
}

/// How often the leader is killed.
fn kills() -> usize {
    let kills = std::env::var("EVERWIRE_CLUSTER_LEADERS").ok();
    kills.map_or(2, |kills| kills.parse().unwrap())
}

#[tokio::test]
async fn a_leader_of_three_that_is_killed_ends_nothing() {
    let mut three = Three::start("three");
    let node = |name: &str| {
        let mut settings = settings(name);
        settings.replicas = 3;
        // The servers take up to 12 s to have another leader.
        settings.lease = LeaseSettings::default();
        Node::over("three", settings, three.urls())
    };
    let nodes = ["a", "b", "c"].map(node);
    let all: Vec<&Node> = nodes.iter().collect();
    all_is_held(&all).await;
    let before: Vec<_> = all.iter().map(|node| node.held()).collect();
    for kill in 1..=kills() {
        let leader = three.leader().await;
        three.servers[leader].kill();
        until("another one leads, and all read from it", || {
            all.iter().all(|node| node.status().log.server.is_some())
        })
        .await;
        three.servers[leader].restart();
        three.is_whole().await;
        for node in &all {
            let told = node.told.lock();
            assert!(told.ends.is_empty(), "kill {kill}: {:?}", told.ends);
            assert!(node.lease.may_write());
        }
    }
    let after: Vec<_> = all.iter().map(|node| node.held()).collect();
    assert_eq!(after, before);
}

/// Three servers that keep the log.
struct Three {
    servers: Vec<Server>,
}

impl Three {
    fn start(test: &str) -> Self {
        assert!(
            Command::new("nats-server")
                .arg("--version")
                .output()
                .is_ok()
        );
        let ports = [free_port(), free_port(), free_port()];
        let routes = ports
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .join(", ");
        let server = |number: usize| {
            let port = ports[number];
            let config = format!(
                "server_name: n{number}\n\
                 jetstream {{ store_dir: \"FOLDER/jetstream\" }}\n\
                 cluster {{ name: c, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}"
            );
            Server::start_with(&format!("{test}-{number}"), &config)
        };
        Self {
            servers: (0..ports.len()).map(server).collect(),
        }
    }

    fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    async fn info(&self) -> Option<jetstream::stream::Info> {
        let asking = async {
            let client = async_nats::connect(self.urls()).await.ok()?;
            let stream = jetstream::new(client)
                .get_stream("EVERWIRE_PLACES")
                .await
                .ok()?;
            Some(stream.cached_info().clone())
        };
        timeout(Duration::from_secs(2), asking).await.ok()?
    }

    /// The number of the server that leads the log.
    async fn leader(&self) -> usize {
        self.cluster(|cluster| cluster.leader.is_some())
            .await
            .leader
            .unwrap()[1..]
            .parse()
            .unwrap()
    }

    /// Waits until all servers have all of the log: only then another one may be lost.
    async fn is_whole(&self) {
        self.cluster(|cluster| {
            let others = &cluster.replicas;
            others.len() == 2 && others.iter().all(|peer| peer.current && !peer.offline)
        })
        .await;
    }

    async fn cluster(
        &self,
        is_so: impl Fn(&jetstream::stream::ClusterInfo) -> bool,
    ) -> jetstream::stream::ClusterInfo {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let cluster = self.info().await.and_then(|info| info.cluster);
            if let Some(cluster) = cluster.filter(&is_so) {
                return cluster;
            }
            assert!(
                Instant::now() < deadline,
                "the log's servers are not as they should be"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}
