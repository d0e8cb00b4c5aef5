//! A desk whose store is simulated.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Door;

/// The doors that have called, and who is to be woken for them. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    doors: Arc<Mutex<Vec<Arc<dyn Door>>>>,
    bell: Arc<Notify>,
}

impl Calls {
    pub(super) fn call(&self, door: Arc<dyn Door>) {
        self.doors.lock().push(door);
        self.bell.notify_one();
    }

    /// Waits for a call, and takes all that have come.
    pub async fn next(&self) -> Vec<Arc<dyn Door>> {
        self.bell.notified().await;
        std::mem::take(&mut *self.doors.lock())
    }
}
