//! A caller holds a subscription of a name that runs: what it wants is compiled as the settings are.

use everwire_proto::dialogue::{Holder, SubscriptionStatus};

use super::compile_subscription;
use crate::{Handle, HoldError, SubscriptionWish};

impl Handle {
    /// Subscribes to `key`, without another socket: see [`SubscriptionWish`]. It stays over reconnects and rotations as long as anybody
    /// holds it. Holding it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`HoldError`] says what is wrong, and what would be right; nothing has changed then.
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
