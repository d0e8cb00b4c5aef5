//! Compression states of zlib, and their parameters.

use flate2::{Compress, Compression, Decompress};

use super::WindowBits;

/// The parameters of a state.
pub(super) type Kind = (Level, WindowBits);

/// The compression level: from 1, fast, to 9, small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// `None` outside of 1 to 9.
    pub const fn new(level: u8) -> Option<Self> {
        match level {
            1..=9 => Some(Self(level)),
            _ => None,
        }
    }

    /// The number itself.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    /// 6, the usual compromise.
    fn default() -> Self {
        Self(6)
    }
}

/// A new state.
pub(super) fn compressor((level, window): Kind) -> Compress {
    let level = Compression::new(level.get().into());
    Compress::new_with_window_bits(level, false, window.get().max(9))
}

/// A new state. Its window is the largest: a smaller one would save no memory, and encoders with 8
/// bits use 9.
pub(super) fn decompressor() -> Decompress {
    Decompress::new(false)
}
