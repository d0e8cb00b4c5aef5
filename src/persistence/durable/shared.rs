//! What there is of the store, for all who have the keeper.

use std::{path::PathBuf, thread};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{opened::Opened, write_queue::Desk};
use crate::{persistence::Outage, stored::StoreError};

/// What all clones of a keeper share.
pub(super) struct Shared {
    pub dir: PathBuf,
    pub desk: Desk,
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

impl Shared {
    /// Whether anybody has needed the store.
    pub fn is_used(&self) -> bool {
        !matches!(*self.state.lock(), State::Unused)
    }

    /// Starts the thread that opens it, or writes to it.
    pub fn start_thread(&self, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name("everwire-keeper".into());
        let started = thread.spawn(work);
        started.map_err(|error| StoreError::from_io(self.dir.clone(), error))?;
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.desk.abandon();
    }
}
