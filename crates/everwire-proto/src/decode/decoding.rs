//! The decoding stages of messages.

use super::error::Format;

/// The most stages of a [`Decoding`].
pub const MAX_STAGES: usize = 4;

/// The longest [`Separator`], in bytes.
pub const MAX_SEPARATOR: usize = 64;

/// A decoding stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Each binary message is a gzip file (RFC 1952).
    Gzip,
    /// Each binary message is a zlib stream (RFC 1950).
    Zlib,
    /// Each binary message is DEFLATE data (RFC 1951) whose last block is final, or is followed by
    /// a flush: `00 00 ff ff`.
    Deflate,
    /// All binary messages of a socket are one zlib stream. A message is complete when a binary
    /// message ends with a flush: `00 00 ff ff`.
    ZlibStream,
    /// Each message consists of records with a separator between or after them; each record that is
    /// not empty is a message.
    Split(Separator),
}

impl Stage {
    /// The compression format of this stage.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::Gzip => Some(Format::Gzip),
            Self::Zlib => Some(Format::Zlib),
            Self::Deflate => Some(Format::Deflate),
            Self::ZlibStream => Some(Format::ZlibStream),
            Self::Split(_) => None,
        }
    }
}

/// The separator between two records: 1 to [`MAX_SEPARATOR`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Separator(Box<str>);

impl Separator {
    /// Checks its length.
    ///
    /// # Errors
    ///
    /// [`InvalidDecoding::EmptySeparator`] and [`InvalidDecoding::LongSeparator`].
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidDecoding> {
        let text = text.into();
        match text.len() {
            0 => Err(InvalidDecoding::EmptySeparator),
            1..=MAX_SEPARATOR => Ok(Self(text)),
            len => Err(InvalidDecoding::LongSeparator { len }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The stages that each message passes, in order: 1 to [`MAX_STAGES`].
///
/// ```
/// use everwire_proto::decode::{Decoding, InvalidDecoding, Separator, Stage};
///
/// // Binary messages are gzip files, which hold a record in each line.
/// let decoding = Decoding::new(vec![Stage::Gzip, Separator::new("\n")?.into()])?;
/// assert_eq!(decoding.stages().len(), 2);
/// # Ok::<(), InvalidDecoding>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoding(Box<[Stage]>);

impl Decoding {
    /// Checks the list.
    ///
    /// # Errors
    ///
    /// It is empty or too long, or has two zlib streams.
    pub fn new(stages: Vec<Stage>) -> Result<Self, InvalidDecoding> {
        let streams = stages.iter().filter(|stage| **stage == Stage::ZlibStream);
        match stages.len() {
            0 => Err(InvalidDecoding::Empty),
            1..=MAX_STAGES if streams.count() > 1 => Err(InvalidDecoding::TwoStreams),
            1..=MAX_STAGES => Ok(Self(stages.into())),
            len => Err(InvalidDecoding::TooLong { len }),
        }
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.0
    }
}

impl From<Separator> for Stage {
    fn from(separator: Separator) -> Self {
        Self::Split(separator)
    }
}

/// Why stages are not a [`Decoding`], or a text is not a [`Separator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDecoding {
    /// No stage.
    #[error("there is nothing to decode")]
    Empty,
    /// Too many stages.
    #[error("there are {len} stages, and at most {MAX_STAGES} may be")]
    TooLong {
        /// How many.
        len: usize,
    },
    /// The messages of a socket are one stream, and not two.
    #[error("`zlib-stream` comes twice, and a socket has one stream")]
    TwoStreams,
    /// Every message would fall into bytes.
    #[error("the separator is empty")]
    EmptySeparator,
    /// A separator that is too long.
    #[error("the separator has {len} bytes, and at most {MAX_SEPARATOR} may be")]
    LongSeparator {
        /// Its length, in bytes.
        len: usize,
    },
}
