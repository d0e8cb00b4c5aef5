//! Opens the names of the shards that this node is given, and closes those that it loses.

use std::{collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use everwire::{
    ConnectionName,
    manager::{OpenError, Placed},
};
use everwire_cluster::Event;
use everwire_proto::placement::{Report, ShardId, Term};
use futures::{StreamExt, stream};
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};

use super::{names::Known, running::Running};

/// So many names are closed at a time.
const AT_A_TIME: usize = 256;

/// Names go at once. If they do not, it is told after this time.
const LONG: Duration = Duration::from_secs(10);

/// Does what the cluster says.
///
/// What concerns one shard is done in its order. An end is done at once.
pub async fn run(running: Arc<Running>, mut events: mpsc::Receiver<Event>) {
    let mut turns = Turns::default();
    while let Some(event) = events.recv().await {
        log(&event);
        let running = Arc::clone(&running);
        match event {
            Event::Hold { shard, term } => {
                turns.spawn(shard, async move { hold(&running, shard, term).await });
            }
            Event::Lose(shard) => turns.spawn(shard, async move {
                abandon(&running, names(&running, shard)).await;
            }),
            Event::Give { shard, .. } => {
                turns.spawn(shard, async move { give(&running, shard).await });
            }
            Event::Ended(_) | Event::Panicked => {
                abandon_all(&running).await;
                running.cluster.abandoned().await;
            }
            _ => {}
        }
    }
}

/// What is done for each shard, one thing after the other.
#[derive(Default)]
struct Turns(HashMap<ShardId, Rc<Mutex<()>>>);

impl Turns {
    fn spawn(&mut self, shard: ShardId, work: impl Future<Output = ()> + 'static) {
        let turn = Rc::clone(self.0.entry(shard).or_default());
        // Who asks first for the lock has it first.
        actix::spawn(async move {
            let _turn = turn.lock().await;
            work.await;
        });
    }
}

async fn hold(running: &Running, shard: ShardId, term: Term) {
    let names = running.names.of_shard(shard, &running.cluster);
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    running.cluster.has_names(shard, count).await;
    for (name, known) in names {
        // It may have been lost meanwhile.
        if running.cluster.held(shard) != Some(term) {
            return;
        }
        open(running, &name, &known, term);
    }
}

/// Opens a name of a shard that this node holds under this token.
pub fn open(running: &Running, name: &ConnectionName, known: &Known, term: Term) {
    let placed = Placed {
        owner: known.owner.clone(),
        epoch: term.epoch(0),
        is_closed: running.cluster.is_closed(name),
    };
    let settings = (*known.settings).clone();
    match running.manager.open_placed(name, settings, placed) {
        // Somebody else was first, or everything ends.
        Ok(_) | Err(OpenError::Duplicate(_) | OpenError::ShutDown) => {}
        Err(error) => tracing::error!(%name, %error, "the connection cannot be opened here"),
    }
}

/// Closes the names of a shard in order, and says that they are closed.
async fn give(running: &Running, shard: ShardId) {
    let names = names(running, shard);
    let closing = stream::iter(&names)
        .map(|name| running.manager.remove(name))
        .buffer_unordered(AT_A_TIME)
        .for_each(|_gone| std::future::ready(()));
    if timeout(running.move_timeout, closing).await.is_err() {
        abandon(running, names).await;
    }
    running.cluster.given(shard).await;
}

/// Abandons all names. Until that is done this node gets no lease again, so it is told if it takes
/// long: a thread of connections hangs.
async fn abandon_all(running: &Running) {
    let all = running.names.settings().into_keys().collect();
    let abandoning = abandon(running, all);
    tokio::pin!(abandoning);
    while timeout(LONG, &mut abandoning).await.is_err() {
        tracing::error!(
            "names of this node are not abandoned yet: a thread of connections hangs, and the node gets no lease before it goes on"
        );
    }
}

async fn abandon(running: &Running, names: Vec<ConnectionName>) {
    stream::iter(&names)
        .map(|name| running.manager.abandon(name))
        .buffer_unordered(AT_A_TIME)
        .for_each(|_gone| std::future::ready(()))
        .await;
}

fn names(running: &Running, shard: ShardId) -> Vec<ConnectionName> {
    let names = running.names.of_shard(shard, &running.cluster);
    names.into_iter().map(|(name, _)| name).collect()
}

fn log(event: &Event) {
    let text = event.to_string();
    match event {
        Event::Hold { .. } | Event::Lose(_) | Event::Give { .. } => {
            tracing::debug!(%text, "cluster")
        }
        Event::LogUp { .. } => tracing::info!(%text, "cluster"),
        Event::LogDown(error) => tracing::warn!(code = error.code(), %text, "cluster"),
        Event::Panicked | Event::StateLost(_) | Event::Report(Report::SnapshotDiffers) => {
            tracing::error!(%text, "cluster");
        }
        _ => tracing::warn!(%text, "cluster"),
    }
}
