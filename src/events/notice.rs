//! Notices: updates that are not events of a name.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    kind::KIND_NAMES,
    times::{as_millis, as_rfc3339},
};

/// An update without a number in any name's sequence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// This subscriber was too slow and missed events. The notice stands where they are missing,
    /// before the next event.
    Lagged(Lagged),
    /// This process stood still. Delays during that time are not blamed on peers.
    Stalled(Stalled),
}

impl Notice {
    /// The `type` of the JSON form.
    ///
    /// ```
    /// use everwire::{Notice, events::Lagged};
    ///
    /// let notice = Notice::Lagged(Lagged { missed: Some(3), at: jiff::Timestamp::UNIX_EPOCH });
    /// assert_eq!(notice.as_str(), "lagged");
    /// ```
    pub fn as_str(&self) -> &'static str {
        // Notices come after the events.
        let [.., lagged, stalled] = KIND_NAMES else {
            return "";
        };
        match self {
            Self::Lagged(_) => lagged,
            Self::Stalled(_) => stalled,
        }
    }
}

/// See [`Notice::Lagged`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lagged {
    /// How many events the subscriber missed since the last notice. `None` if a reader resumes from
    /// a place so old that they cannot be counted.
    pub missed: Option<u64>,
    /// When the notice was made.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Timestamp,
}

impl Lagged {
    /// A notice of `missed` events, with the current time.
    pub(crate) fn now(missed: Option<u64>) -> Notice {
        let at = Timestamp::now();
        Notice::Lagged(Self { missed, at })
    }
}

/// See [`Notice::Stalled`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stalled {
    /// What stood still.
    pub reason: StallReason,
    /// For how long.
    #[serde(rename = "by_ms", serialize_with = "as_millis")]
    pub by: Duration,
    /// When it was noticed.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Timestamp,
}

/// What stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StallReason {
    /// A thread of this process got no CPU time, or something blocked it.
    Arbiter,
    /// The machine: its two clocks disagree about the time that has passed.
    Clock,
}
