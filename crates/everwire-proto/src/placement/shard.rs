//! Shards: the numbers of names, and who holds them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::BootId;

/// The most shards that a place can have.
pub const MAX_SHARDS: u32 = 16_384;

/// A shard of a place: the place's index × the number of shards + the shard's number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ShardId(u32);

/// The fencing token of a shard: each holder has a higher one than all before it.
///
/// It is the upper half of a name's epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Term(u16);

/// Who holds a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// The boot that holds it, with its token.
    pub holder: Option<(BootId, Term)>,
    /// The move that is under way; only if there is a holder.
    pub moving: Option<Moving>,
    /// The highest token that anybody was given.
    pub highest: Term,
}

/// A move that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moving {
    /// Who gets the shard.
    pub to: BootId,
    /// The token with which it gets it. A name that has crossed has it already.
    pub term: Term,
}

/// The number of a name's shard: FNV-1a (32 bit) of the name, modulo the number of shards.
///
/// ```
/// use everwire_proto::placement::shard_number;
///
/// assert_eq!(shard_number("a", 256), 0xe40c_292c % 256);
/// assert_eq!(shard_number("foobar", 256), 0xbf9c_f968 % 256);
/// ```
pub fn shard_number(name: &str, shards: u32) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % shards.max(1)
}

impl ShardId {
    /// The shard with this number in the place with this index.
    pub fn new(place: u32, shards: u32, number: u32) -> Self {
        Self(place.saturating_mul(shards).saturating_add(number))
    }

    /// Its position in a list of all shards.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    pub(super) fn get(self) -> u32 {
        self.0
    }
}

impl Term {
    /// A token.
    pub fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn get(self) -> u16 {
        self.0
    }

    /// The token after it; `None` after the 65,535th.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// The epoch of a name in its `restarts`th life under this token.
    ///
    /// ```
    /// use everwire_proto::placement::Term;
    ///
    /// assert_eq!(Term::new(2).epoch(1), 131_073);
    /// ```
    pub fn epoch(self, restarts: u16) -> u32 {
        u32::from(self.0) << 16 | u32::from(restarts)
    }
}

impl From<u32> for ShardId {
    fn from(index: u32) -> Self {
        Self(index)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
