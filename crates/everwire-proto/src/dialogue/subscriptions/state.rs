//! The state of a subscription.

use serde::Serialize;

/// The state of a subscription on the current socket. Without a socket it is `wanted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It waits for a socket, or for its turn there.
    Wanted,
    /// The peer was asked.
    Sent,
    /// The peer has accepted it; or was asked, if there is no `ack`.
    Active,
    /// The peer has refused it.
    Refused,
    /// The peer has not answered in time.
    Unanswered,
    /// The peer has ended it.
    Ended,
}

impl SubscriptionState {
    /// All states, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Wanted,
        Self::Sent,
        Self::Active,
        Self::Refused,
        Self::Unanswered,
        Self::Ended,
    ];

    /// The name that the API uses.
    ///
    /// ```
    /// use everwire_proto::dialogue::SubscriptionState;
    ///
    /// let names = SubscriptionState::ALL.map(SubscriptionState::as_str);
    /// assert_eq!(names, ["wanted", "sent", "active", "refused", "unanswered", "ended"]);
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Sent => "sent",
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Ended => "ended",
        }
    }

    /// Whether the peer was asked for it, and has not refused or ended it.
    pub fn is_on_the_wire(self) -> bool {
        matches!(self, Self::Sent | Self::Active)
    }

    /// Whether it has failed: it is asked for again, three times.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Refused | Self::Unanswered | Self::Ended)
    }
}
