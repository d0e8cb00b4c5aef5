//! Three servers of NATS that keep the same streams.

use std::time::Duration;

use async_nats::jetstream::{self, stream::Info};
use tokio::time::timeout;

use super::until;
use crate::nats::{Server, free_port};

/// The log of a cluster.
pub const LOG: &str = "EVERWIRE_PLACES";
/// How long an answer about a stream may take.
const ANSWER: Duration = Duration::from_secs(2);

/// Three servers.
pub struct Three {
    servers: [Server; 3],
    runtime: tokio::runtime::Runtime,
}

impl Three {
    /// Starts them. They are one cluster after some seconds; nodes wait for it.
    ///
    /// # Panics
    ///
    /// If one does not listen.
    pub fn start() -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let routes = ports
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .join(",");
        let server = |number: usize| {
            let (name, listen) = (
                format!("n{number}"),
                format!("nats://127.0.0.1:{}", ports[number]),
            );
            let more = [
                ["--name", &name],
                ["--cluster_name", "c"],
                ["--cluster", &listen],
                ["--routes", &routes],
            ];
            Server::start_with(more.concat().into_iter().map(str::to_owned).collect())
        };
        Self {
            servers: [server(0), server(1), server(2)],
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    pub fn urls(&self) -> Vec<String> {
        self.servers
            .iter()
            .map(|server| server.url.clone())
            .collect()
    }

    /// Kills the server that leads the log. Which one.
    ///
    /// # Panics
    ///
    /// If the log has no leader for long.
    pub fn kill_leader(&mut self) -> usize {
        let leader = until("the log has a leader", || self.leader());
        self.servers[leader].kill();
        leader
    }

    /// Which server leads the log now.
    pub fn leader(&self) -> Option<usize> {
        self.info()?
            .cluster?
            .leader?
            .strip_prefix('n')?
            .parse()
            .ok()
    }

    /// Starts a server again.
    ///
    /// # Panics
    ///
    /// If it does not listen.
    pub fn restart(&mut self, server: usize) {
        self.servers[server].restart();
    }

    /// Waits until all servers have all of the log: only then one may be killed.
    ///
    /// # Panics
    ///
    /// If it takes too long.
    pub fn are_whole(&self) {
        until("all servers have all of the log", || {
            let cluster = self.info()?.cluster?;
            let others = cluster.replicas.iter();
            let whole = others.filter(|other| other.current && !other.offline);
            (whole.count() == 2).then_some(())
        });
    }

    /// What is known of the log, if anybody answers.
    fn info(&self) -> Option<Info> {
        let asked = async {
            let context = jetstream::new(async_nats::connect(self.urls()).await.ok()?);
            let stream = context.get_stream(LOG).await.ok()?;
            Some(stream.cached_info().clone())
        };
        let answer = self
            .runtime
            .block_on(async { timeout(ANSWER, asked).await });
        answer.ok().flatten()
    }
}
