//! Stored states of rate limits, as texts that an operator can read.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    store::{Batch, Store, Sync},
    stored::{StoreError, StoredRate},
};

/// The kind of these values in the store.
const KIND: &str = "rate";

impl StoredRate {
    /// Adds the state to a batch; `None` deletes it.
    pub fn put(rate: Option<&Self>, key: &str, batch: &mut Batch) {
        match rate {
            Some(rate) => batch.put(KIND, key, rate.encode().as_bytes()),
            None => batch.delete(KIND, key),
        }
    }

    /// Reads all states that still count, by key. Deletes the others.
    pub fn read_all(
        store: &mut Store,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Self>, StoreError> {
        let mut rates = BTreeMap::new();
        let mut batch = Batch::default();
        for (key, value) in store.list(KIND)? {
            match Self::decode(&value).filter(|rate| rate.counts(now)) {
                Some(rate) => {
                    rates.insert(key, rate);
                }
                None => Self::put(None, &key, &mut batch),
            }
        }
        if !batch.is_empty() {
            store.commit(&batch, Sync::Lazy)?;
        }
        Ok(rates)
    }

    fn counts(&self, now: Timestamp) -> bool {
        let per = SignedDuration::try_from(self.per).unwrap_or(SignedDuration::MAX);
        let last = self.written.last();
        self.reserve > 0 || last.is_some_and(|(last, _)| now.duration_since(*last) < per)
    }

    /// A line `period reserve`, then a line `time messages` for each write. Times are in
    /// microseconds.
    fn encode(&self) -> String {
        let mut text = format!("{} {}\n", self.per.as_micros(), self.reserve);
        for (at, count) in &self.written {
            // Writing to a text cannot fail.
            let _written = writeln!(text, "{} {count}", at.as_microsecond());
        }
        text
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(value).ok()?.lines();
        let (per, reserve) = lines.next()?.split_once(' ')?;
        let written = lines.map(|line| {
            let (at, count) = line.split_once(' ')?;
            let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
            Some((at, count.parse().ok()?))
        });
        Some(Self {
            per: Duration::from_micros(per.parse().ok()?),
            reserve: reserve.parse().ok()?,
            written: written.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let rate = StoredRate {
            per: Duration::from_secs(300),
            reserve: 4,
            written: vec![(at(1_000), 1), (at(1_100), 60)],
        };
        let text = rate.encode();
        assert_eq!(text, "300000000 4\n1000000000 1\n1100000000 60\n");
        assert_eq!(StoredRate::decode(text.as_bytes()), Some(rate.clone()));
        for wrong in ["", "1", "1 x\n", "1 1\n5\n", "1 1\n5 -1\n", "\u{e4} 1"] {
            assert_eq!(StoredRate::decode(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert!(rate.counts(at(9_999)), "the reserve may be of any time");
        let told = StoredRate { reserve: 0, ..rate };
        assert!(told.counts(at(1_399)) && !told.counts(at(1_400)));
    }
}
