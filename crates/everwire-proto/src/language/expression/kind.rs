//! What is known of a value before it is there.

/// The kind of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Not known: it depends on the message, or on what was captured.
    Any,
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    List,
}

impl Kind {
    /// As it is told: "a text".
    pub fn described(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Bytes => "bytes",
            Self::List => "a list",
        }
    }

    /// Whether a value of this kind may be one of those.
    pub fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    /// Whether a value of this kind may equal one of that.
    pub fn may_equal(self, other: Self) -> bool {
        let texts = [Self::Text, Self::Bytes];
        self.may_be(other) || (texts.contains(&self) && texts.contains(&other))
    }
}
