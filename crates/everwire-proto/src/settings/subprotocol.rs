//! A subprotocol to offer.

use std::fmt;

use crate::language::Template;

/// A subprotocol to offer. It may contain a token, so its variables are shown by name.
///
/// ```
/// use everwire_proto::settings::Subprotocol;
///
/// let plain: Subprotocol = "graphql-ws".into();
/// assert_eq!(plain, "graphql-ws");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Subprotocol(Template);

impl Subprotocol {
    /// The template that is rendered for each dial.
    pub fn template(&self) -> &Template {
        &self.0
    }
}

impl fmt::Display for Subprotocol {
    /// Like a [`Template`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Subprotocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Template> for Subprotocol {
    fn from(template: Template) -> Self {
        Self(template)
    }
}

impl From<&str> for Subprotocol {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Subprotocol {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Compares with a text without expansions.
impl PartialEq<&str> for Subprotocol {
    fn eq(&self, text: &&str) -> bool {
        self.0.as_literal() == Some(*text)
    }
}
