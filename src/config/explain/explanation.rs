//! What is said of connections.

use serde::Serialize;

use crate::core::ConnectionName;

/// What some connections will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The connections that do it, in order. Where there are several, `{name}` stands for the name of each, and in URLs `{i}` for the
    /// number at its end.
    pub names: Vec<ConnectionName>,
    /// What they do, by subject. A subject of which there is nothing to say is not there.
    pub sections: Vec<Section>,
}

/// What a connection does about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Section {
    /// The subject: `prepares`, `dials`, `opening`, `subscribes`, `rules`, `captures`, `heartbeat`, `silence`, `losses`, `sends`, `requests`,
    /// `receives`, `also` (keys as they are written), `reads`, `hints`; of a bridge `nats`.
    pub subject: &'static str,
    /// What is said of it, in the order in which it happens.
    pub lines: Vec<Line>,
}

/// A sentence, and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// The sentence, without a period.
    pub text: String,
    /// What belongs to it.
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
