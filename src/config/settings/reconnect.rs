//! What happens after a loss.

use std::{num::NonZeroU32, time::Duration};

/// What happens after a loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconnect {
    /// The first loss is final: the name fails.
    Never,
    /// Dial again, after a delay.
    Backoff(Backoff),
}

/// The delays between dials: uniform in `[min, cap]`, `cap = min(max, initial × factor^attempt)`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Backoff {
    /// No delay is shorter, but the one before another URL, which is drawn from zero to `initial`.
    pub min: Duration,
    /// The first cap; at least `min`.
    pub initial: Duration,
    /// No cap is longer; at least `initial`.
    pub max: Duration,
    /// How fast the cap grows; at least 1.
    pub factor: f64,
    /// How a delay is drawn below the cap.
    pub jitter: Jitter,
    /// A socket must be up so long before the attempts count from zero again.
    pub stable_after: Duration,
    /// Give up after so many failed attempts in a row; with several URLs when each of them has failed so often.
    pub max_attempts: Option<NonZeroU32>,
    /// Causes after which there is no further attempt.
    pub give_up_on: Vec<GiveUpRule>,
}

/// How a delay is drawn below the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Uniform in `[min, cap]`.
    #[default]
    Full,
    /// The cap itself.
    None,
}

/// A cause after which there is no further attempt. `Display` gives the text of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiveUpRule {
    /// `status:401` or `status:400-499`: the HTTP status of a refused handshake, or of a proxy's answer to CONNECT.
    Status(std::ops::RangeInclusive<u16>),
    /// `close:4010-4014`: the close code that the peer sent; 1005 stands for a close frame without one, 1006 for the end of a
    /// socket without a close frame.
    Close(std::ops::RangeInclusive<u16>),
    /// `cause:refused`: one of [`Cause::KINDS`](crate::core::Cause::KINDS).
    Cause(&'static str),
}

impl std::fmt::Display for GiveUpRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, range) = match self {
            Self::Status(range) => ("status", range),
            Self::Close(range) => ("close", range),
            Self::Cause(cause) => return write!(f, "cause:{cause}"),
        };
        match (range.start(), range.end()) {
            (first, last) if first == last => write!(f, "{kind}:{first}"),
            (first, last) => write!(f, "{kind}:{first}-{last}"),
        }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::Backoff(Backoff::default())
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(100),
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            factor: 2.0,
            jitter: Jitter::Full,
            stable_after: Duration::from_secs(10),
            max_attempts: None,
            give_up_on: Vec::new(),
        }
    }
}
