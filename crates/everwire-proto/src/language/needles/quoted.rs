//! Searches needles that begin with a quote at each quote of a message: eight bytes at a time.

const EACH: u64 = u64::MAX / 0xff;
const HIGH: u64 = EACH << 7;
const WORD: usize = size_of::<u64>();

/// Needles that all begin with a quote.
#[derive(Clone)]
pub(super) struct Quoted {
    /// Without their first quotes, grouped by their next byte.
    groups: Box<[Group]>,
    /// For each byte the index of its group, counted from 1; 0: there is none.
    group_of: [u8; 256],
}

/// Needles with the same next byte.
type Group = Box<[Box<[u8]>]>;

impl Quoted {
    /// `None`: one of them begins with something else.
    pub fn of(needles: &[Box<str>]) -> Option<Self> {
        let mut groups: Vec<Vec<Box<[u8]>>> = Vec::new();
        let mut group_of = [0; 256];
        for needle in needles {
            let rest = needle.strip_prefix('"')?.as_bytes();
            let group = &mut group_of[usize::from(*rest.first()?)];
            if *group == 0 {
                groups.push(Vec::new());
                *group = u8::try_from(groups.len()).ok()?;
            }
            groups[usize::from(*group) - 1].push(rest.into());
        }
        let groups = groups.into_iter().map(Vec::into_boxed_slice).collect();
        Some(Self { groups, group_of })
    }

    /// Whether one of them is present, or a backslash.
    pub fn any_in(&self, message: &[u8]) -> bool {
        let (words, rest) = message.as_chunks::<WORD>();
        for (at, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            if marks(word, b'\\') != 0 {
                return true;
            }
            let mut quotes = marks(word, b'"');
            while quotes != 0 {
                let behind = at * WORD + quotes.trailing_zeros() as usize / 8 + 1;
                if self.goes_on(message, behind) {
                    return true;
                }
                quotes &= quotes - 1;
            }
        }
        let from = message.len() - rest.len();
        rest.iter().enumerate().any(|(at, byte)| match byte {
            b'\\' => true,
            b'"' => self.goes_on(message, from + at + 1),
            _ => false,
        })
    }

    /// Whether one of them continues here, after a quote.
    #[inline(always)]
    fn goes_on(&self, message: &[u8], at: usize) -> bool {
        let Some(first) = message.get(at) else {
            return false;
        };
        match self.group_of[usize::from(*first)] {
            0 => false,
            group => self.is_in(group, &message[at..]),
        }
    }

    #[inline(never)]
    fn is_in(&self, group: u8, rest: &[u8]) -> bool {
        let group = &self.groups[usize::from(group) - 1];
        group.iter().any(|needle| rest.starts_with(needle))
    }
}

/// The highest bit of each byte of the word that equals this one.
#[inline(always)]
fn marks(word: u64, byte: u8) -> u64 {
    let others = word ^ (EACH * u64::from(byte));
    // No sum carries into the next byte.
    !(((others & !HIGH) + !HIGH) | others) & HIGH
}
