//! Patterns that select names.

use std::{fmt, str::FromStr};

use super::ConnectionName;

/// Selects names: `*` is any run of characters, dots included; a comma separates alternatives.
///
/// ```
/// use everwire_proto::settings::{ConnectionName, Pattern};
///
/// let pattern = Pattern::new("market.*,feed-1")?;
/// assert!(pattern.matches(&ConnectionName::new("market.btc.usd")?));
/// assert!(!pattern.matches(&ConnectionName::new("feed-12")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    alternatives: Box<[Box<str>]>,
    /// Another pattern that must select the name, too.
    within: Option<Box<Pattern>>,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// An alternative is empty.
    #[error("a pattern must not be empty; write \"*\" for all names")]
    Empty,
    /// A character that no name can have.
    #[error(
        "{0:?} is not allowed in a name; use A-Z a-z 0-9 . _ : - and *, with commas between alternatives"
    )]
    Character(char),
    /// More characters than any use needs.
    #[error("a pattern has at most {MAX_PATTERN} characters")]
    TooLong,
}

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4096;

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] when an alternative is empty, or contains a character that no name has.
    pub fn new(pattern: impl AsRef<str>) -> Result<Self, InvalidPattern> {
        let pattern = pattern.as_ref();
        if pattern.len() > MAX_PATTERN {
            return Err(InvalidPattern::TooLong);
        }
        pattern
            .split(',')
            .map(|alternative| {
                let alternative = alternative.trim();
                if alternative.is_empty() {
                    return Err(InvalidPattern::Empty);
                }
                let outside = |c: &char| {
                    !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-' | '*'))
                };
                match alternative.chars().find(outside) {
                    Some(character) => Err(InvalidPattern::Character(character)),
                    None => Ok(alternative.into()),
                }
            })
            .collect::<Result<_, _>>()
            .map(Self::of)
    }

    fn of(alternatives: Box<[Box<str>]>) -> Self {
        Self {
            alternatives,
            within: None,
        }
    }

    /// Selects all names.
    pub fn all() -> Self {
        Self::of([Box::from("*")].into())
    }

    /// Selects only this name.
    pub fn exactly(name: &ConnectionName) -> Self {
        Self::of([Box::from(name.as_str())].into())
    }

    /// Restricts it to names that `limit` selects, too.
    pub fn within(mut self, limit: Self) -> Self {
        self.within = Some(Box::new(match self.within {
            Some(within) => within.within(limit),
            None => limit,
        }));
        self
    }

    /// Whether it selects the name.
    pub fn matches(&self, name: &ConnectionName) -> bool {
        let selects = |alternative: &str| glob(alternative.as_bytes(), name.as_str().as_bytes());
        // The limit first: it is short, while somebody else may have made the pattern long.
        self.within
            .as_ref()
            .is_none_or(|within| within.matches(name))
            && self
                .alternatives
                .iter()
                .any(|alternative| selects(alternative))
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(pattern: &str) -> Result<Self, InvalidPattern> {
        Self::new(pattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.alternatives.join(","))?;
        match &self.within {
            Some(within) => write!(f, " within {within}"),
            None => Ok(()),
        }
    }
}

/// Matches with `*` as the only wildcard, in at most `pattern × text` steps: after a mismatch only
/// the last `*` is retried.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((after_star, start)) = retry {
            retry = Some((after_star, start + 1));
            p = after_star;
            t = start + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_run_and_a_comma_separates_alternatives() {
        for (pattern, name, matches) in [
            ("*", "a.b", true),
            ("a*", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("*a*b*", "xxaYYbzz", true),
            ("feed", "feed-1", false),
            ("x, feed-*", "feed-1", true),
            ("a*a*a*a*b", &"a".repeat(120), false),
        ] {
            let selected = Pattern::new(pattern)
                .unwrap()
                .matches(&ConnectionName::new(name).unwrap());
            assert_eq!(selected, matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_pattern_within_others_selects_what_all_of_them_select() {
        let pattern = |text| Pattern::new(text).unwrap();
        let narrow = pattern("*-1,x")
            .within(pattern("feed-*"))
            .within(pattern("*1"));
        for (name, matches) in [
            ("feed-1", true),
            ("x", false),
            ("feed-2", false),
            ("acme-1", false),
        ] {
            let selected = narrow.matches(&ConnectionName::new(name).unwrap());
            assert_eq!(selected, matches, "{name}");
        }
    }

    #[test]
    fn a_pattern_that_can_match_no_name_is_refused() {
        assert_eq!(Pattern::new(""), Err(InvalidPattern::Empty));
        assert_eq!(Pattern::new("a,,b"), Err(InvalidPattern::Empty));
        assert_eq!(Pattern::new("a?"), Err(InvalidPattern::Character('?')));
    }
}
