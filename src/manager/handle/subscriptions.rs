//! Subscriptions that callers hold.

use everwire_proto::dialogue::{Holder, SubscriptionStatus};

use super::Handle;
use crate::{
    connection::{
        Asked, ConnectionGone, HoldError, HoldSubscription, ReleaseSubscription,
        RetrySubscriptions, Subscriptions,
    },
    settings::{CompileSubscription, SubscriptionWish},
};

/// Undoes a call unless its answer arrives: on a timeout, a dropped future or a dead actor.
struct Unheard<F: FnMut()> {
    undo: F,
    was_heard: bool,
}

impl<F: FnMut()> Unheard<F> {
    fn new(undo: F) -> Self {
        Self {
            undo,
            was_heard: false,
        }
    }

    fn was_heard(mut self) {
        self.was_heard = true;
    }
}

impl<F: FnMut()> Drop for Unheard<F> {
    fn drop(&mut self) {
        if !self.was_heard {
            (self.undo)();
        }
    }
}

impl Handle {
    /// See `hold_subscription`.
    pub(crate) async fn hold_compiled(
        &self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
        compile: CompileSubscription,
    ) -> Result<SubscriptionStatus, HoldError> {
        let asked = Asked::default();
        let hold = HoldSubscription {
            key: key.into(),
            wish,
            holder,
            compile,
            asked: asked.clone(),
        };
        let unheard = Unheard::new(|| asked.abandon(&self.outbox, key, holder));
        let held = self.addr.send(hold).await;
        let held = held.map_err(ConnectionGone::of_mailbox)?;
        unheard.was_heard();
        held
    }

    /// Releases a subscription. If nobody else holds it, the peer is told to end it. `true` if this
    /// holder was the only one, so the subscription is gone. The release also takes effect if the
    /// caller stops waiting or the actor dies.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "config")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let file = "[connections.feed]\nurl = 'ws://localhost:9/'\nenabled = false\nsubscribe = { on = '{\"sub\":${items}}' }";
    /// # let mut settings = everwire::Settings::from_toml(file)?;
    /// # let feed = settings.connections.remove("feed").ok_or("no feed")?;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// # let feed = manager.open("feed", feed)?;
    /// use everwire::{SubscriptionWish, dialogue::Holder};
    ///
    /// let wish = SubscriptionWish::default();
    /// feed.hold_subscription("trades", wish, Holder::Api).await?;
    /// assert!(feed.release_subscription("trades", Holder::Api).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`HoldError`].
    pub async fn release_subscription(&self, key: &str, holder: Holder) -> Result<bool, HoldError> {
        let release = ReleaseSubscription {
            key: key.into(),
            holder,
        };
        let unheard = Unheard::new(|| self.outbox.unwish(key, holder));
        let released = self.addr.send(release).await;
        let released = released.map_err(ConnectionGone::of_mailbox)?;
        unheard.was_heard();
        released
    }

    /// Asks again, at once, for each subscription that the peer has refused, not answered, or
    /// ended. Returns their number.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "config")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let file = "[connections.feed]\nurl = 'ws://localhost:9/'\nenabled = false\nsubscribe = { on = '{\"sub\":${items}}' }";
    /// # let mut settings = everwire::Settings::from_toml(file)?;
    /// # let feed = settings.connections.remove("feed").ok_or("no feed")?;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// # let feed = manager.open("feed", feed)?;
    /// let retried = feed.retry_subscriptions().await?;
    /// println!("{retried} are asked for again");
    /// # assert_eq!(retried, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn retry_subscriptions(&self) -> Result<usize, ConnectionGone> {
        let retried = self.addr.send(RetrySubscriptions).await;
        retried.map_err(ConnectionGone::of_mailbox)
    }

    /// The subscriptions of the name, in the order in which they were first requested.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "config")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let file = "[connections.feed]\nurl = 'ws://localhost:9/'\nenabled = false\nsubscribe = { on = '{\"sub\":${items}}' }";
    /// # let mut settings = everwire::Settings::from_toml(file)?;
    /// # let feed = settings.connections.remove("feed").ok_or("no feed")?;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// # let feed = manager.open("feed", feed)?;
    /// for subscription in feed.subscriptions().await? {
    ///     println!("{} is {}", subscription.key, subscription.state.as_str());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, ConnectionGone> {
        let told = self.addr.send(Subscriptions).await;
        told.map_err(ConnectionGone::of_mailbox)
    }
}
