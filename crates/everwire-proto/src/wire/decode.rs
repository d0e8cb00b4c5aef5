//! Decodes bytes of the socket into messages.

use std::{mem, time::Instant};

use bytes::{Buf, BufMut, Bytes};

use super::{
    CloseFrame, Header, Incoming, Limits, Opcode, Violation,
    assemble::{FrameEnd, Gathering},
    control_rate::ControlBudget,
    deflate::Inflater,
    partial_frame::{ControlStart, HeaderStart},
    utf8,
};

/// The reading half of a connection, from the byte after the handshake's answer on.
///
/// It is small, and owns no heap memory while no message is half received.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    control: ControlBudget,
    /// How many data frames have begun, except messages that came whole.
    data_frames: u32,
    reading: Reading,
    /// A fragmented message, between two of its data frames.
    unfinished: Option<Box<Gathering>>,
    /// Present if permessage-deflate was agreed on.
    inflater: Option<Box<Inflater>>,
}

/// The position of the next byte.
#[derive(Debug)]
enum Reading {
    /// Before a frame. Exits to all others.
    Boundary,
    /// Within a header. Exits to all others.
    Header(HeaderStart),
    /// Within a data frame's payload. Exits to `Boundary` and, on a violation, `Done`.
    Data(FrameEnd, Box<Gathering>),
    /// Within a compressed data frame's payload. Exits to `Boundary` and, on a violation, `Done`.
    Compressed(CompressedFrame, Box<Gathering>),
    /// Within a control frame's payload. Exits to `Boundary`, and to `Done` when it was a Close.
    Control(ControlStart),
    /// After a Close frame, or a violation. No exit.
    Done,
}

/// A whole message in the input: the lengths of its header and its payload, in bytes.
struct Whole {
    opcode: Opcode,
    head: usize,
    len: usize,
}

/// The missing part of a compressed data frame.
#[derive(Clone, Copy, Debug)]
struct CompressedFrame {
    lacks: usize,
    fin: bool,
}

impl Decoder {
    /// The shortest rest of a frame, in bytes, for which [`read_target`](Self::read_target) offers
    /// memory. A shorter rest is better read together with what follows it.
    pub const MIN_READ_TARGET: usize = 32 << 10;

