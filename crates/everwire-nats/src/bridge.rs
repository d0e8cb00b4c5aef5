//! A running bridge.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use everwire::{ConnectionName, Manager, config::NatsSettings};
use futures::future::{OptionFuture, join};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use crate::{
    error::BridgeError,
    inbound::{Inbound, Order},
    outbound::{OutOrder, Outbound},
    report::{Observer, Report},
    spool::SpoolError,
    status::{BridgeStatus, Shared},
};

/// How long the bridge's thread may take to answer. It takes longer only if the disk of its spool
/// hangs.
const ANSWER: Duration = Duration::from_secs(2);

/// Why a bridge cannot be started. An unreachable server is not a reason: the bridge keeps trying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Its thread cannot be started, or its folder cannot be used.
    #[error("the bridge cannot be started: {0}")]
    Io(#[from] io::Error),
}

/// A bridge on a thread of its own. Clones refer to the same bridge.
#[derive(Clone, Debug)]
pub struct Bridge {
    inbound: Option<mpsc::Sender<Order>>,
    outbound: Option<mpsc::Sender<OutOrder>>,
    status: Shared,
}

impl Bridge {
    /// Starts a bridge. It publishes messages that arrive from now on, and sends the messages that
    /// wait in the queue. `folder` must exist, and holds the spool; it must belong to this bridge
    /// alone.
    ///
    /// # Errors
    ///
    /// If the spool cannot be opened, or no thread can be started.
    pub fn start(
        manager: Manager,
        settings: NatsSettings,
        folder: &Path,
        observer: Observer,
    ) -> Result<Self, StartError> {
        let status = Shared::default();
        let settings = Arc::new(settings);
        let mut bridge = Self {
            inbound: None,
            outbound: None,
            status: status.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (mut published, mut sent) = (None, None);
        if let Some(inbound) = settings.inbound.clone() {
            let (orders, received) = mpsc::channel(64);
            let inbound = Inbound::new(
                manager.clone(),
                Arc::clone(&settings),
                inbound,
                folder,
                status.clone(),
                observer.clone(),
            )?;
            published = Some((inbound, received));
            bridge.inbound = Some(orders);
        }
        if let Some(outbound) = settings.outbound.clone() {
            let (orders, received) = mpsc::channel(64);
            let consumer = consumer_name(folder)?;
            let (status, observer) = (status.clone(), observer.clone());
            let outbound = Outbound::new(manager, settings, outbound, consumer, status, observer);
            sent = Some((outbound, received));
            bridge.outbound = Some(orders);
        }
        thread::Builder::new()
            .name("everwire-bridge".into())
            .spawn(move || {
                guarded(&status, &observer, || {
                    let published = published.map(|(inbound, orders)| inbound.run(orders));
                    let sent = sent.map(|(outbound, orders)| outbound.run(orders));
                    let all = join(OptionFuture::from(published), OptionFuture::from(sent));
                    runtime.block_on(all);
                });
            })?;
        Ok(bridge)
    }

    /// Its present state.
    pub fn status(&self) -> BridgeStatus {
        self.status.get()
    }

    /// How many messages of a name are not acknowledged by the stream; `None` if the bridge has
    /// ended, publishes nothing, or does not answer within two seconds.
    pub async fn pending(&self, name: &ConnectionName) -> Option<u64> {
        let (answer, told) = oneshot::channel();
        let order = Order::Pending(name.clone(), answer);
        let inbound = self.inbound.as_ref()?;
        let asking = async {
            inbound.send(order).await.ok()?;
            told.await.ok()
        };
        timeout(ANSWER, asking).await.ok()?
    }

    /// Announces that the names are about to be closed: the bridge sends nothing more through them,
    /// and messages that the close cancels stay in the queue.
    pub async fn ending(&self) {
        if let Some(outbound) = &self.outbound {
            // A bridge that has ended sends nothing.
            let _ended = timeout(ANSWER, outbound.send(OutOrder::Ending)).await;
        }
    }

    /// Publishes received messages for at most this time, stores the rest on disk for the next
    /// process, and ends. Returns how many messages are stored; `None` if that is unknown because
    /// it does not end in time, for example because the disk hangs.
    pub async fn stop(&self, within: Duration) -> Option<u64> {
        let until = Instant::now() + within;
        let outbound = async {
            let (answer, told) = oneshot::channel();
            if let Some(outbound) = &self.outbound
                && outbound.send(OutOrder::Stop(until, answer)).await.is_ok()
            {
                let _ended = told.await;
            }
        };
        let inbound = async {
            let (answer, told) = oneshot::channel();
            match &self.inbound {
                Some(inbound) if inbound.send(Order::Stop(until, answer)).await.is_ok() => {
                    told.await.unwrap_or_default()
                }
                _ => 0,
            }
        };
        let ended = timeout(within + ANSWER, join(outbound, inbound)).await;
        ended.ok().map(|((), kept)| kept)
    }
}

/// Runs the bridge. A panic, which is a bug, ends only the bridge, and is reported.
fn guarded(status: &Shared, observer: &Observer, run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        for part in status.parts() {
            status.failed(part, &BridgeError::Panicked);
            observer.tell(Report::Down(part, BridgeError::Panicked));
        }
    }
}

/// The name of this process's consumer. It is the same after a restart in the same folder, and
/// different in other folders.
fn consumer_name(folder: &Path) -> io::Result<String> {
    let path = folder.join("nats-consumer");
    match fs::read_to_string(&path) {
        Ok(name) if is_consumer_name(&name) => return Ok(name),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let name = format!(
        "everwire-{:016x}",
        RandomState::new().hash_one(Instant::now().elapsed())
    );
    fs::write(path, &name)?;
    Ok(name)
}

fn is_consumer_name(name: &str) -> bool {
    let hex = name.strip_prefix("everwire-").unwrap_or_default();
    hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::Part;

    #[test]
    fn a_panic_ends_the_bridge_and_is_told() {
        let status = Shared::default();
        status.begin(Part::In);
        status.connected(Part::In, "s".into(), Vec::new());
        guarded(&status, &Observer::default(), || panic!("asked for"));
        let status = status.get();
        assert_eq!(status.server, None);
        assert_eq!(status.error.unwrap().code, "nats_panicked");
    }

    #[test]
    fn an_observer_that_panics_harms_nobody() {
        let observer = Observer::new(|_| panic!("asked for"));
        observer.tell(Report::Lagged);
    }
}
