//! The status of subscriptions.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{holder::Holder, state::SubscriptionState};

/// The status of a subscription. Serialized it is the JSON of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriptionStatus {
    /// Its key.
    #[serde(serialize_with = "key")]
    pub key: Arc<str>,
    /// Its state.
    pub state: SubscriptionState,
    /// The start of the peer's refusal, masked, or a description of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its holders.
    pub holders: Vec<Holder>,
    /// The item as it was written, as JSON: not rendered.
    pub item: String,
    /// How many messages belonged to it, on this and earlier sockets.
    pub routed: u64,
}

/// The number of subscriptions by state. Serialized it has a member for each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriptionCounts {
    /// [`SubscriptionState::Wanted`].
    pub wanted: usize,
    /// [`SubscriptionState::Sent`].
    pub sent: usize,
    /// [`SubscriptionState::Active`].
    pub active: usize,
    /// [`SubscriptionState::Refused`].
    pub refused: usize,
    /// [`SubscriptionState::Unanswered`].
    pub unanswered: usize,
    /// [`SubscriptionState::Ended`].
    pub ended: usize,
}

impl SubscriptionCounts {
    /// The number in this state.
    pub fn of(&self, state: SubscriptionState) -> usize {
        match state {
            SubscriptionState::Wanted => self.wanted,
            SubscriptionState::Sent => self.sent,
            SubscriptionState::Active => self.active,
            SubscriptionState::Refused => self.refused,
            SubscriptionState::Unanswered => self.unanswered,
            SubscriptionState::Ended => self.ended,
        }
    }

    /// The same, mutable.
    pub(super) fn of_mut(&mut self, state: SubscriptionState) -> &mut usize {
        match state {
            SubscriptionState::Wanted => &mut self.wanted,
            SubscriptionState::Sent => &mut self.sent,
            SubscriptionState::Active => &mut self.active,
            SubscriptionState::Refused => &mut self.refused,
            SubscriptionState::Unanswered => &mut self.unanswered,
            SubscriptionState::Ended => &mut self.ended,
        }
    }

    /// The total.
    pub fn total(&self) -> usize {
        let all = SubscriptionState::ALL.map(|state| self.of(state));
        all.iter().sum()
    }
}

fn key<S: Serializer>(key: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key)
}
