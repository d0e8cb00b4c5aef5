//! Growing output of decompression.

use flate2::{Decompress, FlushDecompress, Status};

/// How many bytes beyond the input's length are allocated at first.
const AHEAD: usize = 64 << 10;

/// A message that grows as it is decompressed, up to a limit.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    max: usize,
}

/// How decompression ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// All input was read, and more may follow.
    On,
    /// The data ended after this many bytes of the input.
    Ended(usize),
}

/// Why decompression failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Invalid,
    TooBig,
}

impl Output {
    /// Nothing yet.
    pub fn new(max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max,
        }
    }

    /// Decompresses all of `input`, or up to the end of its data. Memory grows by doubling as
    /// output comes, and beyond `max` only by the byte that shows that there is too much.
    pub fn inflate(&mut self, state: &mut Decompress, input: &[u8]) -> Result<Ran, Fault> {
        let begin = state.total_in();
        loop {
            let read = (state.total_in() - begin) as usize;
            let rest = &input[read..];
            self.make_room(rest.len());
            let len = self.bytes.len();
            let status = state
                .decompress_vec(rest, &mut self.bytes, FlushDecompress::None)
                .map_err(|_| Fault::Invalid);
            if self.bytes.len() > self.max {
                return Err(Fault::TooBig);
            }
            let now_read = (state.total_in() - begin) as usize;
            let has_room = self.bytes.len() < self.bytes.capacity();
            if status? == Status::StreamEnd {
                return Ok(Ran::Ended(now_read));
            }
            if now_read == input.len() && has_room {
                return Ok(Ran::On);
            }
            if now_read == read && self.bytes.len() == len {
                return Err(Fault::Invalid);
            }
        }
    }

    /// The length limit.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The allocated memory, in bytes.
    pub fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Takes the output, in exactly the memory that it needs.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > bytes.len() + bytes.len() / 4 {
            bytes.shrink_to_fit();
        }
        bytes
    }

    /// Makes room for at least a byte.
    fn make_room(&mut self, arriving: usize) {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        if len < capacity {
            return;
        }
        let expected = arriving.saturating_mul(4).clamp(64, AHEAD);
        let grown = capacity.saturating_mul(2).max(expected);
        let ceiling = self.max.saturating_add(1).max(len + 1);
        self.bytes.reserve_exact(grown.min(ceiling) - len);
    }
}
