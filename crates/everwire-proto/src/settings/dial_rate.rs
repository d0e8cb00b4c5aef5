//! How often a host may be dialled.

use std::{num::NonZeroU32, time::Duration};

/// `[service.hosts."HOST"]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostSettings {
    /// Dials to this host in a time.
    pub dial_rate: Rate,
    /// Handshakes in flight to this host.
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
        /// In which time; more than zero.
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
