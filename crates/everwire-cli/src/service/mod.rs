//! The service: a manager, its log and its HTTP API in one actix system.

mod base;
mod bridge;
mod changes;
mod cluster;
pub mod codes;
mod error;
mod event_log;
mod hold_again;
mod holds;
pub mod http;
mod listen_sockets;
pub mod log;
mod log_line;
mod log_shares;
mod metrics;
mod nats_feature;
mod open_files;
mod page;
mod persisted;
mod reload;
mod restore;
mod rules;
mod secrets;
mod state;
mod systemd;
mod tenants;
mod why;

use std::{
    future::Future,
    mem,
    net::TcpListener,
    path::PathBuf,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use actix_web::web::Data;
use everwire::{Manager, Settings, WriteLease, manager::ShutdownReport};
use tokio::time::timeout;

pub use self::{base::BASE, error::Error, rules::Rules, state::AppState};
use self::{
    bridge::Bridge,
    cluster::{Beginning, Node},
    event_log::EventLog,
    listen_sockets::ListenSockets,
};

/// Keeps the connections of `settings` up and serves HTTP on `listener`, inside a running actix
/// system. When `stop` gives a reason to end, drains within `service.drain_timeout`. A reload reads
/// `config`, a file or a folder.
///
/// # Errors
///
/// [`Error`] if it cannot start. Nothing is left running then.
pub async fn serve(
    mut settings: Settings,
    listener: TcpListener,
    config: Option<PathBuf>,
    stop: impl Future<Output = &'static str>,
) -> Result<ShutdownReport, Error> {
    let service = settings.service.clone();
    let rules = Rules::of(&settings);
    let connections = mem::take(&mut settings.connections);
    let (mut nats, cluster) = (settings.nats.take(), settings.cluster.take());
    let written = nats.clone();
    if cluster.is_some() {
        // Its messages would be taken by nodes that do not have their names.
        nats.as_mut().and_then(|nats| nats.outbound.take());
    }

    let lease = cluster.is_some().then(WriteLease::new);
    settings.write_lease.clone_from(&lease);

    let sockets = ListenSockets::new(listener, &service)?;
    let manager = Manager::start(settings)?;
    let drain_timeout = service.drain_timeout;
    let up = sockets.up(connections.len())?;
    let (watch, log_messages) = (service.watch, service.log.messages);
    let state_dir = service.state_dir.clone();
    let mut state = AppState::new(manager.clone(), service, rules, config);
    // The bridge starts before any name is open, so that it misses no message.
    state.bridge = Bridge::start(&manager, nats.clone(), &state_dir)?;
    let names = connections.len();
    let mut connections = connections;
    if let (Some(settings), Some(nats), Some(lease)) = (cluster.clone(), nats.clone(), lease) {
        let beginning = Beginning {
            manager: &manager,
            settings,
            nats,
            lease,
            state_dir: &state_dir,
            names: mem::take(&mut connections),
        };
        state.cluster = Node::start(beginning).await?;
    }
    (state.source.nats, state.source.cluster) = (written, cluster);
    let state = Data::new(state);
    // The log starts first, so that it has all events.
    let log = EventLog::start(&manager, state.tenants(), log_messages).map_err(Error::Log)?;
    // From the line "up" on, no change of files is missed. Reloads have their turn after the start.
    reload::start(&state, watch)?;
    up.log();
    open_files::raise(names);
    let restored = state.clone();
    manager.when_store_opens(move |_| restore::store_is_open(&restored));
    for (name, settings) in connections {
        manager.open(&name, settings)?;
    }
    state.cluster.begin();
    if let Some(requests) = state.cluster.requests() {
        actix::spawn(http::forward::serve(state.clone(), requests));
    }
    hold_again::settle(&state, true);
    // Requests that arrived meanwhile wait in the kernel: a DELETE must not find a name unknown
    // that is restored next.
    let servers = sockets.open(&state)?;

    systemd::ready(&manager);

    let reason = stop.await;
    // Load balancers should choose another instance while the drain still answers.
    state.ending.store(true, Ordering::Relaxed);
    systemd::stopping();
    tracing::info!(reason, names = manager.len(), "draining");
    let deadline = without_reserve(drain_timeout);
    let end = Instant::now() + deadline;
    state.bridge.ending().await;
    // Clients with their own socket learn of its end before their connection is closed.
    let bridges = timeout(deadline, state.bridges.empty());
    let (report, _late) = tokio::join!(manager.shutdown(deadline), bridges);
    // Messages that were received before the last name closed are published, or kept on disk.
    let left = end.saturating_duration_since(Instant::now());
    state.bridge.stop(left.max(BRIDGE_END)).await;
    // Others open the names as soon as they read of it.
    state.cluster.leave(LEAVING).await;
    log.finish().await;
    log_report(&report);
    for server in servers {
        server.stop().await;
    }
    Ok(report)
}

/// The least time for the bridge to store what it has not published.
const BRIDGE_END: Duration = Duration::from_millis(200);

/// The longest time for telling a cluster that this node leaves.
const LEAVING: Duration = Duration::from_millis(300);

/// The time for the drain, so that the whole end fits into `drain_timeout`.
fn without_reserve(drain_timeout: Duration) -> Duration {
    drain_timeout - (drain_timeout / 10).min(Duration::from_millis(500))
}

fn log_report(report: &ShutdownReport) {
    for left in &report.left {
        tracing::warn!(name = %left.name, messages = left.messages, "the connection was not closed in time");
    }
    let messages: usize = report.left.iter().map(|left| left.messages).sum();
    tracing::info!(
        closed = report.closed,
        left = report.left.len(),
        messages_left = messages,
        "everwire is down"
    );
}
