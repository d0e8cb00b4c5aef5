//! Receipts of accepted messages.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{MessageId, SharedOutbox, Waiter, fate::is_answer};
use crate::core::{Fate, Message, Rejected};

/// The receipt of an accepted message. Costs nothing until the fate is asked for, and outlives
/// restarts of the name.
#[derive(Clone, Debug)]
pub struct Receipt {
    id: u64,
    epoch: u32,
    outbox: Arc<SharedOutbox>,
}

impl SharedOutbox {
    /// Accepts a message in call order, and wakes the actor if it rests.
    pub fn send(self: &Arc<Self>, message: Message) -> Result<Receipt, Rejected> {
        let mut locked = self.locked.lock();
        let accepted = self.accept(&mut locked, message)?;
        let MessageId { id, epoch } = self.accepted(locked, accepted);
        Ok(Receipt::new(self, id, epoch))
    }

    /// The receipt of an earlier message; `None` if the id was not given out.
    pub fn receipt(self: &Arc<Self>, id: u64) -> Option<Receipt> {
        let locked = self.locked.lock();
        locked.outbox.fate(id)?;
        Some(Receipt::new(self, id, locked.ids.of(id)))
    }

    /// The receipt of the message that had the id in that epoch; `None` unless the id is known to
    /// be the same message now.
    pub fn receipt_in(self: &Arc<Self>, epoch: u32, id: u64) -> Option<Receipt> {
        let receipt = self.receipt(id)?;
        let locked = self.locked.lock();
        locked.ids.means_the_same(id, epoch).then_some(receipt)
    }
}

impl Receipt {
    pub(super) fn new(outbox: &Arc<SharedOutbox>, id: u64, epoch: u32) -> Self {
        Self {
            id,
            epoch,
            outbox: Arc::clone(outbox),
        }
    }

    /// The message's id: counts the accepted messages of the name, from 1. Unique together with
    /// [`epoch`](Self::epoch).
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// assert_eq!(feed.send("one")?.id(), 1);
    /// assert_eq!(feed.send("two")?.id(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The epoch in which the message was accepted. Ids begin again in a later one, unless the
    /// outbox outlives the epoch.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let receipt = feed.send("hello")?;
    /// // What a log needs to find the message again, with `Handle::receipt_in`.
    /// println!("{} {}.{}", feed.name(), receipt.epoch(), receipt.id());
    /// # assert_eq!(receipt.epoch(), feed.epoch());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The fate of the message so far.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::Fate;
    ///
    /// let receipt = feed.send("hello")?;
    /// match receipt.now() {
    ///     Fate::Written | Fate::Confirmed => println!("on its way"),
    ///     fate => println!("{}", fate.as_str()),
    /// }
    /// # assert_eq!(receipt.now(), Fate::Queued);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn now(&self) -> Fate {
        let locked = self.outbox.locked.lock();
        locked.fate(self.id).unwrap_or(Fate::Forgotten)
    }

    /// Waits until the message has the `wanted` fate or a better one, or cannot get it any more.
    /// Returns its fate.
    ///
    /// Waiting for [`Fate::Confirmed`] makes everwire send a ping after the message. If the
    /// heartbeat cannot fence ([`Heartbeat::can_fence`](crate::config::Heartbeat::can_fence)), the
    /// wait ends only with the socket.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::Fate;
    ///
    /// let receipt = feed.send("hello")?;
    /// match receipt.fate(Fate::Confirmed).await {
    ///     Fate::Confirmed => println!("the peer has it"),
    ///     fate => println!("perhaps not: {}", fate.as_str()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn fate(&self, wanted: Fate) -> Fate {
        let (answer, waker) = {
            let mut locked = self.outbox.locked.lock();
            let fate = locked.fate(self.id).unwrap_or(Fate::Forgotten);
            if is_answer(fate, wanted) || locked.is_left {
                return fate;
            }
            let (sender, receiver) = oneshot::channel();
            if locked.waiters.len() == locked.waiters.capacity() {
                locked.waiters.retain(|waiter| !waiter.answer.is_closed());
            }
            locked.waiters.push(Waiter {
                id: self.id,
                wanted,
                answer: sender,
            });
            let fence = wanted == Fate::Confirmed;
            if fence {
                locked.confirm_through = locked.confirm_through.max(self.id);
            }
            let waker = match fence {
                true => self.outbox.take_waker(&mut locked),
                false => None,
            };
            (receiver, waker)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        // The outbox, and thus the sender, outlives this receipt, so there is no error.
        answer.await.unwrap_or(Fate::Forgotten)
    }
}
