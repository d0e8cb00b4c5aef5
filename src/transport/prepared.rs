//! What was done before a dial, as its socket has it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use everwire_proto::dialogue::Prepared;

use crate::core::Cause;

/// What was done before a dial.
#[derive(Debug, Default)]
pub(crate) struct PreparedDial {
    /// What was captured.
    pub prepared: Prepared,
    /// Which of the results it is that names share.
    pub shared: Option<Generation>,
}

impl PreparedDial {
    /// Whether a dial may be made with it: no other one has shown meanwhile that the peer does not take what names share.
    pub fn is_good(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| !shared.is_stale())
    }
}

/// One of the results of a `[prepare.KEY]`.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    number: u64,
    /// Up to which the results are not taken any more.
    stale: Arc<AtomicU64>,
}

impl Generation {
    pub fn new(number: u64, stale: Arc<AtomicU64>) -> Self {
        Self { number, stale }
    }

    /// The peer does not take it: nobody gets it, or an older one, any more.
    pub fn discard(&self) {
        self.stale.fetch_max(self.number, Ordering::Relaxed);
    }

    fn is_stale(&self) -> bool {
        self.number <= self.stale.load(Ordering::Relaxed)
    }

    /// The same if the peer refused a dial that was made with it.
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
