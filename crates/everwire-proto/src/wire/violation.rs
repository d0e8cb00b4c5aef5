//! How a server can break the protocol or a limit.

use super::{Opcode, code};

/// What the peer did for which the connection must be failed (RFC 6455 §7.1.7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// RSV bits are set, and no extension that would use them was negotiated (§5.2). The value holds the three bits.
    #[error("reserved bits {0:#05b} are set without an extension")]
    ReservedBits(u8),
    /// RSV1 is set on a frame that begins no data message (RFC 7692 §6.1).
    #[error("a {0} frame is marked as compressed")]
    CompressionBit(Opcode),
    /// An opcode that RFC 6455 reserves (§5.2).
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// A server must not mask (§5.1).
    #[error("the server masked a frame")]
    Masked,
    /// A control frame without FIN (§5.5).
    #[error("a {0} frame is fragmented")]
    ControlFragmented(Opcode),
    /// A control frame of more than 125 bytes (§5.5).
    #[error("a {0} frame has more than 125 bytes")]
    ControlTooLong(Opcode),
    /// A payload length in more bytes than it needs (§5.2).
    #[error("the length {0} is not in its shortest form")]
    LengthNotMinimal(u64),
    /// The most significant bit of a 64-bit payload length is set (§5.2).
    #[error("the length {0} has its top bit set")]
    LengthTopBit(u64),
    /// A continuation frame with nothing to continue (§5.4).
    #[error("a continuation frame came without a message to continue")]
    ContinuationWithoutStart,
    /// A new message before the last fragment of the one before (§5.4).
    #[error("a {0} frame came within a fragmented message")]
    MessageUnfinished(Opcode),
    /// A Close body of one byte, which is half a code (§5.5.1).
    #[error("a close frame has a body of one byte")]
    CloseTruncated,
    /// A close code that must not stand on the wire (§7.4).
    #[error("the close code {0} must not be sent")]
    CloseCode(u16),
    /// A close reason that is not UTF-8 (§5.5.1).
    #[error("the close reason is not UTF-8")]
    CloseReasonNotUtf8,
    /// A text message that is not UTF-8 (§8.1).
    #[error("the text is not UTF-8 at byte {offset}")]
    TextNotUtf8 {
        /// Where in the message the first bad or incomplete character begins, in bytes.
        offset: usize,
    },
    /// A compressed message whose data is not DEFLATE (RFC 7692 §7.2.2).
    #[error("the compressed data of a message is invalid")]
    DeflateInvalid,
    /// A compressed message whose data stops within a block (RFC 7692 §7.2.2).
    #[error("the compressed data of a message ends too early")]
    DeflateTruncated,
    /// A frame longer than [`Limits::max_frame`](super::Limits::max_frame).
    #[error("a frame of {len} bytes is longer than max_frame, which is {limit}")]
    FrameTooBig {
        /// The announced length, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message longer than [`Limits::max_message`](super::Limits::max_message).
    #[error("a message of at least {len} bytes is longer than max_message, which is {limit}")]
    MessageTooBig {
        /// What was received of the message, and the length announced by its next frame, in bytes; of a compressed one, what
        /// was decompressed before it was given up.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// More fragments than [`Limits::max_fragments`](super::Limits::max_fragments).
    #[error("a message has more than {limit} fragments")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// More control frames than [`Limits::max_control_per_second`](super::Limits::max_control_per_second).
    #[error("more than {limit} control frames came in a second")]
    ControlFlood {
        /// The limit.
        limit: u32,
    },
}

impl Violation {
    /// The close code to fail the connection with (§7.4.1).
    ///
    /// Codes: 1002 for broken framing, 1007 for text that is not UTF-8 and data that cannot be
    /// decompressed, 1009 for too large messages and frames, 1008 for too many fragments or control
    /// frames.
    pub fn close_code(&self) -> u16 {
        match self {
            Self::ReservedBits(_)
            | Self::CompressionBit(_)
            | Self::ReservedOpcode(_)
            | Self::Masked
            | Self::ControlFragmented(_)
            | Self::ControlTooLong(_)
            | Self::LengthNotMinimal(_)
            | Self::LengthTopBit(_)
            | Self::ContinuationWithoutStart
            | Self::MessageUnfinished(_)
            | Self::CloseTruncated
            | Self::CloseCode(_) => code::PROTOCOL_ERROR,
            Self::CloseReasonNotUtf8
            | Self::TextNotUtf8 { .. }
            | Self::DeflateInvalid
            | Self::DeflateTruncated => code::INVALID_DATA,
            Self::FrameTooBig { .. } | Self::MessageTooBig { .. } => code::TOO_BIG,
            Self::TooManyFragments { .. } | Self::ControlFlood { .. } => code::POLICY_VIOLATION,
        }
    }
}
