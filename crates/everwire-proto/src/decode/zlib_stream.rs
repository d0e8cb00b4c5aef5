//! Messages that are parts of one zlib stream.

use flate2::Decompress;

use super::{
    error::{DecodeError, Format},
    inflate::begins_zlib,
    output::{Fault, Output, Ran},
    payload::Payload,
};
use crate::wire::deflate::TAIL as FLUSH;

/// The memory of a zlib stream with its window, in bytes, from the first message on: measured, and
/// independent of the peer's window.
pub const ZLIB_WINDOW: usize = 47 << 10;

/// The zlib stream of a socket. It owns no memory until the first message, and from then on its
/// window.
#[derive(Debug)]
pub(super) struct ZlibStream {
    state: State,
    output: Output,
    /// How many bytes of the unfinished message have come.
    came: usize,
    /// The last of those.
    tail: [u8; FLUSH.len()],
}

#[derive(Debug)]
enum State {
    /// Nothing has come. Exits to `Open`.
    Fresh,
    /// Exits to `Ended`.
    Open(Box<Decompress>),
    /// The stream has ended. No exit.
    Ended,
}

impl ZlibStream {
    /// The stream of a socket whose messages may have `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            state: State::Fresh,
            output: Output::new(max),
            came: 0,
            tail: [0xff; FLUSH.len()],
        }
    }

    /// Takes the next part of the stream; returns the message that it completes, unless that is
    /// empty.
    pub fn push(&mut self, input: &[u8]) -> Result<Option<Payload>, DecodeError> {
        self.came = self.came.saturating_add(input.len());
        let len = self.came;
        let format = Format::ZlibStream;
        if matches!(self.state, State::Fresh) && !input.is_empty() {
            if !begins_zlib(input) {
                return Err(DecodeError::Foreign { format, len });
            }
            self.state = State::Open(Box::new(Decompress::new(true)));
        }
        let state = match &mut self.state {
            State::Fresh => return Ok(None),
            State::Open(state) => state,
            State::Ended => return Err(DecodeError::StreamEnded { len }),
        };
        let ran = self.output.inflate(state, input);
        let ran = ran.map_err(|fault| match fault {
            Fault::Invalid => DecodeError::Invalid { format, len },
            Fault::TooBig => {
                let limit = self.output.max();
                DecodeError::TooBig { format, len, limit }
            }
        })?;
        self.note_tail(input);
        match ran {
            Ran::Ended(end) if end < input.len() => {
                let extra = input.len() - end;
                return Err(DecodeError::Trailing { format, len, extra });
            }
            Ran::Ended(_) => self.state = State::Ended,
            Ran::On if self.tail == FLUSH => {}
            Ran::On => return Ok(None),
        }
        self.came = 0;
        self.tail = [0xff; FLUSH.len()];
        let message = self.output.take();
        Ok((!message.is_empty()).then(|| Payload::decompressed(message)))
    }

    /// The memory of its window and of an unfinished message, in bytes.
    pub fn held(&self) -> usize {
        let window = match self.state {
            State::Open(_) => ZLIB_WINDOW,
            State::Fresh | State::Ended => 0,
        };
        window + self.output.held()
    }

    /// Even a flush may come in pieces.
    fn note_tail(&mut self, input: &[u8]) {
        let from = input.len().min(self.tail.len());
        self.tail.rotate_left(from);
        let keep = self.tail.len() - from;
        self.tail[keep..].copy_from_slice(&input[input.len() - from..]);
    }
}
