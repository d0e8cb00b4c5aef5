//! The queue of a store that is simulated.

use std::{path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{PersistSource, Persistence};

/// The sources that have called, and who is to be woken for them. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct SimulatedQueue {
    sources: Arc<Mutex<Vec<Arc<dyn PersistSource>>>>,
    notify: Arc<Notify>,
}

impl Persistence {
    /// One whose sources go to `queue`; it never touches a store.
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

    /// Waits for a call, and takes all that have come.
    pub async fn next(&self) -> Vec<Arc<dyn PersistSource>> {
        self.notify.notified().await;
        std::mem::take(&mut *self.sources.lock())
    }
}
