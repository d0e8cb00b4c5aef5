//! Assembles data messages that arrive in pieces.

use bytes::{BufMut, Bytes, buf::Limit};

use super::{Incoming, Violation, utf8};

/// How many bytes beyond those that have arrived are allocated for an announced length.
const AHEAD: usize = 64 << 10;

/// A partly received message.
#[derive(Debug)]
pub(super) struct Gathering {
    payload: Vec<u8>,
    /// How much of a text was checked; `None` for a binary message.
    text: Option<utf8::Progress>,
    fragments: u32,
    /// Whether its data is compressed.
    compressed: bool,
}

/// The end of a data frame within its message.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameEnd {
    /// The size of the message once this frame is complete.
    pub(super) at: usize,
    /// Whether that is the whole message.
    pub(super) fin: bool,
}

impl Gathering {
    /// A message whose first frame has just begun.
    pub(super) fn new(text: bool) -> Self {
        Self {
            payload: Vec::new(),
            text: text.then(utf8::Progress::default),
            fragments: 1,
            compressed: false,
        }
    }

    /// A compressed message whose first frame has just begun.
    pub(super) fn compressed(text: bool) -> Self {
        Self {
            compressed: true,
            ..Self::new(text)
        }
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Counts another frame.
    pub(super) fn add_fragment(&mut self, limit: u32) -> Result<(), Violation> {
        if self.fragments >= limit {
            return Err(Violation::TooManyFragments { limit });
        }
        self.fragments += 1;
        Ok(())
    }

    /// How many bytes have arrived.
    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }

    /// How many bytes of the frame are missing.
    pub(super) fn lacks(&self, frame: FrameEnd) -> usize {
        frame.at.saturating_sub(self.len())
    }

    /// The memory held on the heap, in bytes.
    pub(super) fn footprint(&self) -> usize {
        size_of::<Self>() + self.payload.capacity()
    }

    /// Takes the frame's bytes from `input`. The message grows to at most `max`.
    pub(super) fn take(&mut self, input: &mut Bytes, frame: FrameEnd, max: usize) {
        let piece = input.split_to(input.len().min(self.lacks(frame)));
        self.make_room(piece.len(), frame, max);
        self.payload.extend_from_slice(&piece);
    }

    /// Memory for the missing bytes of the frame, or for the next part of them.
    pub(super) fn target(&mut self, frame: FrameEnd, max: usize) -> Limit<&mut Vec<u8>> {
        let lacking = self.lacks(frame);
        self.make_room(lacking.min(AHEAD / 2), frame, max);
        let room = self.payload.capacity() - self.len();
        (&mut self.payload).limit(lacking.min(room))
    }

    /// The buffer for decompressed data, with room for at least a byte. Beyond `max` there is
    /// exactly one byte, by which the caller sees that the message is too long.
    pub(super) fn inflated(&mut self, arriving: usize, max: usize) -> &mut Vec<u8> {
        let (len, capacity) = (self.len(), self.payload.capacity());
        if len == capacity {
            let expected = arriving.saturating_mul(4).clamp(64, AHEAD);
            let grown = capacity.saturating_mul(2).max(expected);
            let ceiling = max.saturating_add(1).max(len + 1);
            self.payload.reserve_exact(grown.min(ceiling) - len);
        }
        &mut self.payload
    }

    /// Frees memory that was allocated in advance, before somebody keeps the message.
    pub(super) fn shrink(&mut self) {
        if self.payload.capacity() > self.len() + self.len() / 4 {
            self.payload.shrink_to_fit();
        }
    }

    /// Checks the text that has arrived since the last call.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        match &mut self.text {
            Some(progress) => progress.advance(&self.payload),
            None => Ok(()),
        }
    }

    /// The complete message.
    #[allow(unsafe_code, reason = "see utf8::trust")]
    pub(super) fn finish(self) -> Result<Incoming, Violation> {
        let Some(progress) = self.text else {
            return Ok(Incoming::Binary(self.payload.into()));
        };
        progress.finish(&self.payload)?;
        // SAFETY: all that was appended went through `check`, and the end has just been judged.
        Ok(Incoming::Text(unsafe { utf8::trust(self.payload.into()) }))
    }

    /// Doubles the memory, so that each byte is moved only a few times. An announced length is
    /// trusted only for [`AHEAD`], and no more is allocated than the message can need.
    fn make_room(&mut self, arriving: usize, frame: FrameEnd, max: usize) {
        let needed = self.len() + arriving;
        if needed <= self.payload.capacity() {
            return;
        }
        let ahead = frame.at.min(self.len().saturating_add(AHEAD));
        let ceiling = if frame.fin { frame.at } else { max };
        let capacity = ahead
            .max(self.payload.capacity().saturating_mul(2))
            .min(ceiling);
        self.payload
            .reserve_exact(capacity.max(needed) - self.len());
    }
}
