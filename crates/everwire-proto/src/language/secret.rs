//! Text that must not be printed.

use std::fmt;

/// A text that neither `Debug`, nor a log, nor the API can print.
///
/// ```
/// use everwire_proto::language::Secret;
///
/// let token = Secret::new("abc");
/// assert_eq!(format!("{token:?}"), "***");
/// assert_eq!(token.expose(), "abc");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every use of this is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