    /// A decoder at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            control: ControlBudget::default(),
            data_frames: 0,
            reading: Reading::Boundary,
            unfinished: None,
            inflater: None,
        }
    }

    /// Makes the decoder accept compressed messages (RFC 7692 §6.2) from here on.
    ///
    /// They are decompressed as they arrive, and never beyond [`Limits::max_message`].
    pub fn with_inflater(mut self, inflater: Inflater) -> Self {
        self.inflater = Some(Box::new(inflater));
        self
    }

    /// Takes the next message or control frame from the front of `input`. `None`: all of `input`
    /// was consumed, and more bytes are needed.
    ///
    /// A whole, unfragmented message in `input` shares its memory. After a Close frame (RFC 6455
    /// §1.4) or a violation all further input is discarded.
    ///
    /// # Errors
    ///
    /// The [`Violation`] with whose [`close_code`](Violation::close_code) the connection must be
    /// failed. It comes with the first byte that proves it: a length is checked before its payload
    /// is stored, a text as it arrives.
    #[inline]
    #[allow(unsafe_code, reason = "see utf8::trust")]
    pub fn decode(
        &mut self,
        input: &mut Bytes,
        now: Instant,
    ) -> Result<Option<Incoming>, Violation> {
        if let Some(Whole { opcode, head, len }) = self.whole_message(input) {
            // The shape is measured: with the check out of line and both kinds built in one place,
            // a short message is not moved on its way to the caller, which would cost a third more.
            input.advance(head);
            if opcode == Opcode::Text
                && let Err(violation) = utf8::check(&input[..len])
            {
                return Err(self.fail(violation, input));
            }
            let payload = input.split_to(len);
            return Ok(Some(match opcode {
                // SAFETY: these bytes have just passed the check.
                Opcode::Text => Incoming::Text(unsafe { utf8::trust(payload) }),
                _ => Incoming::Binary(payload),
            }));
        }
        // The usual end of a read.
        if input.is_empty() && matches!(self.reading, Reading::Boundary) {
            return Ok(None);
        }
        match self.run(input, now) {
            Ok(incoming) => Ok(incoming),
            Err(violation) => Err(self.fail(violation, input)),
        }
    }

    /// Memory into which the socket may be read directly, so that the rest of a long payload is not
    /// copied; at most the missing bytes of the frame. Call [`decode`](Self::decode) afterwards,
    /// even with empty input, to have it checked.
    ///
    /// `None` unless the decoder is within a data frame that lacks at least
    /// [`MIN_READ_TARGET`](Self::MIN_READ_TARGET): bytes then come through
    /// [`decode`](Self::decode). Available input must be decoded first.
    pub fn read_target(&mut self) -> Option<impl BufMut + '_> {
        match &mut self.reading {
            Reading::Data(frame, message) if message.lacks(*frame) >= Self::MIN_READ_TARGET => {
                Some(message.target(*frame, self.limits.max_message))
            }
            _ => None,
        }
    }

    /// How many bytes the current data frame lacks; `None` between frames.
    pub fn lacks(&self) -> Option<usize> {
        match &self.reading {
            Reading::Data(frame, message) => Some(message.lacks(*frame)),
            Reading::Compressed(frame, _) => Some(frame.lacks),
            Reading::Boundary | Reading::Header(_) | Reading::Control(_) | Reading::Done => None,
        }
    }

    /// Everything that the socket had was decoded: later data was sent later. Without this call,
    /// control frames that waited for their reader would count as sent at once.
    pub fn read_all(&mut self, now: Instant) {
        self.control.read_all(now);
    }

    /// A number that identifies the data frame for which [`lacks`](Self::lacks) returns something,
    /// until it wraps around.
    pub fn data_frames(&self) -> u32 {
        self.data_frames
    }

    /// The heap memory in bytes; 0 between messages. The decompressor's own state does not count.
    pub fn buffered(&self) -> usize {
        let reading = match &self.reading {
            Reading::Data(_, message) | Reading::Compressed(_, message) => message.footprint(),
            Reading::Control(start) => start.footprint(),
            Reading::Boundary | Reading::Header(_) | Reading::Done => 0,
        };
        let unfinished = self.unfinished.as_ref().map(|message| message.footprint());
        reading + unfinished.unwrap_or(0)
    }

    /// The common case, for its speed: a whole data message in one frame of less than 64 KiB.
    #[inline]
    fn whole_message(&self, input: &[u8]) -> Option<Whole> {
        let &[first, short, ref rest @ ..] = input else {
            return None;
        };
        let opcode = match first {
            0x81 => Opcode::Text,
            0x82 => Opcode::Binary,
            _ => return None,
        };
        let (head, len) = match (short, rest) {
            (0..126, _) => (2, usize::from(short)),
            // A length that fits into one byte breaks the protocol, which the general path reports.
            (126, &[high, low, ..]) => match u16::from_be_bytes([high, low]) {
                len @ 126.. => (4, usize::from(len)),
                0..126 => return None,
            },
            _ => return None,
        };
        let whole = head + len <= input.len();
        let allowed = len <= self.limits.max_frame && len <= self.limits.max_message;
        let expected = matches!(self.reading, Reading::Boundary) && self.unfinished.is_none();
        (whole && allowed && expected).then_some(Whole { opcode, head, len })
    }

    /// Whether `input` begins with a whole message; also `false` for a message of 64 KiB or more,
    /// and for a compressed one.
    pub fn begins_with_message(&self, input: &[u8]) -> bool {
        self.whole_message(input).is_some()
    }

    fn run(&mut self, input: &mut Bytes, now: Instant) -> Result<Option<Incoming>, Violation> {
        loop {
            let incoming = match mem::replace(&mut self.reading, Reading::Boundary) {
                Reading::Boundary => self.header(HeaderStart::default(), input, now)?,
                Reading::Header(start) => self.header(start, input, now)?,
                Reading::Data(frame, message) => self.data(frame, message, input)?,
                Reading::Compressed(frame, message) => self.compressed(frame, message, input)?,
                Reading::Control(start) => self.control(start, input)?,
                Reading::Done => {
                    self.reading = Reading::Done;
                    input.clear();
                    None
                }
            };
            if incoming.is_some() || input.is_empty() {
                return Ok(incoming);
            }
        }
    }

    fn header(
        &mut self,
        mut start: HeaderStart,
        input: &mut Bytes,
        now: Instant,
    ) -> Result<Option<Incoming>, Violation> {
        let Some(header) = start.complete(input, self.inflater.is_some())? else {
            if !start.is_empty() {
                self.reading = Reading::Header(start);
            }
            return Ok(None);
        };
        match header.opcode {
            Opcode::Close => {}
            Opcode::Ping | Opcode::Pong => {
                let per_second = self.limits.max_control_per_second;
                self.control.spend(per_second, now)?;
            }
            _ => return self.data_frame(header, input),
        }
        // The length fits: longer control frames were refused with their headers.
        let len = header.len as usize;
        if len <= input.len() {
            return self.end_of_control(header.opcode, input.split_to(len));
        }
        self.control(ControlStart::new(header.opcode, len), input)
    }

    /// Checks a data frame's header in its context, and enters the frame.
    fn data_frame(
        &mut self,
        header: Header,
        input: &mut Bytes,
    ) -> Result<Option<Incoming>, Violation> {
        let Header {
            fin,
            opcode,
            compressed,
            len,
        } = header;
        self.data_frames = self.data_frames.wrapping_add(1);
        match (opcode, self.unfinished.take()) {
            (Opcode::Continuation, None) => Err(Violation::ContinuationWithoutStart),
            (Opcode::Continuation, Some(mut message)) => {
                message.add_fragment(self.limits.max_fragments)?;
                if message.is_compressed() {
                    let lacks = self.limits.admit_frame(len)?;
                    return self.compressed(CompressedFrame { lacks, fin }, message, input);
                }
                let at = self.limits.admit(len, message.len())?;
                self.data(FrameEnd { at, fin }, message, input)
            }
            (opcode, Some(_)) => Err(Violation::MessageUnfinished(opcode)),
            (opcode, None) if compressed => {
                let lacks = self.limits.admit_frame(len)?;
                let message = Box::new(Gathering::compressed(opcode == Opcode::Text));
                self.compressed(CompressedFrame { lacks, fin }, message, input)
            }
            (opcode, None) => {
                let at = self.limits.admit(len, 0)?;
                if fin && at <= input.len() {
                    return Ok(Some(match opcode {
                        Opcode::Text => Incoming::Text(utf8::split_to(input, at)?),
                        _ => Incoming::Binary(input.split_to(at)),
                    }));
                }
                let message = Box::new(Gathering::new(opcode == Opcode::Text));
                self.data(FrameEnd { at, fin }, message, input)
            }
        }
    }

    fn data(
        &mut self,
        frame: FrameEnd,
        mut message: Box<Gathering>,
        input: &mut Bytes,
    ) -> Result<Option<Incoming>, Violation> {
        message.take(input, frame, self.limits.max_message);
        message.check()?;
        if message.lacks(frame) > 0 {
            self.reading = Reading::Data(frame, message);
        } else if frame.fin {
            return message.finish().map(Some);
        } else {
            self.unfinished = Some(message);
        }
        Ok(None)
    }

    fn compressed(
        &mut self,
        mut frame: CompressedFrame,
        mut message: Box<Gathering>,
        input: &mut Bytes,
    ) -> Result<Option<Incoming>, Violation> {
        let Some(inflater) = &mut self.inflater else {
            return Err(Violation::DeflateInvalid);
        };
        let max = self.limits.max_message;
        let piece = input.split_to(input.len().min(frame.lacks));
        frame.lacks -= piece.len();
        inflater.feed(&piece, &mut message, max)?;
        if frame.lacks > 0 {
            self.reading = Reading::Compressed(frame, message);
        } else if frame.fin {
            inflater.end(&mut message, max)?;
            return message.finish().map(Some);
        } else {
            self.unfinished = Some(message);
        }
        Ok(None)
    }

    fn control(
        &mut self,
        start: ControlStart,
        input: &mut Bytes,
    ) -> Result<Option<Incoming>, Violation> {
        let opcode = start.opcode;
        match start.complete(input) {
            Ok(payload) => self.end_of_control(opcode, payload),
            Err(start) => {
                self.reading = Reading::Control(start);
                Ok(None)
            }
        }
    }

    fn end_of_control(
        &mut self,
        opcode: Opcode,
        payload: Bytes,
    ) -> Result<Option<Incoming>, Violation> {
        Ok(Some(match opcode {
            Opcode::Ping => Incoming::Ping(payload),
            Opcode::Pong => Incoming::Pong(payload),
            _ => {
                let frame = CloseFrame::parse(&payload)?;
                self.end();
                Incoming::Close(frame)
            }
        }))
    }

    #[cold]
    fn fail(&mut self, violation: Violation, input: &mut Bytes) -> Violation {
        self.end();
        input.clear();
        violation
    }

    /// Frees everything: nothing is decoded any more.
    fn end(&mut self) {
        self.reading = Reading::Done;
        self.unfinished = None;
        self.inflater = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_decoder_is_small() {
        assert!(size_of::<Decoder>() <= 128, "{}", size_of::<Decoder>());
    }
}
