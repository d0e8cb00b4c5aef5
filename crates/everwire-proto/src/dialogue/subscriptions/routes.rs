//! By what the peer names keys in its messages.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

/// The places of keys, by what the peer names them in its messages. Each message asks.
#[derive(Debug, Default)]
pub(super) struct Routes(HashMap<Arc<str>, usize, Seeds>);

/// What the hashes of one table begin with. The standard hash takes six times as long for a short text.
///
/// Peers do not know it, so that they cannot name keys whose hashes are the same. Should one guess well, all of its
/// [keys](crate::settings::dialogue::MAX_SUBSCRIPTIONS) are compared with each of its messages, and nothing worse.
#[derive(Clone, Copy, Debug)]
struct Seeds {
    start: u64,
    factor: u64,
}

/// The hash of one text: words are folded into it by multiplication.
struct TextHasher {
    state: u64,
    factor: u64,
}

impl Routes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, route: &str) -> Option<usize> {
        self.0.get(route).copied()
    }

    /// The peer names the key in this place so.
    pub fn insert(&mut self, route: Arc<str>, at: usize) {
        self.0.insert(route, at);
    }

    /// The peer does not name the key in this place so any more.
    pub fn remove(&mut self, route: &str, at: usize) {
        if self.get(route) == Some(at) {
            self.0.remove(route);
        }
    }
}

impl Default for Seeds {
    /// Others for each table: those of a standard one are random.
    fn default() -> Self {
        let random = HashMap::<u64, u64>::new();
        let random = random.hasher();
        Self {
            start: random.hash_one(0),
            factor: random.hash_one(1) | 1,
        }
    }
}

impl BuildHasher for Seeds {
    type Hasher = TextHasher;

    #[inline]
    fn build_hasher(&self) -> TextHasher {
        TextHasher {
            state: self.start,
            factor: self.factor,
        }
    }
}

impl TextHasher {
    #[inline]
    fn fold(&mut self, word: u64) {
        let wide = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = wide as u64 ^ (wide >> 64) as u64;
    }
}

impl Hasher for TextHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let last = rest
            .iter()
            .fold(0, |last, byte| last << 8 | u64::from(*byte));
        // Fewer than eight: the length has room above them.
        self.fold(last | (bytes.len() as u64) << 56);
    }

    /// The end of a text. Its length is in the hash.
    #[inline]
    fn write_u8(&mut self, _: u8) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_found_by_their_routes_until_those_are_removed() {
        let mut routes = Routes::default();
        let route = |at: usize| format!("{}{at}", "x".repeat(at % 20));
        for at in 0..2000 {
            routes.insert(route(at).into(), at);
        }
        assert!((0..2000).all(|at| routes.get(&route(at)) == Some(at)));
        assert_eq!(routes.get("y"), None);
        routes.remove(&route(7), 8);
        assert_eq!(routes.get(&route(7)), Some(7));
        for at in 0..2000 {
            routes.remove(&route(at), at);
        }
        assert!(routes.is_empty());
    }

    /// Texts that differ in one byte, in their length, or in zeros at their end.
    #[test]
    fn texts_that_are_alike_have_other_hashes() {
        let mut texts: HashSet<Vec<u8>> = HashSet::new();
        for len in 0..40 {
            texts.insert(vec![0; len]);
            for at in 0..len {
                for byte in [1, b'a', 0x80, 0xff] {
                    let mut text = vec![0; len];
                    text[at] = byte;
                    texts.insert(text);
                }
            }
        }
        let seeds = Seeds::default();
        let hash = |text: &Vec<u8>| {
            let mut hasher = seeds.build_hasher();
            hasher.write(text);
            hasher.finish()
        };
        // Of 64 bits: that two of some thousand are the same by chance will not be seen.
        let hashes: HashSet<u64> = texts.iter().map(hash).collect();
        assert_eq!(hashes.len(), texts.len());
        // The table takes its places from the lowest bits, and compares the highest first.
        for part in [0, 57] {
            let mut counts = [0; 128];
            for text in &texts {
                counts[(hash(text) >> part) as usize % 128] += 1;
            }
            let expected = texts.len() / 128;
            assert!(
                counts.iter().all(|count| *count < 3 * expected),
                "{counts:?}"
            );
        }
    }

    #[test]
    fn each_table_has_seeds_of_its_own() {
        let of = |seeds: Seeds| seeds.hash_one("a");
        assert_ne!(of(Seeds::default()), of(Seeds::default()));
    }
}
