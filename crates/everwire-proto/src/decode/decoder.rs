//! Decodes messages of the wire into application messages.

use super::{
    decoding::{Decoding, Stage},
    error::{DecodeError, Format},
    inflate::inflate,
    payload::Payload,
    split::{Record, Splitter},
    zlib_stream::ZlibStream,
};
use crate::wire::deflate::Lend;

/// Decodes the messages of one socket: none, one or several for each received message.
///
/// If a message gives several, they are decoded one at a time, so that the caller can pause.
/// Decompressed data is limited to `max_message` bytes, and so is its memory; each stage holds at
/// most one message. Between messages only the window of a zlib stream is kept.
#[derive(Debug)]
pub struct MessageDecoder {
    stages: Box<[Running]>,
    max_message: usize,
    lender: &'static dyn Lend,
    /// A received message that was not used yet.
    arrived: Option<Payload>,
    /// Whether a message could not be decoded.
    has_failed: bool,
}

/// A running stage.
#[derive(Debug)]
enum Running {
    Inflate(Format),
    Stream(ZlibStream),
    Split(Box<Splitter>),
}

/// The next result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message.
    Message(Payload),
    /// There may be a message: ask again. Some work was done, so others may run first.
    Again,
    /// All received messages were decoded: [`push`](MessageDecoder::push) the next one.
    Nothing,
}

impl MessageDecoder {
    /// A decoder for a socket whose messages may have `max_message` bytes, before and after
    /// decoding. `lender` has the states for messages that are compressed on their own.
    pub fn new(decoding: &Decoding, max_message: usize, lender: &'static dyn Lend) -> Self {
        let running = |stage: &Stage| match stage {
            Stage::Gzip => Running::Inflate(Format::Gzip),
            Stage::Zlib => Running::Inflate(Format::Zlib),
            Stage::Deflate => Running::Inflate(Format::Deflate),
            Stage::ZlibStream => Running::Stream(ZlibStream::new(max_message)),
            Stage::Split(separator) => Running::Split(Box::new(Splitter::new(separator))),
        };
        Self {
            stages: decoding.stages().iter().map(running).collect(),
            max_message,
            lender,
            arrived: None,
            has_failed: false,
        }
    }

    /// Adds a received message. Call it when [`next`](Self::next) has returned [`Next::Nothing`];
    /// otherwise the rest of the previous message is lost.
    pub fn push(&mut self, message: Payload) {
        if !self.has_failed {
            self.arrived = Some(message);
        }
    }

    /// What comes next of the messages that have come. Text messages are decompressed by nothing, and empty records are passed over.
    ///
    /// # Errors
    ///
    /// Why the message that came cannot be decoded. The connection must be failed with its [`close_code`](DecodeError::close_code): from here
    /// on nothing is decoded any more.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator would end, and this goes on with the next message"
    )]
    pub fn next(&mut self) -> Result<Next, DecodeError> {
        let next = self.run();
        if next.is_err() {
            (self.has_failed, self.stages) = (true, Box::default());
        }
        next
    }

    /// The memory of unfinished messages, and of the window of a zlib stream, in bytes.
    pub fn held(&self) -> usize {
        let arrived = self.arrived.as_ref().map_or(0, Payload::len);
        let stages = self.stages.iter().map(|stage| match stage {
            Running::Inflate(_) => 0,
            Running::Stream(stream) => stream.held(),
            Running::Split(splitter) => splitter.held(),
        });
        stages.fold(arrived, usize::saturating_add)
    }

    /// Whether [`next`](Self::next) may return another message.
    pub fn has_next(&self) -> bool {
        let has_rest =
            |stage: &Running| matches!(stage, Running::Split(splitter) if splitter.has_rest());
        self.arrived.is_some() || self.stages.iter().any(has_rest)
    }

    fn run(&mut self) -> Result<Next, DecodeError> {
        // The stage nearest to the end goes on first, so that each holds at most one message.
        let mut rests = self.stages.iter_mut().enumerate().rev();
        let rest = rests.find_map(|(at, stage)| match stage {
            Running::Split(splitter) if splitter.has_rest() => Some((at, splitter.next())),
            Running::Split(_) | Running::Inflate(_) | Running::Stream(_) => None,
        });
        match (rest, self.arrived.take()) {
            (Some((at, Record::Is(record))), arrived) => {
                self.arrived = arrived;
                self.pass(at + 1, record)
            }
            (Some((_, Record::Skipped | Record::None)), arrived) => {
                self.arrived = arrived;
                Ok(Next::Again)
            }
            (None, Some(arrived)) => self.pass(0, arrived),
            (None, None) => Ok(Next::Nothing),
        }
    }

    /// Passes a message through the stages from there on.
    fn pass(&mut self, from: usize, mut message: Payload) -> Result<Next, DecodeError> {
        for at in from..self.stages.len() {
            message = match (&mut self.stages[at], message) {
                (Running::Inflate(format), Payload::Binary(bytes)) => {
                    inflate(*format, &bytes, self.max_message, self.lender)?
                }
                (Running::Stream(stream), Payload::Binary(bytes)) => match stream.push(&bytes)? {
                    Some(message) => message,
                    None => return Ok(Next::Again),
                },
                (Running::Split(splitter), message) => {
                    splitter.push(message);
                    return self.run();
                }
                (Running::Inflate(_) | Running::Stream(_), text @ Payload::Text(_)) => text,
            };
        }
        Ok(Next::Message(message))
    }
}
