//! Nodes that start at once on three servers, whose leader is killed while they claim: whether two
//! were ever told to hold the same shard.
//!
//! These nodes have no names: they run in this process, so that what all of them were told has one
//! order.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use everwire::{
    WriteLease,
    config::{ClusterSettings, NatsSettings},
};
use everwire_cluster::{Cluster, Event};
use everwire_proto::placement::{LeaseSettings, ShardId, Term};

use super::{LEASE, MARGIN, servers::Three, stored::lost_claims, until};

const NODES: usize = 5;
const SHARDS: u32 = 4096;
/// How long a node may take to leave.
const LEAVES: Duration = Duration::from_secs(10);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// How often a node was told to hold a shard.
    pub held: u64,
    /// How often another one had been told to, and not to give it up.
    pub two_holders: u64,
    /// How often two were told the same token of a shard.
    pub two_tokens: u64,
    /// Claims of a shard that came second in the log.
    pub lost_claims: u64,
}

/// What the nodes were told.
#[derive(Default)]
struct Told {
    holders: BTreeMap<ShardId, BTreeSet<usize>>,
    tokens: BTreeMap<(ShardId, Term), usize>,
    seen: Seen,
}

impl Told {
    fn hold(&mut self, node: usize, shard: ShardId, term: Term) {
        self.seen.held += 1;
        let holders = self.holders.entry(shard).or_default();
        holders.insert(node);
        self.seen.two_holders += u64::from(holders.len() > 1);
        let first = *self.tokens.entry((shard, term)).or_insert(node);
        self.seen.two_tokens += u64::from(first != node);
    }

    fn lose(&mut self, node: usize, shard: ShardId) {
        if let Some(holders) = self.holders.get_mut(&shard) {
            holders.remove(&node);
        }
    }

    fn lose_all(&mut self, node: usize) {
        self.holders.values_mut().for_each(|holders| {
            holders.remove(&node);
        });
    }

    fn held(&self) -> usize {
        self.holders
            .values()
            .filter(|holders| holders.len() == 1)
            .count()
    }
}

type Shared = Arc<Mutex<Told>>;

fn lock(told: &Shared) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many rounds, each with new boots of all nodes and one leader killed amid their claims.
pub fn run(rounds: usize) -> Seen {
    let mut servers = Three::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let told = Shared::default();
    let folder =
        std::env::temp_dir().join(format!("everwire-benches-races-{}", std::process::id()));
    let mut read = 0;
    for _ in 0..rounds {
        let nodes: Vec<Cluster> = (0..NODES)
            .map(|node| start(node, folder.join(node.to_string()), servers.urls(), &told))
            .collect();
        until("the first is held", || {
            (lock(&told).held() > 0).then_some(())
        });
        servers.are_whole();
        let killed = servers.kill_leader();
        until("all is held by one", || {
            (lock(&told).held() == SHARDS as usize).then_some(())
        });
        servers.restart(killed);
        let lost = runtime.block_on(lost_claims(&servers.urls(), read));
        if let Some((lost, last)) = lost {
            lock(&told).seen.lost_claims += lost;
            read = last;
        }
        for node in nodes {
            runtime.block_on(node.leave(LEAVES));
        }
        lock(&told).holders.clear();
    }
    std::fs::remove_dir_all(&folder).ok();
    std::mem::take(&mut lock(&told).seen)
}

/// A node that gives at once what it is to give.
fn start(node: usize, folder: PathBuf, servers: Vec<String>, told: &Shared) -> Cluster {
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut settings = ClusterSettings::new(format!("n{node}"));
    settings.shards = SHARDS;
    settings.lease = LeaseSettings::new(LEASE, MARGIN).expect("a lease");
    settings.moves = 10_000;
    settings.replicas = 3;
    let (told, own) = (Arc::clone(told), Arc::new(Mutex::new(None::<Cluster>)));
    let giving = Arc::clone(&own);
    let tell = move |event: Event| {
        let own = giving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match event {
            Event::Hold { shard, term } => lock(&told).hold(node, shard, term),
            Event::Lose(shard) => lock(&told).lose(node, shard),
            Event::Give { shard, .. } => {
                lock(&told).lose(node, shard);
                if let Some(own) = own {
                    tokio::spawn(async move { own.given(shard).await });
                }
            }
            Event::Ended(_) => {
                lock(&told).lose_all(node);
                if let Some(own) = own {
                    tokio::spawn(async move { own.abandoned().await });
                }
            }
            _ => {}
        }
    };
    let nats = NatsSettings::new(servers);
    let cluster = Cluster::start(settings, nats, &folder, WriteLease::new(), tell);
    let cluster = cluster.expect("a node");
    *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(cluster.clone());
    cluster
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_and_one_token_for_two_are_counted() {
        let mut told = Told::default();
        let (shard, term) = (ShardId::new(0, 8, 3), Term::new(1));
        told.hold(0, shard, term);
        told.lose(0, shard);
        told.hold(1, shard, Term::new(2));
        assert_eq!(
            (told.seen.two_holders, told.seen.two_tokens, told.held()),
            (0, 0, 1)
        );
        told.hold(2, shard, Term::new(2));
        assert_eq!(
            (told.seen.two_holders, told.seen.two_tokens, told.held()),
            (1, 1, 0)
        );
        told.lose_all(1);
        assert_eq!(told.held(), 1);
    }
}
