//! The result of the steps before a dial, as its socket keeps it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use everwire_proto::dialogue::Prepared;

use crate::core::Cause;

/// The result of the steps before a dial.
#[derive(Debug, Default)]
pub(crate) struct PreparedDial {
    /// The captured values.
    pub prepared: Prepared,
    /// The shared result that was used, if any.
    pub shared: Option<Generation>,
}

impl PreparedDial {
    /// Whether a dial may use it: the peer has not refused the shared result meanwhile.
    pub fn is_good(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| !shared.is_stale())
    }
}

/// One of the results of a `[prepare.KEY]`.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    number: u64,
    /// Results up to this generation are no longer used.
    stale: Arc<AtomicU64>,
}

impl Generation {
    pub fn new(number: u64, stale: Arc<AtomicU64>) -> Self {
        Self { number, stale }
    }

    /// Marks this result and all older ones as no longer valid, because the peer does not accept
    /// it.
    pub fn discard(&self) {
        self.stale.fetch_max(self.number, Ordering::Relaxed);
    }

    fn is_stale(&self) -> bool {
        self.number <= self.stale.load(Ordering::Relaxed)
    }

    /// The same, if the peer refused a dial that used it.
    pub fn discard_if_refused(&self, cause: &Cause) {
        let status = match cause {
            Cause::HandshakeStatus { .. } | Cause::Redirected { .. } => cause.status(),
            _ => None,
        };
        if let Some(401 | 403) = status {
            self.discard();
        }
    }
}
