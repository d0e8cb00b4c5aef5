//! Rendered templates, and errors of rendering.

use std::fmt;

use crate::language::Secret;

/// A rendered template. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    pub(super) content: Content,
    pub(super) is_secret: bool,
    pub(super) secrets: Vec<Secret>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

/// Why nothing can be sent: what stands in the template, as it was written, and never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// What is sent there is absent.
    #[error("`{hole}` is absent")]
    Absent {
        /// The hole as it was written.
        hole: Box<str>,
    },
    /// Bytes that are no text stand in a template of text.
    #[error("`{hole}` is not a text")]
    NotText {
        /// The hole as it was written.
        hole: Box<str>,
    },
    /// A peer's value would end a line, or the place allows no such character.
    #[error("`{hole}` has a control character, which is not allowed there")]
    ControlCharacter {
        /// The hole as it was written.
        hole: Box<str>,
    },
    /// A file was not read, or there is no such secret.
    #[error("`{hole}` could not be read")]
    Missing {
        /// The variable as it was written.
        hole: Box<str>,
    },
    /// It is longer than a message may be.
    #[error("the text is longer than {max} bytes")]
    TooLong {
        /// The most that is allowed.
        max: usize,
    },
}

impl Rendered {
    /// The text, if the template was one of text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Bytes(_) => None,
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.content {
            Content::Text(text) => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
        }
    }

    /// Its bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.content {
            Content::Text(text) => text.into_bytes(),
            Content::Bytes(bytes) => bytes,
        }
    }

    /// The text without a copy; empty for a template of bytes.
    pub fn into_text(self) -> String {
        match self.content {
            Content::Text(text) => text,
            Content::Bytes(_) => String::new(),
        }
    }

    /// The values of secret holes: also signatures and tokens made of secrets. Those of `${UPPER}`,
    /// `${file:}` and `${secret:}` are not included.
    pub fn take_secrets(&mut self) -> Vec<Secret> {
        std::mem::take(&mut self.secrets)
    }

    /// Whether it contains a secret.
    pub fn is_secret(&self) -> bool {
        self.is_secret
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            _ if self.is_secret => f.write_str("***"),
            Content::Text(text) => fmt::Debug::fmt(text, f),
            Content::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}
