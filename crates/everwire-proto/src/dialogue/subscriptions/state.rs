//! Where a subscription stands.

use serde::Serialize;

/// Where a subscription stands on the socket that serves. Without a socket each is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It waits for a socket, or for its turn there.
    Wanted,
    /// The peer was asked.
    Sent,
    /// The peer has taken it; or was asked, where nothing says what it answers.
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

    /// Whether the peer has been asked for it, and has not said that it has it not.
    pub fn is_on_the_wire(self) -> bool {
        matches!(self, Self::Sent | Self::Active)
    }

    /// Whether it has failed: it is asked for again, three times.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Refused | Self::Unanswered | Self::Ended)
    }
}
