//! Three servers that keep the same streams.

use std::time::{Duration, Instant};

use async_nats::{
    Client,
    jetstream::{self, stream::Info},
};
use tokio::time::sleep;

use super::{Server, server::free_port, until_async};

/// How long servers may take until all have all of a stream.
const WHOLE: Duration = Duration::from_secs(60);

/// A cluster.
pub struct Cluster(Vec<Server>);

impl Cluster {
    /// Starts three servers, which are one cluster after some seconds.
    pub fn start(test: &str) -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let routes = ports.map(|port| format!("nats://127.0.0.1:{port}"));
        let server = |number: usize| {
            let (port, routes) = (ports[number], routes.join(", "));
            let config = format!(
                "server_name: n{number}\n\
                 jetstream {{ store_dir: \"FOLDER/jetstream\" }}\n\
                 cluster {{ name: c, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}"
            );
            Server::start_with(&format!("{test}-{number}"), &config)
        };
        Self((0..ports.len()).map(server).collect())
    }

    pub fn urls(&self) -> Vec<String> {
        self.0.iter().map(Server::url).collect()
    }

    pub fn first(&self) -> &Server {
        &self.0[0]
    }

    /// A client that goes on with another server.
    pub async fn client(&self) -> Client {
        async_nats::connect(self.urls()).await.unwrap()
    }

    /// Kills the server that leads a stream. Which one.
    pub async fn kill_leader(&mut self, stream: &str) -> usize {
        let mut leader = None;
        until_async("the stream has a leader", async || {
            let info = self.info(stream).await;
            leader = info.and_then(|info| info.cluster?.leader);
            leader.is_some()
        })
        .await;
        let number = leader.unwrap()[1..].parse().unwrap();
        let server: &mut Server = &mut self.0[number];
        server.kill();
        number
    }

    pub fn restart(&mut self, server: usize) {
        self.0[server].restart();
    }

    /// Waits until all servers have all of a stream: only then another one may be lost.
    pub async fn is_whole(&self, stream: &str) {
        let begin = Instant::now();
        loop {
            let info = self.info(stream).await;
            let cluster = info.as_ref().and_then(|info| info.cluster.as_ref());
            let is_whole = cluster.is_some_and(|cluster| {
                let others = &cluster.replicas;
                others.len() == 2 && others.iter().all(|peer| peer.current && !peer.offline)
            });
            if is_whole {
                return;
            }
            assert!(begin.elapsed() < WHOLE, "{stream} is not whole: {info:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is known of a stream, if anybody answers.
    async fn info(&self, stream: &str) -> Option<Info> {
        let asked = async {
            let context = jetstream::new(async_nats::connect(self.urls()).await.ok()?);
            let stream = context.get_stream(stream).await.ok()?;
            Some(stream.cached_info().clone())
        };
        tokio::time::timeout(Duration::from_secs(2), asked)
            .await
            .ok()?
    }
}
