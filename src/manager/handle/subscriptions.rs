//! Subscriptions that callers hold.

use everwire_proto::dialogue::{Holder, SubscriptionStatus};

use super::Handle;
use crate::{
    connection::{
        ConnectionGone, HoldError, HoldSubscription, ReleaseSubscription, RetrySubscriptions,
        Subscriptions,
    },
    settings::{CompileSubscription, SubscriptionWish},
};

impl Handle {
    /// See `hold_subscription`.
    pub(crate) async fn hold_compiled(
        &self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
        compile: CompileSubscription,
    ) -> Result<SubscriptionStatus, HoldError> {
        let hold = HoldSubscription {
            key: key.into(),
            wish,
            holder,
            compile,
        };
        let held = self.addr.send(hold).await;
        held.map_err(ConnectionGone::of_mailbox)?
    }

    /// Lets go of a subscription; where nobody else holds it, the peer is told to end it. Whether it was held by this holder alone, and is
    /// gone now.
    ///
    /// # Errors
    ///
    /// [`HoldError`].
    pub async fn release_subscription(&self, key: &str, holder: Holder) -> Result<bool, HoldError> {
        let release = ReleaseSubscription {
            key: key.into(),
            holder,
        };
        let released = self.addr.send(release).await;
        released.map_err(ConnectionGone::of_mailbox)?
    }

    /// Asks at once for each subscription again that the peer has refused, not answered, or ended; says how many those are.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn retry_subscriptions(&self) -> Result<usize, ConnectionGone> {
        let retried = self.addr.send(RetrySubscriptions).await;
        retried.map_err(ConnectionGone::of_mailbox)
    }

    /// The subscriptions of the name, in the order in which they were first wanted.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, ConnectionGone> {
        let told = self.addr.send(Subscriptions).await;
        told.map_err(ConnectionGone::of_mailbox)
    }
}
