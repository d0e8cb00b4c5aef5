//! Boots: the lives of nodes.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Join, Labels};

/// One life of a node: a random number, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BootId(u64);

/// A boot that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The name of its node.
    pub node: Box<str>,
    /// Its share, beside the weights of others.
    pub weight: u32,
    /// What it has, for names with a `place`.
    pub labels: Labels,
    /// How long it may write after a renewal, before the margin is subtracted.
    pub lease: Duration,
    /// How far the clocks of two nodes may be apart after a lease.
    pub margin: Duration,
    /// The number of its last renewal; 0 after its join.
    pub renewal: u64,
    /// Whether it has read the log without a break for lease + margin.
    pub is_settled: bool,
    /// Whether it is given no more, and gives away what it has.
    pub drains: bool,
}

impl BootId {
    /// The boot with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl Boot {
    pub(super) fn new(join: &Join) -> Self {
        Self {
            node: join.node.clone(),
            weight: join.weight,
            labels: join.labels.clone(),
            lease: Duration::from_millis(join.lease_ms),
            margin: Duration::from_millis(join.margin_ms),
            renewal: 0,
            is_settled: false,
            drains: false,
        }
    }

    /// After this time without a renewal it has stopped writing, by any clock.
    pub fn silence(&self) -> Duration {
        self.lease.saturating_add(self.margin)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BootId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl TryFrom<String> for BootId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BootId> for String {
    fn from(boot: BootId) -> Self {
        boot.to_string()
    }
}
