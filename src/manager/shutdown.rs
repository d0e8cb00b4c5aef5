//! The orderly end: flushes outboxes, closes sockets, and reports what was left.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::{sync::oneshot, time::timeout};

use super::{handle::Handle, registry::Manager};
use crate::{
    connection::Drain,
    core::{ConnectionName, Pattern},
    persistence::Known,
};

/// The least time that the store has to close.
const LEAST: Duration = Duration::from_millis(200);

/// The result of a shutdown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// How many names were closed in time.
    pub closed: usize,
    /// The names that were not closed in time, with the number of their unsent messages.
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
    /// Shuts down: refuses new names and messages, flushes the outboxes, and closes all sockets
    /// with their `close_code`, those of sessions with 1001. Then stops the threads that this
    /// manager started. Takes at most `deadline`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use std::time::Duration;
    ///
    /// let report = manager.shutdown(Duration::from_secs(5)).await;
    /// for left in &report.left {
    ///     eprintln!("{} did not send {} messages", left.name, left.messages);
    /// }
    /// assert_eq!(report.closed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
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
        let known = report.left.is_empty().then(|| self.known());
        self.0.process.buckets.store(report.left.is_empty());
        self.0.names.write().entries.clear();
        // Pending writes of the store have the rest of the time.
        let rest = deadline.saturating_sub(begun.elapsed()).max(LEAST);
        let _late = timeout(rest, self.0.process.persistence.finish(known)).await;
        self.0.arbiters.stop();
        report
    }

    /// What the histories know when no more messages come.
    fn known(&self) -> Known {
        let hub = &self.0.process.hub;
        let unopened = self.0.process.persistence.last_unopened(&Pattern::all());
        let mut known = Known {
            forgotten: hub.forgotten().max(unopened),
            histories: Vec::new(),
        };
        for (name, entry) in &self.0.names.read().entries {
            let history = entry.outbox.history();
            if entry.settings.common.history.durable {
                known
                    .histories
                    .push((name.clone(), history.known_behind(hub.start())));
            } else if let Some(last) = history.last() {
                known.forgotten = known.forgotten.max(last);
            }
        }
        known
    }
}

/// Closes a name; `true` if that succeeds within `deadline`.
async fn drain(handle: &Handle, deadline: Duration) -> bool {
    let drained = async {
        let (done, drained) = oneshot::channel();
        handle.addr().send(Drain(done)).await.is_ok() && drained.await.is_ok()
    };
    timeout(deadline, drained).await.unwrap_or(false)
}
