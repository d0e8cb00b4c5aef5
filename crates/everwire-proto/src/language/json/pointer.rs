//! JSON Pointers (RFC 6901): places of values in a JSON text.

use std::{fmt, str::FromStr, sync::Arc};

use super::key::Step;

/// The longest pointer that is accepted, in bytes.
pub const MAX_POINTER: usize = 1024;

/// A JSON Pointer (RFC 6901): `/data/t`, `/a/0`, and `""` for the whole text. In a key `~` is written `~0`, and `/` is `~1`.
///
/// Cloning is cheap: the keys are shared.
///
/// ```
/// use everwire_proto::language::JsonPointer;
///
/// assert_eq!(JsonPointer::new("/data/t")?.to_string(), "/data/t");
/// assert!(JsonPointer::new("data.t").is_err());
/// # Ok::<(), everwire_proto::language::InvalidPointer>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JsonPointer(Arc<[Step]>);

/// Why a text is no JSON Pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPointer {
    /// It is not empty, and does not begin with a slash.
    #[error("it starts with a slash, as in \"/data/t\"")]
    NoSlash,
    /// A tilde with neither 0 nor 1 behind it, and its offset in bytes.
    #[error("the ~ at position {0} is neither ~0 (for ~) nor ~1 (for /)")]
    Escape(usize),
    /// It is longer than [`MAX_POINTER`].
    #[error("it has at most {MAX_POINTER} bytes, and this one has {0}")]
    TooLong(usize),
}

impl JsonPointer {
    /// Parses a pointer.
    ///
    /// # Errors
    ///
    /// [`InvalidPointer`] with the broken rule, and its place.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidPointer> {
        let text = text.as_ref();
        if text.len() > MAX_POINTER {
            return Err(InvalidPointer::TooLong(text.len()));
        }
        if text.is_empty() {
            return Ok(Self::root());
        }
        let keys = text.strip_prefix('/').ok_or(InvalidPointer::NoSlash)?;
        let known = |at: usize| matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1'));
        if let Some((at, _)) = text.match_indices('~').find(|(at, _)| !known(*at)) {
            return Err(InvalidPointer::Escape(at));
        }
        // In this order: "~01" is the key "~1".
        let key = |key: &str| Step::from(&*key.replace("~1", "/").replace("~0", "~"));
        Ok(Self(keys.split('/').map(key).collect()))
    }

    /// The whole text: `""`.
    pub fn root() -> Self {
        Self(Arc::default())
    }

    /// Whether this is the whole text.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last key that cannot be an array index.
    pub(in crate::language) fn last_name(&self) -> Option<&str> {
        let named = self.0.iter().rev().find(|step| step.index().is_none());
        named.map(Step::as_str)
    }

    /// The keys as texts.
    pub(in crate::language) fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().map(Step::as_str)
    }

    /// This pointer followed by the other one.
    pub(in crate::language) fn join(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(below.0.iter()).cloned().collect())
    }

    /// The pointer of these keys.
    pub(super) fn of_steps(steps: impl Iterator<Item = Step>) -> Self {
        Self(steps.collect())
    }

    /// The keys.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.0.iter() {
            write!(
                f,
                "/{}",
                step.as_str().replace('~', "~0").replace('/', "~1")
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl FromStr for JsonPointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_back() {
        for text in ["", "/", "/a", "/a/0", "/~0~1", "/~01", "//", "/a b/ä"] {
            assert_eq!(JsonPointer::new(text).unwrap().to_string(), text);
        }
        assert_eq!(
            &*JsonPointer::new("/~01/~10").unwrap().0,
            ["~1".into(), "/0".into()]
        );
    }

    #[test]
    fn each_broken_rule_is_told() {
        let long = format!("/{}", "x".repeat(MAX_POINTER));
        for (text, error) in [
            ("a", InvalidPointer::NoSlash),
            ("$.a", InvalidPointer::NoSlash),
            ("/a~", InvalidPointer::Escape(2)),
            ("/~0~2", InvalidPointer::Escape(3)),
            (&long, InvalidPointer::TooLong(1025)),
        ] {
            assert_eq!(JsonPointer::new(text), Err(error), "{text}");
        }
    }
}
