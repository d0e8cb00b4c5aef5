//! Close codes and close frames (RFC 6455 §5.5.1, §7.4).

use std::fmt;

use bytestring::ByteString;

use super::{MAX_CONTROL, Violation};

/// The longest reason of a Close frame, in bytes: what the code leaves of a control frame.
pub const MAX_REASON: usize = MAX_CONTROL - 2;

/// The body of a Close frame. Without a code the frame is empty, which reads as 1005.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseFrame {
    /// The status code, if one was sent.
    pub code: Option<u16>,
    /// The reason, at most [`MAX_REASON`] bytes of UTF-8 on the wire; without a code there is none.
    pub reason: ByteString,
}

impl CloseFrame {
    /// A Close frame with this code and reason.
    pub fn new(code: u16, reason: impl Into<ByteString>) -> Self {
        Self {
            code: Some(code),
            reason: reason.into(),
        }
    }

    /// Parses the payload of a Close frame. The reason is copied: it is kept for longer than a read buffer should be.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Violation> {
        let Some((&code, reason)) = body.split_first_chunk() else {
            return match body.is_empty() {
                true => Ok(Self::default()),
                false => Err(Violation::CloseTruncated),
            };
        };
        let code = u16::from_be_bytes(code);
        if !is_sendable(code) {
            return Err(Violation::CloseCode(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
        Ok(Self::new(code, reason))
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            None => f.write_str("no code")?,
            Some(code) => write!(f, "{code}")?,
        }
        if !self.reason.is_empty() {
            write!(f, " {:?}", &*self.reason)?;
        }
        Ok(())
    }
}

/// Close codes of RFC 6455 §7.4.1, and of IANA's registry.
pub mod code {
    /// The purpose has been fulfilled.
    pub const NORMAL: u16 = 1000;
    /// An endpoint goes away.
    pub const GOING_AWAY: u16 = 1001;
    /// A protocol error.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Never sent: the close frame had no code.
    pub const NO_STATUS: u16 = 1005;
    /// Never sent: no close frame was seen.
    pub const ABNORMAL: u16 = 1006;
    /// Data that is not consistent with the type of the message: text that is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// A policy is broken, and no other code fits better.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message that is too big.
    pub const TOO_BIG: u16 = 1009;
    /// The service restarts.
    pub const SERVICE_RESTART: u16 = 1012;
}

/// Whether `code` may stand in a Close frame on the wire (RFC 6455 §7.4, and IANA's registry).
pub fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
