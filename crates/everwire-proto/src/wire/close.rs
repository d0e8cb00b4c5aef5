//! Close frames (RFC 6455 §5.5.1).

use std::fmt;

use bytestring::ByteString;

use super::{MAX_CONTROL, Violation, code::is_sendable};

/// The longest reason of a Close frame, in bytes: a control frame less the code.
pub const MAX_REASON: usize = MAX_CONTROL - 2;

/// The body of a Close frame. Without a code the frame is empty, and the receiver reads 1005.
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

    /// Parses the payload of a Close frame. The reason is copied, since it is kept longer than a
    /// read buffer should be.
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
