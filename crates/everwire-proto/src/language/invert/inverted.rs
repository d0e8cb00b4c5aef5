//! The result.

/// A message, or an HTTP answer, that meets all requirements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inverted {
    /// The whole text; for an HTTP answer its body.
    pub text: String,
    /// The status of an HTTP answer, if it matters.
    pub status: Option<u16>,
    /// The headers of an HTTP answer that matter.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// The cookies that an HTTP answer sets.
    pub cookies: Vec<(Box<str>, Box<str>)>,
}
