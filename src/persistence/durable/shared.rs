//! The store as all its users share it.

use std::{path::PathBuf, sync::Arc, thread};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{opened::Opened, write_queue::WriteQueue};
use crate::{
    persistence::{Outage, PersistSource},
    stored::StoreError,
};

/// What all clones of a [`Persistence`](super::Persistence) share.
pub(super) struct PersistenceInner {
    pub dir: PathBuf,
    pub queue: WriteQueue,
    /// Receives sources that have something to store: the queue, or a simulation.
    pub takes: Box<dyn Fn(Arc<dyn PersistSource>) + Send + Sync>,
    pub state: Mutex<State>,
    /// Why the store is not open, while it is needed and cannot be opened.
    pub outage: watch::Sender<Option<Outage>>,
}

/// The state of the store.
pub(super) enum State {
    /// Not needed yet. Exits to `Waiting`, and to `Open`.
    Unused,
    /// It cannot be opened; a thread keeps trying. Exits to `Open`.
    Waiting {
        /// The epoch of the names that are opened meanwhile.
        epoch: u32,
    },
    /// Open, and never closed again.
    Open(Box<Opened>),
}

impl PersistenceInner {
    /// Whether the store was ever needed.
    pub fn is_used(&self) -> bool {
        !matches!(*self.state.lock(), State::Unused)
    }

    /// Starts the thread that opens the store or writes to it.
    pub fn start_thread(&self, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name("everwire-store".into());
        let started = thread.spawn(work);
        started.map_err(|error| StoreError::from_io(self.dir.clone(), error))?;
        Ok(())
    }
}

impl Drop for PersistenceInner {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
