//! What a subscriber is told that is no event of any name.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    kind::KIND_NAMES,
    times::{as_millis, as_rfc3339},
};

/// What has no place in any name's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// This subscriber was too slow and missed events; it stands where they are missing, before the first event behind them.
    Lagged(Lagged),
    /// Our own side stood still: what was late meanwhile is not blamed on peers.
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
        // They stand behind the events.
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
    /// How many events it missed, in all, since it was last told; `None` where a reader resumes from so long ago that they
    /// cannot be counted any more.
    pub missed: Option<u64>,
    /// When it was told.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Timestamp,
}

impl Lagged {
    /// So many are missing, as is told now.
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
    /// When that was noticed.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Timestamp,
}

/// What stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StallReason {
    /// A thread of ours got no time, or something blocked it.
    Arbiter,
    /// The machine: its two clocks disagree about how much time has passed.
    Clock,
}
