//! The subscriptions of a name: those that callers hold, and what the socket that serves knows of all of them.

use everwire_proto::dialogue::{Holder, SubscriptionCounts, SubscriptionStatus};

use super::ActorState;
use crate::{
    connection::HoldError,
    settings::{CompileSubscription, SubscriptionWish},
};

impl ActorState {
    /// A caller holds a subscription.
    pub(in crate::connection) fn hold_subscription(
        &mut self,
        _key: &str,
        _wish: SubscriptionWish,
        _holder: Holder,
        _compile: CompileSubscription,
    ) -> Result<SubscriptionStatus, HoldError> {
        Err(HoldError::NoSubscribe)
    }

    /// A caller lets go of a subscription; whether nobody holds it any more.
    pub(in crate::connection) fn release_subscription(
        &mut self,
        _key: &str,
        _holder: Holder,
    ) -> Result<bool, HoldError> {
        Err(HoldError::NoSubscribe)
    }

    /// Those that have failed are asked for again; how many those are.
    pub(in crate::connection) fn retry_subscriptions(&mut self) -> usize {
        0
    }

    /// All of them.
    pub(in crate::connection) fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        Vec::new()
    }

    /// How many of them stand where; `None`: there is none.
    pub(in crate::connection) fn subscription_counts(&self) -> Option<SubscriptionCounts> {
        None
    }
}
