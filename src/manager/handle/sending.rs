//! Sending messages, and following their fates.

use super::Handle;
use crate::{
    connection::{Receipt, SendError, SendOnceError},
    core::{Fate, Message},
};

impl Handle {
    /// Accepts a message, in call order, from any thread, without waiting. It is written when the
    /// socket is up.
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
    /// use everwire::{Fate, Message};
    ///
    /// feed.send("a text")?;
    /// let receipt = feed.send(Message::binary(vec![1, 2, 3]))?;
    /// assert!(receipt.fate(Fate::Written).await.reaches(Fate::Written));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError`] when the outbox has no room, the message is too long, or the name is closed.
    pub fn send(&self, message: impl Into<Message>) -> Result<Receipt, SendError> {
        Ok(self.outbox.send(message.into())?)
    }

    /// Accepts a message that the caller may have to send again because it does not know whether
    /// the message was accepted. With the same `key` a message is accepted once, and later calls
    /// return the first receipt.
    ///
    /// A key is remembered for an hour, and for as long as its message is in the outbox. There are
    /// at most [`IdempotencyKeys::MOST`](crate::core::IdempotencyKeys::MOST) keys; beyond that the
    /// oldest are forgotten whose messages have left the outbox. Owners that share a name put their
    /// own name and a NUL first: with `b"OWNER\0KEY"` an owner that has more than an equal share
    /// loses its own keys. The key of a durable message is stored with it and survives the process;
    /// other keys do not.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let first = feed.send_once("order-4711", "buy 10")?;
    /// // The caller asks again, after a timeout of its own for example.
    /// let again = feed.send_once("order-4711", "buy 10")?;
    /// assert_eq!(again.id(), first.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendOnceError`]; the message is not accepted then.
    pub fn send_once(
        &self,
        key: impl AsRef<[u8]>,
        message: impl Into<Message>,
    ) -> Result<Receipt, SendOnceError> {
        self.outbox.send_once(key.as_ref(), message.into())
    }

    /// The receipt of an earlier message, by its [`epoch`](Receipt::epoch) and id. A later epoch
    /// works, too, if ids went on counting since then, for example the epoch of the `sent` event.
    /// `None`: the message is not known, or not known any more.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let receipt = feed.send("hello")?;
    /// let (epoch, id) = (receipt.epoch(), receipt.id());
    ///
    /// // Elsewhere, where these two numbers were written down.
    /// let receipt = feed.receipt_in(epoch, id).ok_or("not known any more")?;
    /// println!("{}", receipt.now().as_str());
    /// # assert_eq!(receipt.id(), id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receipt_in(&self, epoch: u32, id: u64) -> Option<Receipt> {
        self.outbox.receipt_in(epoch, id)
    }

    /// The receipt of an earlier message, by its id. `None` if the id was never given out.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let id = feed.send("hello")?.id();
    /// let receipt = feed.receipt(id).ok_or("never given out")?;
    /// assert_eq!(receipt.id(), id);
    /// assert!(feed.receipt(id + 1).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receipt(&self, id: u64) -> Option<Receipt> {
        self.outbox.receipt(id)
    }

    /// The fate of an earlier message, by its id. `None` if the id was never given out.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::Fate;
    ///
    /// let id = feed.send("hello")?.id();
    /// assert_eq!(feed.fate(id), Some(Fate::Queued)); // the name is not up
    /// assert_eq!(feed.fate(id + 1), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fate(&self, id: u64) -> Option<Fate> {
        self.receipt(id).map(|receipt| receipt.now())
    }
}
