//! How a message can fail to be what its decoding says.

use std::fmt;

use crate::wire::code;

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// RFC 1951, without a header.
    Deflate,
    /// One stream of RFC 1950 over all messages of a socket.
    ZlibStream,
}

impl Format {
    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::ZlibStream => "zlib-stream",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a message cannot be decoded. `len` is its size as it came, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It does not begin as the format does.
    #[error("a binary message of {len} bytes is not {format} data")]
    Foreign {
        /// What it was to be.
        format: Format,
        /// The size of the message.
        len: usize,
    },
    /// It begins as the format does, and its data are broken, or do not have the checksum that they name.
    #[error("the {format} data in a message of {len} bytes are invalid")]
    Invalid {
        /// What it was to be.
        format: Format,
        /// The size of the message.
        len: usize,
    },
    /// It stops before its data end.
    #[error("the {format} data in a message of {len} bytes end too early")]
    Truncated {
        /// What it was to be.
        format: Format,
        /// The size of the message.
        len: usize,
    },
    /// Its data end before it does.
    #[error("{extra} of the {len} bytes of a message come after the end of its {format} data")]
    Trailing {
        /// What stands before.
        format: Format,
        /// The size of the message.
        len: usize,
        /// How many bytes are too many.
        extra: usize,
    },
    /// It is longer than a message may be, decompressed.
    #[error(
        "the {format} data in a message of {len} bytes decompress to more than {limit} bytes, which is max_message"
    )]
    TooBig {
        /// What it is.
        format: Format,
        /// The size of the message; of a stream what has come of it.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// More members of a gzip file (RFC 1952 §2.2) than a message may have.
    #[error("the gzip data in a message of {len} bytes have more than {limit} members")]
    TooManyMembers {
        /// The size of the message.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The stream has ended, and another message came.
    #[error("a message of {len} bytes came after the end of the zlib-stream")]
    StreamEnded {
        /// The size of the message.
        len: usize,
    },
}

impl DecodeError {
    /// The close code to fail the connection with (RFC 6455 §7.4.1): 1009 for messages that are too
    /// big, 1007 for invalid ones.
    pub fn close_code(&self) -> u16 {
        match self {
            Self::TooBig { .. } => code::TOO_BIG,
            Self::Foreign { .. }
            | Self::Invalid { .. }
            | Self::Truncated { .. }
            | Self::Trailing { .. }
            | Self::TooManyMembers { .. }
            | Self::StreamEnded { .. } => code::INVALID_DATA,
        }
    }
}
