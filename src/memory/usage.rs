//! What memory is used for, and how much.

/// What memory is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryUse {
    /// The last messages of names, for readers that resume.
    Histories,
    /// Waiting messages, what is remembered of sent ones, and callers' subscriptions.
    Outboxes,
    /// Messages that have arrived in part.
    Reassembly,
    /// Events that wait for readers.
    Readers,
    /// Bodies of requests, until their contents are accepted.
    Bodies,
    /// Bodies of requests that must succeed when others are refused.
    OperatorBodies,
}

impl MemoryUse {
    pub(super) const COUNT: usize = 6;

    /// How much of `limit` all uses together may take when this use asks for more.
    pub(super) fn ceiling(self, limit: usize) -> usize {
        match self {
            Self::Histories => limit / 2,
            Self::Readers => limit - limit / 4,
            Self::Outboxes | Self::Bodies => limit - limit / 10,
            // Small events have room beyond all else: an operator must see what happens.
            Self::Reassembly | Self::OperatorBodies => limit - limit / 64,
        }
    }
}

/// There is no memory left for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all connections together have used up service.memory")]
pub struct OutOfMemory;

/// How much memory is used, and for what, in bytes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use everwire::{Manager, Settings};
///
/// let manager = Manager::spawn(Settings::default())?;
/// let usage = manager.memory_usage();
/// assert!(usage.used() < usage.limit);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUsage {
    /// The limit over all: `service.memory`.
    pub limit: usize,
    /// The limit of histories: `service.history_bytes`, or half of `limit` if that is less.
    pub histories_limit: usize,
    /// The last messages of names.
    pub histories: usize,
    /// Waiting messages, what is remembered of sent ones, and callers' subscriptions.
    pub outboxes: usize,
    /// Messages that have arrived in part.
    pub reassembly: usize,
    /// Events that wait for readers.
    pub readers: usize,
    /// Bodies of requests, until their contents are accepted.
    pub bodies: usize,
}

impl MemoryUsage {
    /// The sum of all uses.
    pub fn used(&self) -> usize {
        self.histories + self.outboxes + self.reassembly + self.readers + self.bodies
    }
}
