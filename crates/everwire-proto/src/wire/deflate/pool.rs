//! Unused compression states.

use std::fmt;

use flate2::{Compress, Decompress};

use super::state::{self, Kind};

/// How many states of each kind are kept. More than one are in use at a time only while messages
/// arrive or leave in pieces.
const MOST: usize = 4;

/// States for messages that are compressed on their own, so that a connection needs none between
/// messages. At most four of each kind are kept; further ones are freed after use.
#[derive(Default)]
pub struct StatePool {
    inflate: Vec<Decompress>,
    deflate: Vec<(Kind, Compress)>,
}

/// Gives connections access to their [`StatePool`], which belongs to their runtime.
pub trait Lend: fmt::Debug + Send + Sync {
    /// Calls `work` once with the pool.
    fn lend(&self, work: &mut dyn FnMut(&mut StatePool));
}

/// Keeps no states: each message creates its own.
#[derive(Clone, Copy, Debug)]
pub struct NoPool;

impl Lend for NoPool {
    fn lend(&self, work: &mut dyn FnMut(&mut StatePool)) {
        work(&mut StatePool::default());
    }
}

/// A state for one message, without header and trailer.
pub(crate) fn take_inflate(lender: &dyn Lend) -> Decompress {
    let mut spare = None;
    lender.lend(&mut |pool| spare = pool.inflate.pop());
    spare.unwrap_or_else(state::decompressor)
}

/// Returns the state from [`take_inflate`].
pub(crate) fn put_inflate(lender: &dyn Lend, mut state: Decompress) {
    state.reset(false);
    let mut state = Some(state);
    lender.lend(&mut |pool| {
        if pool.inflate.len() < MOST {
            pool.inflate.extend(state.take());
        }
    });
}

pub(super) fn take_deflate(lender: &dyn Lend, kind: Kind) -> Compress {
    let mut spare = None;
    lender.lend(&mut |pool| {
        let at = pool.deflate.iter().rposition(|(own, _)| *own == kind);
        spare = at.map(|at| pool.deflate.remove(at).1);
    });
    spare.unwrap_or_else(|| state::compressor(kind))
}

/// Returns the state from [`take_deflate`]. The oldest one makes room.
pub(super) fn put_deflate(lender: &dyn Lend, kind: Kind, mut state: Compress) {
    state.reset();
    let mut state = Some(state);
    lender.lend(&mut |pool| {
        if pool.deflate.len() >= MOST {
            pool.deflate.remove(0);
        }
        pool.deflate.extend(state.take().map(|state| (kind, state)));
    });
}

impl fmt::Debug for StatePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spares")
            .field("inflate", &self.inflate.len())
            .field("deflate", &self.deflate.len())
            .finish()
    }
}
