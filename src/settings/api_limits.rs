//! `service.api_limits`: limits for settings that come over the API.

use std::time::Duration;

/// The longest duration that is accepted: a year. Far below what would overflow a clock.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `[service.api_limits]`: upper limits of what comes over the API.
///
/// A value may be as large as its limit. If a name without keys has a larger value, that is
/// allowed, too: `[defaults]` are the operator's decision. Values from a group are limited, since
/// the settings choose the group.
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
/// Where messages are counted, each counts as [`ApiLimits::MESSAGE_BYTES`], since it costs memory
/// beside its payload: an outbox of 16 MiB may hold at most 65,536 of them.
///
/// Other durations have no limit, since longer ones cost nobody more: those of `reconnect`,
/// `idle_timeout` and `rotate_after` mean fewer dials, `outbox.ttl` is unlimited by default, and a
/// rate's `per` has its own bound.
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
    /// How many names a token may put if it does not reach all names. Existing names stay when the
    /// limit is lowered.
    pub names: usize,
}

impl ApiLimits {
    /// The bytes that a message counts as where messages are counted.
    pub const MESSAGE_BYTES: usize = 256;

    /// No limits: for settings that were accepted before.
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
