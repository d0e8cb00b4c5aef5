//! What the handle, the listener and the connections of a peer share.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    log::{Connection, ConnectionLog, Ended},
    parts::How,
    route::{Refusal, route},
    script::Script,
};

/// The most logs of ended connections. The oldest are dropped first.
const MAX_ENDED: usize = 10_000;

/// The part of a peer that outlives its listener.
#[derive(Debug)]
pub(super) struct Shared {
    scripts: Mutex<HashMap<String, Scripts>>,
    at_accept: Mutex<Option<How>>,
    connections: Mutex<Connections>,
    kept: Arc<AtomicUsize>,
    changed: watch::Sender<()>,
}

/// The scripts of a path: one for each connection in turn, the last one for all later connections.
#[derive(Debug)]
struct Scripts(VecDeque<Arc<Script>>);

#[derive(Debug, Default)]
struct Connections {
    accepted: u64,
    open: BTreeMap<u64, Arc<Connection>>,
    ended: VecDeque<Arc<Connection>>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            scripts: Mutex::default(),
            at_accept: Mutex::default(),
            connections: Mutex::default(),
            kept: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn set_scripts(&self, path: &str, scripts: Vec<Script>) {
        let scripts: VecDeque<_> = scripts.into_iter().map(Arc::new).collect();
        let mut paths = self.scripts.lock();
        match scripts.is_empty() {
            true => paths.remove(path),
            false => paths.insert(path.to_owned(), Scripts(scripts)),
        };
    }

    /// The script for the next connection to this target.
    pub(super) fn script(&self, path: &str, target: &str) -> Result<Arc<Script>, Refusal> {
        if let Some(Scripts(scripts)) = self.scripts.lock().get_mut(path) {
            let next = match scripts.len() {
                0 | 1 => scripts.front().cloned(),
                _ => scripts.pop_front(),
            };
            if let Some(script) = next {
                return Ok(script);
            }
        }
        route(target).map(Arc::new)
    }

    pub(super) fn set_at_accept(&self, how: Option<How>) {
        *self.at_accept.lock() = how;
    }

    pub(super) fn at_accept(&self) -> Option<How> {
        *self.at_accept.lock()
    }

    /// Records a new TCP connection. It counts as open until the guard is dropped.
    pub(super) fn accept(self: &Arc<Self>, client: SocketAddr) -> OpenGuard {
        let mut connections = self.connections.lock();
        connections.accepted += 1;
        let id = connections.accepted;
        let connection = Arc::new(Connection::new(id, client, Arc::clone(&self.kept)));
        connections.open.insert(id, Arc::clone(&connection));
        drop(connections);
        self.notify();
        OpenGuard {
            shared: Arc::clone(self),
            connection,
            id,
        }
    }

    pub(super) fn accepted(&self) -> u64 {
        self.connections.lock().accepted
    }

    pub(super) fn open_count(&self) -> usize {
        self.connections.lock().open.len()
    }

    /// The connections whose TCP sockets the peer holds, oldest first.
    pub(super) fn open(&self) -> Vec<Arc<Connection>> {
        self.connections.lock().open.values().cloned().collect()
    }

    /// The logs of all connections, oldest first.
    pub(super) fn logs(&self) -> Vec<ConnectionLog> {
        let all: Vec<_> = {
            let connections = self.connections.lock();
            connections
                .ended
                .iter()
                .chain(connections.open.values())
                .cloned()
                .collect()
        };
        let mut logs: Vec<_> = all
            .iter()
            .map(|connection| connection.log(|log| log.clone()))
            .collect();
        logs.sort_by_key(|log| log.id);
        logs
    }

    /// Wakes those who wait for a change of a log.
    pub(super) fn notify(&self) {
        if self.changed.receiver_count() > 0 {
            self.changed.send_replace(());
        }
    }

    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// Marks a connection as open. The guard is dropped with its task, however that ends.
pub(super) struct OpenGuard {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Arc<Connection>,
    id: u64,
}

impl OpenGuard {
    /// Changes the log, and wakes those who wait for it.
    pub(super) fn note(&self, change: impl FnOnce(&mut ConnectionLog)) {
        self.connection.log(change);
        self.shared.notify();
    }

    /// Records the end. Only the first one counts.
    pub(super) fn end(&self, how: Ended) {
        self.note(|log| {
            log.end.get_or_insert((Instant::now(), how));
        });
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.connection.log(|log| {
            log.end.get_or_insert((Instant::now(), Ended::Stopped));
        });
        let mut connections = self.shared.connections.lock();
        connections.open.remove(&self.id);
        if connections.ended.len() == MAX_ENDED {
            connections.ended.pop_front();
        }
        connections.ended.push_back(Arc::clone(&self.connection));
        drop(connections);
        self.shared.notify();
    }
}
