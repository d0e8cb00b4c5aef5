//! The purpose of a template.

/// The purpose of a template, which decides what it may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// A text: a message, a body, a duration.
    Text,
    /// A binary message: values may be bytes.
    Bytes,
    /// The value of a header: no control character except the tab.
    Header,
    /// A URL, which is checked when it is rendered: no control character.
    Url,
}

impl TemplateKind {
    /// Whether there are forbidden characters.
    pub(super) fn refuses_some(self) -> bool {
        matches!(self, Self::Header | Self::Url)
    }

    /// Whether this character is forbidden, whatever its origin.
    pub(super) fn refuses(self, character: char) -> bool {
        match self {
            Self::Text | Self::Bytes => false,
            Self::Header => character.is_ascii_control() && character != '\t',
            Self::Url => character.is_ascii_control(),
        }
    }

    /// Whether a peer's line end in it is an error.
    pub(super) fn has_lines(self) -> bool {
        self != Self::Bytes
    }
}
