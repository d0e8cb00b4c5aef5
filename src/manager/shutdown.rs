//! The orderly end: outboxes are flushed, sockets closed, and what was left is reported.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::{sync::oneshot, time::timeout};

use super::{Handle, Manager};
use crate::{
    connection::Drain,
    core::{ConnectionName, Pattern},
};

/// The store has at least so long to be closed.
const LEAST: Duration = Duration::from_millis(200);

/// How a shutdown went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// The names that were closed in time.
    pub closed: usize,
    /// The names that were not, and what they had not sent.
    pub left: Vec<Left>,
}

/// A name that was not closed in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The name.
    pub name: ConnectionName,
    /// The messages in its outbox.
    pub messages: usize,
}

impl Manager {
    /// Shuts down: refuses new names and messages, flushes the outboxes, closes all sockets with their `close_code`, and
    /// stops the threads that this manager started. Takes `deadline` at most.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let begun = Instant::now();
        self.0.names.write().closed = true;
        let handles = self.list(&Pattern::all());
        let drained = join_all(handles.iter().map(|handle| drain(handle, deadline))).await;
        let mut report = ShutdownReport::default();
        for (handle, drained) in handles.iter().zip(drained) {
            if drained {
                report.closed += 1;
            } else {
                report.left.push(Left {
                    name: handle.name().clone(),
                    messages: handle.waiting(),
                });
            }
        }
        self.0.names.write().entries.clear();
        // What is still to be written down has the rest of the time.
        let rest = deadline.saturating_sub(begun.elapsed()).max(LEAST);
        let _late = timeout(rest, self.0.commons.keeper.finish()).await;
        self.0.arbiters.stop();
        report
    }
}

/// Whether the name was closed within `deadline`.
async fn drain(handle: &Handle, deadline: Duration) -> bool {
    let drained = async {
        let (done, drained) = oneshot::channel();
        handle.addr().send(Drain(done)).await.is_ok() && drained.await.is_ok()
    };
    timeout(deadline, drained).await.unwrap_or(false)
}
