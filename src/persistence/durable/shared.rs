//! What there is of the store, for all who share it.

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
    /// Where sources go that have something to write down: to the queue, unless a simulation takes them.
    pub takes: Box<dyn Fn(Arc<dyn PersistSource>) + Send + Sync>,
    pub state: Mutex<State>,
    /// Why the store is not open, as long as it is needed and cannot be opened.
    pub outage: watch::Sender<Option<Outage>>,
}

/// What there is of the store.
pub(super) enum State {
    /// Nobody has needed it. Exits to `Waiting`, and to `Open`.
    Unused,
    /// It cannot be opened, and a thread tries it again. Exits to `Open`.
    Waiting {
        /// The epoch of the names that are opened meanwhile.
        epoch: u32,
    },
    /// It is open, and stays so.
    Open(Box<Opened>),
}

impl PersistenceInner {
    /// Whether anybody has needed the store.
    pub fn is_used(&self) -> bool {
        !matches!(*self.state.lock(), State::Unused)
    }

    /// Starts the thread that opens it, or writes to it.
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
