//! The name of a connection.

use std::{fmt, str::FromStr, sync::Arc};

/// The longest name that is accepted, in bytes.
pub const MAX_NAME: usize = 128;

/// The name of one connection: 1 to 128 of `A-Z a-z 0-9 . _ : -`, first and last alphanumeric, no `..`.
///
/// Cloning is cheap: the text is shared.
///
/// ```
/// use everwire_proto::settings::ConnectionName;
///
/// assert!(ConnectionName::new("market.btc-usd").is_ok());
/// assert!(ConnectionName::new("-feed").is_err());
/// ```
///
/// It compares with texts:
///
/// ```
/// # use everwire_proto::settings::ConnectionName;
/// let name = ConnectionName::new("market.btc-usd")?;
/// assert!(name == "market.btc-usd" && name != String::from("market.eth-usd"));
/// # Ok::<(), everwire_proto::settings::InvalidName>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionName(Arc<str>);

/// Why a text is no connection name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The name has no character at all.
    #[error("a name must have at least one character")]
    Empty,
    /// The name is longer than [`MAX_NAME`].
    #[error("a name has at most {MAX_NAME} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside the alphabet, and its position in bytes.
    #[error("{character:?} at position {position} is outside the alphabet A-Z a-z 0-9 . _ : -")]
    Character {
        /// The offending character.
        character: char,
        /// Its offset in bytes.
        position: usize,
    },
    /// The first or the last character is neither a letter nor a digit.
    #[error("a name starts and ends with a letter or a digit")]
    Edge,
    /// Two dots in a row.
    #[error("a name must not contain \"..\"")]
    Dots,
}

impl ConnectionName {
    /// Checks `name` against the alphabet and the length of a name.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] with the broken rule, and its place.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
        let name = name.as_ref();
        let bytes = name.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return Err(InvalidName::Empty);
        };
        let outside = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-'));
        if let Some((position, character)) = name.char_indices().find(|(_, c)| outside(c)) {
            return Err(InvalidName::Character {
                character,
                position,
            });
        }
        if bytes.len() > MAX_NAME {
            return Err(InvalidName::TooLong(bytes.len()));
        }
        if !(first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric()) {
            return Err(InvalidName::Edge);
        }
        if name.contains("..") {
            return Err(InvalidName::Dots);
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for ConnectionName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ConnectionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for ConnectionName {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for ConnectionName {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<String> for ConnectionName {
    fn eq(&self, other: &String) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<ConnectionName> for str {
    fn eq(&self, other: &ConnectionName) -> bool {
        *self == *other.0
    }
}

impl PartialEq<ConnectionName> for &str {
    fn eq(&self, other: &ConnectionName) -> bool {
        **self == *other.0
    }
}

impl PartialEq<ConnectionName> for String {
    fn eq(&self, other: &ConnectionName) -> bool {
        **self == *other.0
    }
}

impl FromStr for ConnectionName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl serde::Serialize for ConnectionName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ConnectionName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_inside_the_alphabet_are_accepted() {
        for name in ["a", "A.b_c:d-9", "0", &"x".repeat(128)] {
            assert_eq!(ConnectionName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_compares_with_texts_from_both_sides() {
        let name = ConnectionName::new("feed").unwrap();
        let (same, other) = ("feed".to_owned(), "other".to_owned());
        assert!(name == same && name == "feed" && name == *"feed");
        assert!(same == name && "feed" == name && *"feed" == name);
        assert_ne!(name, other);
        assert_ne!(name, "other");
        assert_ne!(other, name);
    }

    #[test]
    fn each_broken_rule_is_told() {
        let cases = [
            ("", InvalidName::Empty),
            (&"x".repeat(129), InvalidName::TooLong(129)),
            (
                "a b",
                InvalidName::Character {
                    character: ' ',
                    position: 1,
                },
            ),
            ("-a", InvalidName::Edge),
            ("a.", InvalidName::Edge),
            ("a..b", InvalidName::Dots),
        ];
        for (name, error) in cases {
            assert_eq!(ConnectionName::new(name), Err(error), "{name:?}");
        }
    }
}
