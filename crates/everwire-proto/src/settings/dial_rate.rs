//! How often a host may be dialled.

use std::{num::NonZeroU32, time::Duration};

/// `[service.hosts."HOST"]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostSettings {
    /// Limits how many dials to this host may start within a period.
    pub dial_rate: Rate,
    /// The most handshakes in flight to this host.
    pub max_handshakes: NonZeroU32,
}

/// How often something may happen: `"200/s"`, `"300/5m"`, `"unlimited"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// No limit.
    #[default]
    Unlimited,
    /// At most `count` in any `per`.
    Limited {
        /// How many.
        count: NonZeroU32,
        /// The period; more than zero.
        per: Duration,
    },
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            dial_rate: Rate::Unlimited,
            max_handshakes: const { NonZeroU32::new(16).unwrap() },
        }
    }
}
