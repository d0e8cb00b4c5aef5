//! Texts that a message must contain to be worth parsing as JSON.

mod quoted;

use std::fmt;

use memchr::{memchr, memmem::Finder};

use self::quoted::Quoted;
use super::json::{JsonPointer, write_quoted};

/// What an expression needs to find in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It does not read the message as JSON.
    Nothing,
    /// Without one of these the result is the same as without any JSON. A message with a backslash
    /// is always read, since an escape may hide a text.
    AnyOf(Vec<Box<str>>),
    /// Every message must be read as JSON.
    Everything,
}

impl Need {
    /// What must be present for a pointer to find something.
    pub fn of(pointer: &JsonPointer) -> Self {
        let needle = pointer.last_name().and_then(|name| {
            let mut quoted = String::new();
            write_quoted(name, &mut quoted);
            (!quoted.contains('\\')).then(|| Self::AnyOf(vec![quoted.into()]))
        });
        needle.unwrap_or(Self::Everything)
    }

    /// The needs of both.
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

/// The needles of all expressions that read the same messages.
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

/// The search for the needles.
#[derive(Clone)]
struct Search {
    /// One after the other: for few needles, or in a message that is long for their number. Empty if
    /// there are too many.
    each: Box<[Finder<'static>]>,
    /// The needles of these that have at most eight bytes.
    heads: Box<[Head]>,
    /// All of them at each quote of the message: several in a short message.
    at_quotes: Option<Box<Quoted>>,
}

/// A needle of at most eight bytes, the first in the lowest byte of `word`. The unused bytes of
/// `word` and `mask` are zero.
#[derive(Clone, Copy)]
struct Head {
    word: u64,
    mask: u64,
}

/// The most needles that are searched one after the other, however short a message is.
const FEW: usize = 2;

/// The most that are searched one after the other in any message.
const SEVERAL: usize = 8;

/// From this many bytes per needle on that is faster: it costs less per byte, and more per message.
const LONG: usize = 32;

impl Needles {
    /// For these combined needs.
    pub fn new(need: Need) -> Self {
        let needles = match &need {
            Need::AnyOf(needles) => needles.as_slice(),
            Need::Nothing | Need::Everything => &[],
        };
        let at_quotes = (needles.len() > FEW).then(|| Quoted::of(needles)).flatten();
        let is_each = at_quotes.is_none() || needles.len() <= SEVERAL;
        let each = needles.iter().filter(|_| is_each);
        let heads = each
            .clone()
            .filter_map(|needle| Head::of(needle.as_bytes()));
        let heads = heads.collect();
        let each = each.map(|needle| Finder::new(needle.as_bytes()).into_owned());
        let search = Search {
            each: each.collect(),
            heads,
            at_quotes: at_quotes.map(Box::new),
        };
        Self { need, search }
    }

    /// Whether this message must be read as JSON. If not, all of the expressions have the same
    /// results as without any JSON.
    pub fn any_in(&self, message: &[u8]) -> bool {
        match &self.need {
            Need::Nothing => false,
            Need::Everything => true,
            Need::AnyOf(_) => self.search.stands_first(message) || self.search.any_in(message),
        }
    }

    /// Their needs.
    pub fn need(&self) -> &Need {
        &self.need
    }
}

impl Search {
    /// Whether one stands behind the first byte, which mostly is a bracket: many messages begin with what says their kind.
    #[inline]
    fn stands_first(&self, message: &[u8]) -> bool {
        let word = message.get(1..).and_then(<[u8]>::first_chunk);
        word.is_some_and(|word| {
            let word = u64::from_le_bytes(*word);
            self.heads.iter().any(|head| word & head.mask == head.word)
        })
    }

    fn any_in(&self, message: &[u8]) -> bool {
        let is_long = !self.each.is_empty() && message.len() > LONG * self.each.len();
        match &self.at_quotes {
            Some(quoted) if !is_long => quoted.any_in(message),
            _ => {
                self.each
                    .iter()
                    .any(|finder| finder.find(message).is_some())
                    || memchr(b'\\', message).is_some()
            }
        }
    }
}

impl Head {
    /// `None`: it is too long.
    fn of(needle: &[u8]) -> Option<Self> {
        let (mut word, mut mask) = ([0; size_of::<u64>()], [0; size_of::<u64>()]);
        word.get_mut(..needle.len())?.copy_from_slice(needle);
        mask.get_mut(..needle.len())?.fill(u8::MAX);
        Some(Self {
            word: u64::from_le_bytes(word),
            mask: u64::from_le_bytes(mask),
        })
    }
}

impl Default for Needles {
    /// No needs.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(needles: &[String]) -> Needles {
        let boxed = needles.iter().map(|needle| needle.as_str().into());
        Needles::new(Need::AnyOf(boxed.collect()))
    }

    /// Quotes at each place of a word, and needles that continue after it.
    #[test]
    fn a_needle_is_found_at_each_place() {
        for needle in ["\"a\"", "\"bcd\"", "\"c", "\"", "\"äx\""].map(str::to_owned) {
            let others = ["\"other\"", "\"others\""].map(str::to_owned);
            let of = of(&[[needle.clone()].as_slice(), &others].concat());
            for (before, behind) in (0..400).map(|n| (n % 20, n / 20)) {
                let message = ["x".repeat(before), needle.clone(), ",".repeat(behind)].concat();
                assert!(of.any_in(message.as_bytes()), "{message}");
                let cut = &message.as_bytes()[..before + needle.len() - 1];
                assert!(!of.any_in(cut), "{message}");
            }
        }
    }

    proptest! {
        #[test]
        fn many_needles_are_found_as_few_are(
            needles in prop::collection::vec("\"[abä]{0,2}\"", 1..SEVERAL + 4),
            message in "[abä\" ]{0,30}(\\\\)?[abä\" ]{0,4}",
            repeats in 1..40_usize,
        ) {
            let message = message.repeat(repeats);
            let found = of(&needles).any_in(message.as_bytes());
            let expected = message.contains('\\') || needles.iter().any(|needle| message.contains(needle));
            prop_assert_eq!(found, expected);
        }
    }
}
