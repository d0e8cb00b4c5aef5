//! The owner of a name.

use std::{fmt, sync::Arc};

/// The name of the API token that created a name; names of the file and of Rust programs have no
/// owner.
///
/// Shared resources are divided by owner: each has at most a part. Cloning is cheap: the text is
/// shared.
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
    /// The owner with this token's name; any text is allowed.
    pub fn new(token: impl AsRef<str>) -> Self {
        Self(token.as_ref().into())
    }

    /// The owner of all names whose tokens were removed: together they have the smallest share.
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
