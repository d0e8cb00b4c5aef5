//! A subscription stands somewhere else.

use std::sync::Arc;

use super::state::SubscriptionState;

/// A subscription stands somewhere else on the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// Its key.
    pub key: Arc<str>,
    /// Where it stands.
    pub state: SubscriptionState,
    /// What the peer said when it refused or ended it, masked, the start of it; or what was wrong.
    pub text: Option<Box<str>>,
}
