//! What memory is used for, and how much.

/// What memory is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryUse {
    /// What names said last, for those who come back.
    Histories,
    /// What waits to be sent, what is remembered of it, and what callers subscribe to.
    Outboxes,
    /// Messages of which a part has arrived.
    Reassembly,
    /// Events that wait for those who read them.
    Readers,
    /// Bodies of requests, until what they bring is accepted.
    Bodies,
    /// The same of requests that must go on when others are refused.
    OperatorBodies,
}

impl MemoryUse {
    /// How many there are.
    pub(super) const COUNT: usize = 6;

    /// How much of a limit may be used in all when more is taken for this.
    pub(super) fn ceiling(self, limit: usize) -> usize {
        match self {
            Self::Histories => limit / 2,
            Self::Readers => limit - limit / 4,
            Self::Outboxes | Self::Bodies => limit - limit / 10,
            // Small events find room behind all else: an operator must see what happens.
            Self::Reassembly | Self::OperatorBodies => limit - limit / 64,
        }
    }
}

/// There is no memory left for what was asked for.
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
    /// The bound over all: `service.memory`.
    pub limit: usize,
    /// The bound over what names said last: `service.history_bytes`, or half of `limit` where that is less.
    pub histories_limit: usize,
    /// What names said last.
    pub histories: usize,
    /// What waits to be sent, what is remembered of it, and what callers subscribe to.
    pub outboxes: usize,
    /// Messages of which a part has arrived.
    pub reassembly: usize,
    /// Events that wait for those who read them.
    pub readers: usize,
    /// Bodies of requests, until what they bring is accepted.
    pub bodies: usize,
}

impl MemoryUsage {
    /// The sum of all uses.
    pub fn used(&self) -> usize {
        self.histories + self.outboxes + self.reassembly + self.readers + self.bodies
    }
}
