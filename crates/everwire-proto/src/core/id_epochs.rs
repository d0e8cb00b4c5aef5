//! The epochs in which message ids were given out.

use std::str::FromStr;

/// The epochs of a name's message ids.
///
/// Ids count up within an outbox, and an outbox can outlive epochs: a respawn of the actor always,
/// a restart of the process if it is durable. An id belongs to the epoch in which its message was
/// accepted, and means the same message in all later ones. In an earlier epoch another message may
/// have had it, one that was accepted and never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdEpochs {
    /// The first id of the last epoch.
    first: u64,
    epoch: u32,
    /// The first id and the epoch of earlier ones, in ascending order.
    #[expect(
        clippy::box_collection,
        reason = "one word for the many names whose ids know one epoch"
    )]
    earlier: Option<Box<Vec<(u64, u32)>>>,
}

/// The text does not represent [`IdEpochs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid epochs of ids")]
pub struct InvalidIdEpochs;

impl IdEpochs {
    /// How many changes of the epoch are remembered; older ids count as belonging to the oldest of
    /// them.
    pub const REMEMBERED: usize = 64;

    /// All ids belong to this epoch.
    pub fn new(epoch: u32) -> Self {
        Self {
            first: 1,
            epoch,
            earlier: None,
        }
    }

    /// Another epoch has begun, and `next` is the next id.
    pub fn begin(&mut self, epoch: u32, next: u64) {
        // An epoch without ids is dropped.
        if next > self.first {
            let earlier = self.earlier.get_or_insert_default();
            earlier.push((self.first, self.epoch));
            if earlier.len() > Self::REMEMBERED {
                let (oldest, _) = earlier.remove(0);
                earlier[0].0 = oldest;
            }
        }
        self.first = self.first.max(next);
        self.epoch = epoch;
    }

    /// The current epoch.
    pub fn current(&self) -> u32 {
        self.epoch
    }

    /// The epoch in which this id was given out.
    pub fn of(&self, id: u64) -> u32 {
        if id >= self.first {
            return self.epoch;
        }
        let earlier = self.earlier.as_deref().map_or(&[][..], Vec::as_slice);
        let after = earlier.partition_point(|(first, _)| *first <= id);
        let found = after.checked_sub(1).and_then(|at| earlier.get(at));
        found.map_or(self.epoch, |(_, epoch)| *epoch)
    }

    /// Whether this id meant in that epoch the message that has it now.
    pub fn means_the_same(&self, id: u64, epoch: u32) -> bool {
        (self.of(id)..=self.epoch).contains(&epoch)
    }
}

/// `FIRST:EPOCH` for each, separated by blanks, as the store keeps it.
impl std::fmt::Display for IdEpochs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (first, epoch) in self.earlier.iter().flat_map(|earlier| earlier.iter()) {
            write!(f, "{first}:{epoch} ")?;
        }
        write!(f, "{}:{}", self.first, self.epoch)
    }
}

impl FromStr for IdEpochs {
    type Err = InvalidIdEpochs;

    fn from_str(text: &str) -> Result<Self, InvalidIdEpochs> {
        let mut read = Vec::new();
        for part in text.split(' ') {
            let (first, epoch) = part.split_once(':').ok_or(InvalidIdEpochs)?;
            let first: u64 = first.parse().map_err(|_| InvalidIdEpochs)?;
            let epoch: u32 = epoch.parse().map_err(|_| InvalidIdEpochs)?;
            let is_next = read
                .last()
                .is_none_or(|&(before, earlier)| first > before && epoch > earlier);
            if !is_next || read.len() > Self::REMEMBERED {
                return Err(InvalidIdEpochs);
            }
            read.push((first, epoch));
        }
        let (first, epoch) = read.pop().ok_or(InvalidIdEpochs)?;
        Ok(Self {
            first,
            epoch,
            earlier: (!read.is_empty()).then(|| Box::new(read)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_keeps_its_meaning_in_later_epochs_and_has_none_in_earlier_ones() {
        let mut ids = IdEpochs::new(3);
        ids.begin(4, 8);
        ids.begin(6, 9);
        assert_eq!([1, 7, 8, 9, 99].map(|id| ids.of(id)), [3, 3, 4, 6, 6]);
        let same = |id| [2, 3, 4, 5, 6, 7].map(|epoch| ids.means_the_same(id, epoch));
        assert_eq!(same(7), [false, true, true, true, true, false]);
        assert_eq!(same(8), [false, false, true, true, true, false]);
        assert_eq!(same(9), [false, false, false, false, true, false]);
    }

    #[test]
    fn what_is_no_list_of_epochs_is_refused() {
        for text in [
            "", "1", "1:", ":1", "1:1 ", "5:2 5:3", "5:3 6:3", "x:1", "1:-1",
        ] {
            assert_eq!(text.parse::<IdEpochs>(), Err(InvalidIdEpochs), "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn the_epochs_of_ids_agree_with_a_list_of_all_and_survive_as_text(
            lives in prop::collection::vec((1u32..4, 0u64..4), 1..100),
        ) {
            let (mut ids, mut epoch, mut next) = (IdEpochs::new(1), 1, 1);
            let mut given = Vec::new();
            for (step, count) in lives {
                epoch += step;
                ids.begin(epoch, next);
                given.extend((next..next + count).map(|id| (id, epoch)));
                next += count;
                ids = ids.to_string().parse().unwrap();
                prop_assert_eq!(ids.current(), epoch);
            }
            let mut epochs: Vec<u32> = given.iter().map(|(_, epoch)| *epoch).collect();
            epochs.dedup();
            // Ids whose epoch is forgotten count as later: their message is then unknown, rather
            // than another's.
            let oldest = epochs.len().saturating_sub(IdEpochs::REMEMBERED);
            for (id, epoch) in given {
                let known = ids.of(id);
                let is_remembered = epochs[oldest..].contains(&epoch);
                prop_assert!(known == epoch || known > epoch && !is_remembered, "{} is of {}, not {}", id, epoch, known);
            }
        }
    }
}
