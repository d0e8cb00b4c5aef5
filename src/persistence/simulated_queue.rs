//! The queue of a simulated store.

use std::{path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{PersistSource, Persistence};

/// The sources that have called, and the waker of the reader. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct SimulatedQueue {
    sources: Arc<Mutex<Vec<Arc<dyn PersistSource>>>>,
    notify: Arc<Notify>,
}

impl Persistence {
    /// Persistence whose sources go to `queue`. It never touches a store.
    pub fn simulated(queue: SimulatedQueue) -> Self {
        let dir = PathBuf::from("simulated");
        Self::with_takes(dir, move |source| queue.call(source))
    }
}

impl SimulatedQueue {
    fn call(&self, source: Arc<dyn PersistSource>) {
        self.sources.lock().push(source);
        self.notify.notify_one();
    }

    /// Waits for a call, and takes all calls.
    pub async fn next(&self) -> Vec<Arc<dyn PersistSource>> {
        self.notify.notified().await;
        std::mem::take(&mut *self.sources.lock())
    }
}
