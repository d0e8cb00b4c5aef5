//! Explanations of connections.

use serde::Serialize;

use crate::core::ConnectionName;

/// The behaviour of some connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The connections with this behaviour, in order. If there are several, `{name}` stands for
    /// each name, and in URLs `{i}` for the number at its end.
    pub names: Vec<ConnectionName>,
    /// The behaviour, by subject. Empty subjects are left out.
    pub sections: Vec<Section>,
}

/// The behaviour of a connection in one subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Section {
    /// The subject: `prepares`, `dials`, `opening`, `subscribes`, `rules`, `captures`, `heartbeat`, `silence`, `losses`, `sends`, `requests`,
    /// `receives`, `also` (keys as they are written), `reads`, `hints`; of a bridge `nats`.
    pub subject: &'static str,
    /// The sentences, in the order of events.
    pub lines: Vec<Line>,
}

/// A sentence with its details.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// The sentence, without a period.
    pub text: String,
    /// Details.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

impl Line {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            details: Vec::new(),
        }
    }
}

impl<T: Into<String>> From<T> for Line {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}
