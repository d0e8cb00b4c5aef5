//! Messages that are compressed individually.

use flate2::Decompress;

use super::{
    error::{DecodeError, Format},
    gzip::{self, NoHeader},
    output::{Fault, Output, Ran},
    payload::Payload,
};
use crate::wire::deflate::{Lend, TAIL as FLUSH, put_inflate, take_inflate};

/// The most gzip members in one message: each costs time, however short it is.
pub const MAX_MEMBERS: usize = 128;

/// The message that is being decompressed.
struct Whole<'a> {
    format: Format,
    input: &'a [u8],
    max: usize,
}

/// Decompresses a whole message with a borrowed state.
pub(super) fn inflate(
    format: Format,
    input: &[u8],
    max: usize,
    lender: &dyn Lend,
) -> Result<Payload, DecodeError> {
    let whole = Whole { format, input, max };
    let mut output = Output::new(max);
    let mut state = take_inflate(lender);
    let done = match format {
        Format::Gzip => whole.gzip(&mut state, &mut output),
        Format::Zlib | Format::ZlibStream => whole.zlib(&mut state, &mut output),
        Format::Deflate => whole.deflate(&mut state, &mut output),
    };
    put_inflate(lender, state);
    done.map(|()| Payload::decompressed(output.take()))
}

impl Whole<'_> {
    fn gzip(&self, state: &mut Decompress, output: &mut Output) -> Result<(), DecodeError> {
        let mut rest = self.input;
        for _ in 0..MAX_MEMBERS {
            let header = gzip::header(rest).map_err(|why| self.no_header(why, rest))?;
            let begin = output.bytes.len();
            let data = &rest[header..];
            let Ran::Ended(end) = self.run(state, data, output)? else {
                return Err(self.truncated());
            };
            let trailer = data[end..].split_first_chunk();
            let (trailer, behind) = trailer.ok_or_else(|| self.truncated())?;
            if !gzip::belongs(*trailer, &output.bytes[begin..]) {
                return Err(self.invalid());
            }
            if behind.is_empty() {
                return Ok(());
            }
            state.reset(false);
            rest = behind;
        }
        Err(DecodeError::TooManyMembers {
            len: self.input.len(),
            limit: MAX_MEMBERS,
        })
    }

    fn zlib(&self, state: &mut Decompress, output: &mut Output) -> Result<(), DecodeError> {
        if !begins_zlib(self.input) {
            return Err(self.foreign());
        }
        state.reset(true);
        match self.run(state, self.input, output)? {
            Ran::Ended(end) => self.is_all(end),
            Ran::On => Err(self.truncated()),
        }
    }

    fn deflate(&self, state: &mut Decompress, output: &mut Output) -> Result<(), DecodeError> {
        match self.run(state, self.input, output)? {
            Ran::Ended(end) => self.is_all(end),
            // A peer that keeps its compressor for the next message flushes it, and makes no block
            // final.
            Ran::On if self.input.ends_with(&FLUSH) && self.is_between_blocks(state, output) => {
                Ok(())
            }
            Ran::On => Err(self.truncated()),
        }
    }

    /// Whether another block may begin here: an empty final one must then be the only effect.
    /// Within a block its bits have another meaning, whatever the codes are.
    fn is_between_blocks(&self, state: &mut Decompress, output: &mut Output) -> bool {
        const END: [u8; 2] = [0x03, 0x00];
        let len = output.bytes.len();
        output.inflate(state, &END) == Ok(Ran::Ended(END.len())) && output.bytes.len() == len
    }

    fn run(
        &self,
        state: &mut Decompress,
        input: &[u8],
        output: &mut Output,
    ) -> Result<Ran, DecodeError> {
        output.inflate(state, input).map_err(|fault| match fault {
            Fault::Invalid => self.invalid(),
            Fault::TooBig => DecodeError::TooBig {
                format: self.format,
                len: self.input.len(),
                limit: self.max,
            },
        })
    }

    fn is_all(&self, end: usize) -> Result<(), DecodeError> {
        match self.input.len() - end {
            0 => Ok(()),
            extra => Err(self.trailing(extra)),
        }
    }

    fn no_header(&self, why: NoHeader, rest: &[u8]) -> DecodeError {
        match why {
            NoHeader::Foreign if rest.len() < self.input.len() => self.trailing(rest.len()),
            NoHeader::Foreign => self.foreign(),
            NoHeader::Invalid => self.invalid(),
            NoHeader::Truncated => self.truncated(),
        }
    }

    fn foreign(&self) -> DecodeError {
        let (format, len) = (self.format, self.input.len());
        DecodeError::Foreign { format, len }
    }

    fn invalid(&self) -> DecodeError {
        let (format, len) = (self.format, self.input.len());
        DecodeError::Invalid { format, len }
    }

    fn truncated(&self) -> DecodeError {
        let (format, len) = (self.format, self.input.len());
        DecodeError::Truncated { format, len }
    }

    fn trailing(&self, extra: usize) -> DecodeError {
        let (format, len) = (self.format, self.input.len());
        DecodeError::Trailing { format, len, extra }
    }
}

/// Whether these bytes can be the start of a zlib stream (RFC 1950 §2.2), as far as they go. A
/// stream with a preset dictionary is not accepted, since the dictionary is unknown.
pub(super) fn begins_zlib(input: &[u8]) -> bool {
    const HAS_DICTIONARY: u8 = 0x20;
    let is_deflate = |method: u8| method & 0x0f == 8 && method >> 4 <= 7;
    match *input {
        [] => false,
        [method] => is_deflate(method),
        [method, flags, ..] => {
            let check = u16::from_be_bytes([method, flags]);
            is_deflate(method) && check % 31 == 0 && flags & HAS_DICTIONARY == 0
        }
    }
}
