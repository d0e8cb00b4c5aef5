//! `service.api_limits`: how much the settings that come over the API may ask for.

use std::time::Duration;

/// The longest duration that is accepted: a year. Far below what would overflow a clock.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `[service.api_limits]`: upper limits of what comes over the API.
///
/// A value may be as large as its limit, or as the one that a name has whose settings say nothing, where that is larger: the file's
/// `[defaults]` are the operator's decision. What a group gives is bounded, since a group is chosen in the settings.
///
/// | limit | keys | because |
/// |---|---|---|
/// | `timeout` | `connect_timeout` | a handshake holds a place of the dial budget for so long |
/// | | `close_timeout` | a removal, a rotation and the end of the process wait for so long |
/// | | `heartbeat.interval`, `heartbeat.timeout` | a dead peer holds a socket for so long, and requests that wait for `confirmed` |
/// | `max_message` | `max_message`, `max_frame` | memory for one message, and for the body of a request |
/// | `outbox` | `outbox.bytes`, `outbox.messages` | memory, and disk where it is durable |
/// | `history` | `history.bytes`, `history.messages` | the same |
///
/// Each message stands for [`ApiLimits::MESSAGE_BYTES`] where messages are counted, since it costs memory beside its payload: an outbox of
/// 16 MiB may hold at most 65,536 of them.
///
/// Other durations have no limit, since longer ones cost nobody more: those of `reconnect`, `idle_timeout` and `rotate_after` mean fewer
/// dials, `outbox.ttl` is for ever by default, and a rate's `per` is bounded by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiLimits {
    /// The longest timeout.
    pub timeout: Duration,
    /// The longest message and frame, in bytes.
    pub max_message: usize,
    /// The largest outbox, in bytes.
    pub outbox: usize,
    /// The largest history, in bytes.
    pub history: usize,
    /// How many names a token may have put that does not reach all names. Those that it has stay where the limit becomes lower.
    pub names: usize,
}

impl ApiLimits {
    /// What a message stands for where messages are counted, in bytes.
    pub const MESSAGE_BYTES: usize = 256;

    /// No limits: for settings that were accepted once.
    pub const NONE: Self = Self {
        timeout: MAX_DURATION,
        max_message: usize::MAX,
        outbox: usize::MAX,
        history: usize::MAX,
        names: usize::MAX,
    };
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            max_message: 16 << 20,
            outbox: 16 << 20,
            history: 16 << 20,
            names: 1000,
        }
    }
}
