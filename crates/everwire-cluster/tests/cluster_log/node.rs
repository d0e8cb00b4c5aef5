//! A node, and what it was told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::{
    WriteLease,
    config::{ClusterSettings, NatsSettings},
};
use everwire_cluster::{Cluster, ClusterStatus, Event};
use everwire_proto::placement::{EndReason, LeaseSettings, ShardId, Term};
use parking_lot::Mutex;

use crate::server::{Server, tempdir};

/// The shortest lease that is allowed, so that tests do not wait for long.
pub const LEASE: Duration = Duration::from_millis(15_800);
pub const MARGIN: Duration = Duration::from_millis(500);
/// How long it may take until all is held.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a node was told.
#[derive(Debug, Default)]
pub struct Told {
    /// What it holds, by what it was told.
    pub held: BTreeMap<ShardId, Term>,
    /// Why it held nothing any more, each time.
    pub ends: Vec<EndReason>,
    /// All else, as text.
    pub texts: Vec<String>,
}

/// A node that notes what it is told, and gives what it is to give at once.
pub struct Node {
    pub cluster: Cluster,
    pub lease: WriteLease,
    pub told: Arc<Mutex<Told>>,
    /// It takes nothing that it is told.
    pub is_deaf: Arc<AtomicBool>,
    /// It does not abandon what a boot held that has ended.
    pub hesitates: Arc<AtomicBool>,
}

impl Node {
    /// A node with a folder of its own.
    pub fn start(test: &str, name: &str, server: &Server) -> Self {
        Self::with(test, settings(name), server)
    }

    pub fn with(test: &str, settings: ClusterSettings, server: &Server) -> Self {
        Self::over(test, settings, vec![server.url()])
    }

    /// A node that knows several servers.
    pub fn over(test: &str, settings: ClusterSettings, servers: Vec<String>) -> Self {
        let folder = tempdir(&format!("{test}-{}", settings.node));
        let nats = NatsSettings::new(servers);
        let (lease, told) = (WriteLease::new(), Arc::new(Mutex::new(Told::default())));
        let (noted, given) = (Arc::clone(&told), Arc::new(Mutex::new(None::<Cluster>)));
        let giving = Arc::clone(&given);
        let is_deaf = Arc::new(AtomicBool::new(false));
        let deaf = Arc::clone(&is_deaf);
        let hesitates = Arc::new(AtomicBool::new(false));
        let waits = Arc::clone(&hesitates);
        let tell = move |event: Event| {
            if deaf.load(Ordering::SeqCst) {
                return false;
            }
            let mut told = noted.lock();
            match event {
                Event::Hold { shard, term } => {
                    told.held.insert(shard, term);
                }
                Event::Lose(shard) => {
                    told.held.remove(&shard);
                }
                Event::Give { shard, .. } => {
                    told.held.remove(&shard);
                    let cluster = giving.lock().clone().expect("it runs");
                    tokio::spawn(async move { cluster.given(shard).await });
                }
                Event::Ended(reason) => {
                    told.held.clear();
                    told.ends.push(reason);
                    if !waits.load(Ordering::SeqCst) {
                        let cluster = giving.lock().clone().expect("it runs");
                        tokio::spawn(async move { cluster.abandoned().await });
                    }
                }
                event => told.texts.push(event.to_string()),
            }
            true
        };
        let cluster = Cluster::start(settings, nats, &folder, lease.clone(), tell).unwrap();
        *given.lock() = Some(cluster.clone());
        Self {
            cluster,
            lease,
            told,
            is_deaf,
            hesitates,
        }
    }

    pub fn status(&self) -> ClusterStatus {
        self.cluster.status()
    }

    pub fn held(&self) -> BTreeMap<ShardId, Term> {
        self.told.lock().held.clone()
    }
}

/// `[cluster]` of a node, with 16 shards.
pub fn settings(name: &str) -> ClusterSettings {
    let mut settings = ClusterSettings::new(name);
    settings.shards = 16;
    settings.lease = LeaseSettings::new(LEASE, MARGIN).unwrap();
    settings.moves = 1_000;
    settings
}

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the nodes hold all shards, each of them one node.
pub async fn all_is_held(nodes: &[&Node]) {
    until("all is held", || {
        nodes.iter().map(|node| node.held().len()).sum::<usize>() == 16
    })
    .await;
    let mut all = BTreeMap::new();
    for node in nodes {
        for (shard, term) in node.held() {
            assert_eq!(all.insert(shard, term), None, "two hold {shard}");
        }
    }
}
