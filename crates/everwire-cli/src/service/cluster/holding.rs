//! Opens the names of the shards that this node is given, and closes those that it loses.

use std::sync::Arc;

use everwire::{
    ConnectionName,
    manager::{OpenError, Placed},
};
use everwire_cluster::Event;
use everwire_proto::placement::{Report, ShardId, Term};
use futures::{StreamExt, stream};
use tokio::{sync::mpsc, time::timeout};

use super::{Running, names::Known};

/// So many names are closed at a time.
const AT_A_TIME: usize = 256;

/// Does what the cluster says, one thing after the other.
pub async fn run(running: Arc<Running>, mut events: mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        log(&event);
        match event {
            Event::Hold { shard, term } => hold(&running, shard, term).await,
            Event::Lose(shard) => abandon(&running, names(&running, shard)).await,
            // Others go on meanwhile.
            Event::Give { shard, .. } => {
                actix::spawn(give(Arc::clone(&running), shard));
            }
            Event::Ended(_) | Event::Panicked => {
                let all = running.names.settings().into_keys().collect();
                abandon(&running, all).await;
            }
            _ => {}
        }
    }
}

async fn hold(running: &Running, shard: ShardId, term: Term) {
    let names = running.names.of_shard(shard, &running.cluster);
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    running.cluster.has_names(shard, count).await;
    for (name, known) in names {
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
async fn give(running: Arc<Running>, shard: ShardId) {
    let names = names(&running, shard);
    let closing = stream::iter(&names)
        .map(|name| running.manager.remove(name))
        .buffer_unordered(AT_A_TIME)
        .for_each(|_gone| std::future::ready(()));
    if timeout(running.move_timeout, closing).await.is_err() {
        abandon(&running, names).await;
    }
    running.cluster.given(shard).await;
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
        Event::Hold { .. } | Event::Lose(_) | Event::Give { .. } => tracing::debug!(%text, "cluster"),
        Event::LogUp { .. } => tracing::info!(%text, "cluster"),
        Event::LogDown(error) => tracing::warn!(code = error.code(), %text, "cluster"),
        Event::Panicked | Event::StateLost(_) | Event::Report(Report::SnapshotDiffers) => {
            tracing::error!(%text, "cluster");
        }
        _ => tracing::warn!(%text, "cluster"),
    }
}
