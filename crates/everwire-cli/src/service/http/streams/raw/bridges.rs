//! The clients with sockets of their own. Before the process ends, each of them is told.

use std::convert::Infallible;

use parking_lot::Mutex;
use tokio::sync::mpsc;

/// The connected clients.
#[derive(Debug)]
pub struct Bridges {
    /// `None` once the process is ending.
    entrance: Mutex<Option<mpsc::Sender<Infallible>>>,
    left: Mutex<Option<mpsc::Receiver<Infallible>>>,
}

/// One client. Dropping it means that the client has left.
#[derive(Debug)]
pub struct Bridge {
    _there: mpsc::Sender<Infallible>,
}

impl Default for Bridges {
    fn default() -> Self {
        let (entrance, left) = mpsc::channel(1);
        Self {
            entrance: Mutex::new(Some(entrance)),
            left: Mutex::new(Some(left)),
        }
    }
}

impl Bridges {
    /// Admits a client; `None` if the process is ending.
    pub fn enter(&self) -> Option<Bridge> {
        let there = self.entrance.lock().clone()?;
        Some(Bridge { _there: there })
    }

    /// Admits no more clients, and waits until all have left.
    pub async fn empty(&self) {
        self.entrance.lock().take();
        let left = self.left.lock().take();
        if let Some(mut left) = left {
            // Nothing is ever sent. The channel closes with the last client.
            let _end = left.recv().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_end_waits_for_the_last_client_and_lets_no_other_in() {
        let bridges = Bridges::default();
        let clients = [bridges.enter(), bridges.enter()];
        let mut empty = Box::pin(bridges.empty());
        assert!(empty.as_mut().now_or_never().is_none());
        assert!(bridges.enter().is_none());
        drop(clients);
        assert!(empty.now_or_never().is_some());
        assert!(Bridges::default().empty().now_or_never().is_some());
    }
}
