//! A reference for compressed messages (RFC 7692 §7.2.2).

use everwire_proto::wire::Violation;

use crate::inflate::{End, inflate};

/// The end of an empty block, which ends each message and is not sent.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The compressed messages of a connection.
pub struct Model {
    takeover: bool,
    max: usize,
    /// All data since the window was last empty.
    data: Vec<u8>,
    /// The number of its output bytes that belong to earlier messages.
    told: usize,
}

/// The required result for a message.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// The decoder delivers it.
    Payload(Vec<u8>),
    /// The decoder refuses it for this reason.
    Refused(Violation),
    /// The decoder refuses it: the data ends within a block.
    Cut,
    /// The data ends within a block's codes. The few bytes that are appended to it may not show
    /// that.
    CutInCodes,
}

/// Why the output ends.
enum Stop {
    Invalid,
    Full,
}

impl Model {
    /// `takeover`: the window is kept across messages; `max`: the longest message.
    pub fn new(takeover: bool, max: usize) -> Self {
        Self {
            takeover,
            max,
            data: Vec::new(),
            told: 0,
        }
    }

    /// The next message.
    pub fn message(&mut self, data: &[u8], text: bool) -> Verdict {
        if !self.takeover {
            (self.data, self.told) = (Vec::new(), 0);
        }
        let mut payload = Vec::new();
        let mut result = self.feed(data, &mut payload);
        if let Ok(end) = result
            && !data.is_empty()
            && !matches!(end, End::Final(_))
        {
            let before = payload.len();
            result = self.feed(&TAIL, &mut payload);
            match result {
                Ok(End::Codes) if payload.len() == before => return Verdict::CutInCodes,
                // The empty block may be a final one.
                Ok(End::Boundary | End::Final(_)) if payload.len() == before => {}
                _ => return Verdict::Cut,
            }
        }
        self.judge(payload, text, result)
    }

    /// The first fault counts, whatever follows it.
    fn judge(&self, payload: Vec<u8>, text: bool, result: Result<End, Stop>) -> Verdict {
        let utf8 = std::str::from_utf8(&payload).err().filter(|_| text);
        let offset = |error: std::str::Utf8Error| Violation::TextNotUtf8 {
            offset: error.valid_up_to(),
        };
        Verdict::Refused(match (utf8, result) {
            (Some(error), _) if error.error_len().is_some() => offset(error),
            (_, Err(Stop::Full)) => Violation::MessageTooBig {
                len: payload.len() as u64,
                limit: self.max,
            },
            (_, Err(Stop::Invalid)) => Violation::DeflateInvalid,
            (Some(error), Ok(_)) => offset(error),
            (None, Ok(_)) => return Verdict::Payload(payload),
        })
    }

    /// Appends the decompressed further data. A final block ends a stream, but not the message.
    fn feed(&mut self, data: &[u8], payload: &mut Vec<u8>) -> Result<End, Stop> {
        self.data.extend(data);
        loop {
            let limit = self.told + self.max - payload.len();
            let (output, end) = inflate(&self.data, limit);
            payload.extend(&output[self.told..]);
            self.told = output.len();
            match end {
                End::Invalid => return Err(Stop::Invalid),
                End::Full => return Err(Stop::Full),
                End::Final(len) => {
                    self.data.drain(..len);
                    self.told = 0;
                    if self.data.is_empty() {
                        return Ok(end);
                    }
                }
                End::Boundary | End::Block | End::Codes => return Ok(end),
            }
        }
    }
}
