//! Which texts must stand in a message, so that it is worth being read as JSON.

use std::fmt;

use super::json::{JsonPointer, write_quoted};
use memchr::{memchr, memchr2, memmem::Finder};

/// What an expression needs of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It does not look into the message as JSON.
    Nothing,
    /// Without one of these the expression comes to the same as without any JSON. A message with a backslash is read whatever stands
    /// in it: there a text can be written in other ways.
    AnyOf(Vec<Box<str>>),
    /// Every message must be read as JSON.
    Everything,
}

impl Need {
    /// What is needed so that a pointer finds something.
    pub fn of(pointer: &JsonPointer) -> Self {
        let needle = pointer.last_name().and_then(|name| {
            let mut quoted = String::new();
            write_quoted(name, &mut quoted);
            (!quoted.contains('\\')).then(|| Self::AnyOf(vec![quoted.into()]))
        });
        needle.unwrap_or(Self::Everything)
    }

    /// What both need.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, need) | (need, Self::Nothing) => need,
            (Self::AnyOf(mut needles), Self::AnyOf(others)) => {
                for needle in others {
                    if !needles.contains(&needle) {
                        needles.push(needle);
                    }
                }
                Self::AnyOf(needles)
            }
        }
    }
}

/// The needles of all expressions that look into the same messages.
///
/// ```
/// use everwire_proto::language::{Need, Needles};
///
/// let needles = Needles::new(Need::AnyOf(vec!["\"ping\"".into()]));
/// assert!(needles.any_in(br#"{"op":"ping"}"#));
/// assert!(!needles.any_in(br#"{"op":"trade"}"#));
/// // It may be an escape for any text.
/// assert!(needles.any_in(br#"{"op":"\u0070ing"}"#));
/// ```
#[derive(Clone)]
pub struct Needles {
    need: Need,
    search: Search,
}

/// How the needles are looked for.
#[derive(Clone)]
enum Search {
    /// One after the other: for a few.
    Each(Box<[Finder<'static>]>),
    /// All of them at each quote of the message.
    AtQuotes(Box<Quoted>),
}

/// The most needles that are looked for one after the other.
const FEW: usize = 2;

impl Needles {
    /// What all of them need, taken together with [`Need::or`].
    pub fn new(need: Need) -> Self {
        let needles = match &need {
            Need::AnyOf(needles) => needles.as_slice(),
            Need::Nothing | Need::Everything => &[],
        };
        let quoted = (needles.len() > FEW).then(|| Quoted::of(needles)).flatten();
        let each = || {
            needles
                .iter()
                .map(|needle| Finder::new(needle.as_bytes()).into_owned())
        };
        let search = match quoted {
            Some(quoted) => Search::AtQuotes(Box::new(quoted)),
            None => Search::Each(each().collect()),
        };
        Self { need, search }
    }

    /// Whether this message must be read as JSON: if not, all of the expressions come to what they come to without any JSON.
    pub fn any_in(&self, message: &[u8]) -> bool {
        match (&self.need, &self.search) {
            (Need::Nothing, _) => false,
            (Need::Everything, _) => true,
            (Need::AnyOf(_), Search::Each(finders)) => {
                finders.iter().any(|finder| finder.find(message).is_some())
                    || memchr(b'\\', message).is_some()
            }
            (Need::AnyOf(_), Search::AtQuotes(quoted)) => quoted.any_in(message),
        }
    }

    /// What they need.
    pub fn need(&self) -> &Need {
        &self.need
    }
}

impl Default for Needles {
    /// Nothing is needed.
    fn default() -> Self {
        Self::new(Need::Nothing)
    }
}

impl PartialEq for Needles {
    fn eq(&self, other: &Self) -> bool {
        self.need == other.need
    }
}

impl Eq for Needles {}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.need, f)
    }
}

/// Needles each of which begins with a quote.
#[derive(Clone)]
struct Quoted {
    /// Without their first quotes.
    needles: Box<[Box<[u8]>]>,
    /// Of each byte whether a needle goes on with it behind its quote.
    begins: [bool; 256],
}

impl Quoted {
    fn of(needles: &[Box<str>]) -> Option<Self> {
        let needles = needles
            .iter()
            .map(|needle| Some(needle.strip_prefix('"')?.as_bytes().into()));
        let needles: Box<[Box<[u8]>]> = needles.collect::<Option<_>>()?;
        let mut begins = [false; 256];
        for needle in &needles {
            begins[usize::from(*needle.first()?)] = true;
        }
        Some(Self { needles, begins })
    }

    /// Whether one of them is there, or a backslash.
    fn any_in(&self, message: &[u8]) -> bool {
        let mut rest = message;
        while let Some(at) = memchr2(b'"', b'\\', rest) {
            let is_quote = rest[at] == b'"';
            rest = &rest[at + 1..];
            let begins = rest
                .first()
                .is_some_and(|first| self.begins[usize::from(*first)]);
            if !is_quote || (begins && self.needles.iter().any(|needle| rest.starts_with(needle))) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_needles_are_found_as_few_are(
            needles in prop::collection::vec("\"[ab]{0,2}\"", FEW + 1..6),
            message in "[ab\" ]{0,20}(\\\\)?[ab\" ]{0,4}",
        ) {
            let boxed = needles.iter().map(|needle| needle.as_str().into()).collect();
            let found = Needles::new(Need::AnyOf(boxed)).any_in(message.as_bytes());
            let expected = message.contains('\\') || needles.iter().any(|needle| message.contains(needle));
            prop_assert_eq!(found, expected);
        }
    }
}
