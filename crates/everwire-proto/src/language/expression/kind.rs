//! What is known about a value before evaluation.

/// The kind of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Unknown: it depends on the message, or on captures.
    Any,
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    List,
}

impl Kind {
    /// For error texts: "a text".
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

    /// Whether a value of this kind may be of the other kind.
    pub fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    /// Whether a value of this kind may equal one of the other kind.
    pub fn may_equal(self, other: Self) -> bool {
        let texts = [Self::Text, Self::Bytes];
        self.may_be(other) || (texts.contains(&self) && texts.contains(&other))
    }
}
