//! Values in the order of keys that nearly always grow.

use std::collections::VecDeque;

/// Values in the order of their keys: a queue, from which each value can be taken out.
///
/// A key that is the greatest, and one that is the first, are found without a search. A value that is
/// taken out in between leaves a gap, so that the others stay where they are; gaps are closed before
/// they are the larger part.
#[derive(Debug)]
pub(super) struct Ordered<K, V> {
    /// Sorted by key. Neither the first nor the last is a gap.
    entries: VecDeque<(K, Option<V>)>,
    /// How many of them are no gaps.
    len: usize,
}

/// So many gaps are never worth to be closed.
const FEW: usize = 32;

impl<K: Ord + Copy, V> Ordered<K, V> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a value, or replaces that of the same key.
    pub fn insert(&mut self, key: K, value: V) {
        let is_last = self.entries.back().is_none_or(|(last, _)| *last < key);
        if is_last {
            self.entries.push_back((key, Some(value)));
            self.len += 1;
            return;
        }
        match self.search(key) {
            Ok(at) => {
                let before = self
                    .entries
                    .get_mut(at)
                    .map(|(_, place)| place.replace(value));
                self.len += usize::from(matches!(before, Some(None)));
            }
            Err(at) => {
                self.entries.insert(at, (key, Some(value)));
                self.len += 1;
            }
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let at = self.place(key)?;
        let value = self.entries.get_mut(at)?.1.take()?;
        self.len -= 1;
        self.close_gaps();
        Some(value)
    }

    pub fn get(&self, key: K) -> Option<&V> {
        self.entries.get(self.place(key)?)?.1.as_ref()
    }

    /// The value with the least key.
    pub fn first(&self) -> Option<(K, &V)> {
        let (key, value) = self.entries.front()?;
        Some((*key, value.as_ref()?))
    }

    /// All, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let entries = self.entries.iter();
        entries.filter_map(|(key, value)| Some((*key, value.as_ref()?)))
    }

    #[inline]
    fn place(&self, key: K) -> Option<usize> {
        let is_first = self.entries.front().is_some_and(|(first, _)| *first == key);
        match is_first {
            true => Some(0),
            false => self.search(key).ok(),
        }
    }

    fn search(&self, key: K) -> Result<usize, usize> {
        self.entries.binary_search_by(|(known, _)| known.cmp(&key))
    }

    fn close_gaps(&mut self) {
        if self.len == 0 {
            // Most names ask seldom.
            self.entries = VecDeque::new();
            return;
        }
        while let Some((_, None)) = self.entries.front() {
            self.entries.pop_front();
        }
        while let Some((_, None)) = self.entries.back() {
            self.entries.pop_back();
        }
        if self.entries.len() > 2 * self.len + FEW {
            self.entries.retain(|(_, value)| value.is_some());
        }
    }
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            len: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Append,
        Insert(u16),
        Remove(u16),
        RemoveFirst,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => Just(Act::Append),
            1 => (0..400_u16).prop_map(Act::Insert),
            3 => (0..400_u16).prop_map(Act::Remove),
            2 => Just(Act::RemoveFirst),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(acts in proptest::collection::vec(act(), 0..600)) {
            let (mut ordered, mut model) = (Ordered::default(), BTreeMap::new());
            let mut next = 0;
            for (value, act) in acts.into_iter().enumerate() {
                match act {
                    Act::Append => {
                        next += 1;
                        ordered.insert(next, value);
                        model.insert(next, value);
                    }
                    Act::Insert(key) => {
                        ordered.insert(key, value);
                        model.insert(key, value);
                    }
                    Act::Remove(key) => prop_assert_eq!(ordered.remove(key), model.remove(&key)),
                    Act::RemoveFirst => {
                        let first = ordered.first().map(|(key, _)| key);
                        prop_assert_eq!(first, model.keys().next().copied());
                        let removed = first.map(|key| ordered.remove(key));
                        prop_assert_eq!(removed, model.pop_first().map(|(_, value)| Some(value)));
                    }
                }
                prop_assert_eq!(ordered.len(), model.len());
                prop_assert_eq!(ordered.is_empty(), model.is_empty());
                prop_assert!(ordered.iter().eq(model.iter().map(|(key, value)| (*key, value))));
                prop_assert!(ordered.entries.len() <= 2 * model.len() + FEW);
                prop_assert!((0..400).step_by(7).all(|key| ordered.get(key) == model.get(&key)));
            }
        }
    }

    /// One that stays first must not keep the places of all that came and went behind it.
    #[test]
    fn gaps_do_not_grow() {
        let mut ordered = Ordered::default();
        ordered.insert(0, ());
        for key in 1..100_000 {
            ordered.insert(key, ());
            ordered.insert(key + 1, ());
            ordered.remove(key);
        }
        assert_eq!(ordered.len(), 2);
        assert!(ordered.entries.capacity() < 200);
        ordered.remove(0);
        ordered.remove(100_000);
        assert_eq!((ordered.len(), ordered.entries.capacity()), (0, 0));
    }
}
