//! A change of a subscription's state.

use std::sync::Arc;

use super::state::SubscriptionState;

/// A change of a subscription's state on the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// Its key.
    pub key: Arc<str>,
    /// Its state.
    pub state: SubscriptionState,
    /// The start of the peer's refusal, masked, or a description of the error.
    pub text: Option<Box<str>>,
}
