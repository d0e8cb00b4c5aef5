//! Limits on what a peer may make us store or do.

use super::Violation;

/// The limits of a [`Decoder`](super::Decoder).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message in payload bytes, over all its fragments; for a compressed one, in
    /// decompressed bytes.
    pub max_message: usize,
    /// The longest frame in payload bytes on the wire.
    pub max_frame: usize,
    /// The most frames of one message, empty ones included; at least 1.
    pub max_fragments: u32,
    /// How many Pings and Pongs are accepted per second; a second's worth may come in one burst. 0
    /// accepts none.
    pub max_control_per_second: u32,
}

impl Default for Limits {
    /// 16 MiB for messages and frames, 131,072 fragments, 1,000 control frames a second.
    fn default() -> Self {
        Self {
            max_message: 16 << 20,
            max_frame: 16 << 20,
            max_fragments: 131_072,
            max_control_per_second: 1_000,
        }
    }
}

impl Limits {
    /// Checks the announced length of a data frame alone.
    pub(super) fn admit_frame(&self, len: u64) -> Result<usize, Violation> {
        let limit = self.max_frame;
        let frame = usize::try_from(len).ok().filter(|&len| len <= limit);
        frame.ok_or(Violation::FrameTooBig { len, limit })
    }

    /// Checks the announced length of a data frame together with the part of its message `before`
    /// it. Returns the size of the message with it.
    pub(super) fn admit(&self, len: u64, before: usize) -> Result<usize, Violation> {
        let frame = self.admit_frame(len)?;
        let limit = self.max_message;
        let total = before.checked_add(frame).filter(|&total| total <= limit);
        total.ok_or(Violation::MessageTooBig {
            len: len.saturating_add(before as u64),
            limit,
        })
    }
}
