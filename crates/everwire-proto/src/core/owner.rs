//! Whose a name is.

use std::{fmt, sync::Arc};

/// The name of the API token that created a name; names of the file and of Rust programs have none.
///
/// What is shared is shared by owners: each has a part at most. Cloning is cheap: the text is shared.
///
/// ```
/// use everwire_proto::core::Owner;
///
/// assert_eq!(Owner::new("acme").as_str(), "acme");
/// assert_eq!(Owner::removed().to_string(), "(removed)");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Arc<str>);

impl Owner {
    /// The owner that has the name of this token; no text is refused.
    pub fn new(token: impl AsRef<str>) -> Self {
        Self(token.as_ref().into())
    }

    /// Stands for all owners whose tokens are no more: together they have the smallest share.
    pub fn removed() -> Self {
        Self::new("(removed)")
    }

    /// The name of the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for Owner {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Owner {
    fn borrow(&self) -> &str {
        &self.0
    }
}
