//! States that are not in use.

use std::fmt;

use flate2::{Compress, Decompress};

use super::state::{self, Kind};

/// How many states of each kind wait for their next use. More than one are in use at a time only while messages arrive
/// or leave in pieces.
const MOST: usize = 4;

/// States for messages that are compressed on their own, so that a connection needs none between two of them. At most
/// four of each kind wait here; what messages borrow beyond is freed behind them.
#[derive(Default)]
pub struct StatePool {
    inflate: Vec<Decompress>,
    deflate: Vec<(Kind, Compress)>,
}

/// Where connections find their [`StatePool`]: it belongs to whoever runs the connections.
pub trait Lend: fmt::Debug + Send + Sync {
    /// Calls `work` once with the pool.
    fn lend(&self, work: &mut dyn FnMut(&mut StatePool));
}

/// Keeps no states: each message makes its own.
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

/// Takes back what [`take_inflate`] gave.
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

/// Takes back what [`take_deflate`] gave for this kind. The oldest makes room.
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
