//! Headers and control frames that arrive in pieces.

use bytes::{Buf, Bytes};

use super::{Header, Opcode, Violation, header::MAX_UNMASKED};

/// The first bytes of a header.
#[derive(Debug, Default)]
pub(super) struct HeaderStart {
    bytes: [u8; MAX_UNMASKED],
    len: u8,
}

impl HeaderStart {
    /// Takes the rest of the header from `input`; `None`: it took all of `input`, and needs more.
    /// `deflate`: whether permessage-deflate was agreed on.
    pub(super) fn complete(
        &mut self,
        input: &mut Bytes,
        deflate: bool,
    ) -> Result<Option<Header>, Violation> {
        let had = usize::from(self.len);
        let parsed = if had == 0 {
            Header::parse_extended(input, deflate)?
        } else {
            let more = input.len().min(MAX_UNMASKED - had);
            self.bytes[had..had + more].copy_from_slice(&input[..more]);
            Header::parse_extended(&self.bytes[..had + more], deflate)?
        };
        if let Some((header, size)) = parsed {
            input.advance(size - had);
            return Ok(Some(header));
        }
        // An incomplete header is shorter than the longest one, so it has room.
        let len = had + input.len();
        self.bytes[had..len].copy_from_slice(input);
        self.len = len as u8;
        input.clear();
        Ok(None)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A partly received control frame.
#[derive(Debug)]
pub(super) struct ControlStart {
    pub(super) opcode: Opcode,
    len: usize,
    payload: Vec<u8>,
}

impl ControlStart {
    /// A control frame with a payload of `len` bytes, at most [`MAX_CONTROL`](super::MAX_CONTROL).
    pub(super) fn new(opcode: Opcode, len: usize) -> Self {
        Self {
            opcode,
            len,
            payload: Vec::with_capacity(len),
        }
    }

    /// Takes the rest of the payload from `input`; returns itself if it needs more.
    pub(super) fn complete(mut self, input: &mut Bytes) -> Result<Bytes, Self> {
        let lacking = self.len - self.payload.len();
        let piece = input.split_to(lacking.min(input.len()));
        self.payload.extend_from_slice(&piece);
        if self.payload.len() < self.len {
            return Err(self);
        }
        Ok(self.payload.into())
    }

    /// The memory held on the heap, in bytes.
    pub(super) fn footprint(&self) -> usize {
        self.payload.capacity()
    }
}
