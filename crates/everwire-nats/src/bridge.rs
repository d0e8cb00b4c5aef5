//! A bridge, while it runs.

use std::{io, path::Path, sync::Arc, thread, time::Duration};

use everwire::{ConnectionName, Manager, config::NatsSettings};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    inbound::{Inbound, Order},
    report::Observer,
    spool::SpoolError,
    status::{BridgeStatus, Shared},
};

/// Why a bridge cannot be started. That no server answers is no reason: it goes on trying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// There is no thread to run it on.
    #[error("no thread can be started: {0}")]
    Thread(#[from] io::Error),
}

/// A bridge that runs on a thread of its own. Clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Bridge {
    orders: Option<mpsc::Sender<Order>>,
    status: Shared,
}

impl Bridge {
    /// Starts a bridge. Messages that come in from now on are published. `folder` must exist, and
    /// holds the spool.
    ///
    /// # Errors
    ///
    /// When its spool cannot be opened.
    pub fn start(
        manager: Manager,
        settings: NatsSettings,
        folder: &Path,
        observer: Observer,
    ) -> Result<Self, StartError> {
        let status = Shared::default();
        let settings = Arc::new(settings);
        let Some(inbound) = settings.inbound.clone() else {
            return Ok(Self {
                orders: None,
                status,
            });
        };
        let (orders, received) = mpsc::channel(64);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = status.clone();
        let inbound = Inbound::new(manager, settings, inbound, folder, shared, observer)?;
        thread::Builder::new()
            .name("everwire-bridge".into())
            .spawn(move || runtime.block_on(inbound.run(received)))?;
        Ok(Self {
            orders: Some(orders),
            status,
        })
    }

    /// How it is doing.
    pub fn status(&self) -> BridgeStatus {
        self.status.get()
    }

    /// How many messages of a name are not acknowledged; `None` if the bridge has ended.
    pub async fn pending(&self, name: &ConnectionName) -> Option<u64> {
        let (answer, told) = oneshot::channel();
        let order = Order::Pending(name.clone(), answer);
        self.orders.as_ref()?.send(order).await.ok()?;
        told.await.ok()
    }

    /// Publishes what has come in, for so long at most, keeps the rest on disk for the next process,
    /// and ends. How many messages are kept.
    pub async fn stop(&self, within: Duration) -> u64 {
        let Some(orders) = &self.orders else {
            return 0;
        };
        let (answer, told) = oneshot::channel();
        let order = Order::Stop(Instant::now() + within, answer);
        if orders.send(order).await.is_err() {
            return 0;
        }
        told.await.unwrap_or_default()
    }
}
