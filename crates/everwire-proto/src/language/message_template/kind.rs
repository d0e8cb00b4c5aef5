//! What a template is filled for.

/// What a template is filled for, which decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// A text: a message, a body, a duration.
    Text,
    /// A binary message: values may be bytes.
    Bytes,
    /// The value of a header: no control character but the tab.
    Header,
    /// A URL, which its user validates when it is filled: no control character.
    Url,
}

impl TemplateKind {
    /// Whether there is a character that must not stand in it.
    pub(super) fn refuses_some(self) -> bool {
        matches!(self, Self::Header | Self::Url)
    }

    /// Whether this character must not stand in it, wherever it comes from.
    pub(super) fn refuses(self, character: char) -> bool {
        match self {
            Self::Text | Self::Bytes => false,
            Self::Header => character.is_ascii_control() && character != '\t',
            Self::Url => character.is_ascii_control(),
        }
    }

    /// Whether a peer's line end in it fails it.
    pub(super) fn has_lines(self) -> bool {
        self != Self::Bytes
    }
}
