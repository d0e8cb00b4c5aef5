//! Subscriptions of callers, compiled like those of the settings.

use everwire_proto::dialogue::{Holder, SubscriptionStatus};

use super::compile_subscription;
use crate::{
    Handle, HoldError, Manager, SubscriptionWish, connection::RecalledWish, core::ConnectionName,
};

impl Manager {
    /// Restores the subscription of a caller from an earlier process. If the name is not open yet,
    /// it gets the subscription when it is opened, before its first dial, so that the outbox waits
    /// for it. If the settings do not allow it any more, an `error` event of the name says so.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = "[connections.feed]\nurl = 'ws://localhost:9/'\nenabled = false\nsubscribe = { on = '{\"sub\":${items}}' }";
    /// # let mut settings = everwire::Settings::from_toml(file)?;
    /// # let feed = settings.connections.remove("feed").ok_or("no feed")?;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// use everwire::{SubscriptionWish, core::ConnectionName, dialogue::Holder};
    ///
    /// let name = ConnectionName::new("feed")?;
    /// manager.recall_subscription(&name, "trades", SubscriptionWish::default(), Holder::Api);
    /// manager.open("feed", feed)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn recall_subscription(
        &self,
        name: &ConnectionName,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
    ) {
        let wish = RecalledWish {
            key: key.into(),
            wish,
            holder,
            compile: compile_subscription,
        };
        self.recall_compiled(name, wish);
    }
}

impl Handle {
    /// Subscribes to `key` without another socket: see [`SubscriptionWish`]. The subscription
    /// survives reconnects, rotations and a death of the name's actor, as long as anybody holds it.
    /// Holding it again changes nothing. A caller that stops waiting for the answer holds only what
    /// it held before.
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
    /// let held = feed.hold_subscription("trades", wish, Holder::Api).await?;
    /// assert_eq!(held.state.as_str(), "wanted");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`HoldError`] with the reason and a remedy; nothing has changed then.
    pub async fn hold_subscription(
        &self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
    ) -> Result<SubscriptionStatus, HoldError> {
        self.hold_compiled(key, wish, holder, compile_subscription)
            .await
    }
}
