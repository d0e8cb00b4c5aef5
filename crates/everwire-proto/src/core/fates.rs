//! The fate of each accepted message, by its id, in bounded space.

use std::collections::VecDeque;

/// What became of a message. The first three are on the way and can still change; the others are final.
///
/// `docs/delivery.md` says what each promises and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fate {
    /// It has its place in a durable outbox, and is not on disk yet.
    Accepted,
    /// It waits in the outbox; that of a durable outbox is on disk.
    Queued,
    /// Handed to the kernel whole; over TLS: flushed.
    Written,
    /// The next WebSocket hop has it: a ping that was sent after it was answered (RFC 6455 §5.5.3, and TCP's order).
    Confirmed,
    /// It waited longer than `outbox.ttl`.
    Expired,
    /// It made room for newer ones (`when_full = "drop_oldest"`).
    Evicted,
    /// The name was closed by hand, removed, gave up or shut down before it went out.
    Cancelled,
    /// It was written, and the socket died before it was confirmed: the peer may have it, or not.
    InDoubt,
    /// So long ago, among so many special cases since, that it is no longer known.
    Forgotten,
}

impl Fate {
    /// All fates: those on the way first, in their order.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Queued,
        Self::Written,
        Self::Confirmed,
        Self::Expired,
        Self::Evicted,
        Self::Cancelled,
        Self::InDoubt,
        Self::Forgotten,
    ];

    /// Whether this is `wanted`, or better: `confirmed` is better than `written`, `written` than
    /// `queued`.
    pub fn reaches(self, wanted: Fate) -> bool {
        match (self.rank(), wanted.rank()) {
            (Some(is), Some(wanted)) => is >= wanted,
            _ => self == wanted,
        }
    }

    /// Whether it cannot change any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Accepted | Self::Queued | Self::Written)
    }

    /// The name that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Cancelled => "cancelled",
            Self::InDoubt => "in_doubt",
            Self::Forgotten => "forgotten",
        }
    }

    fn rank(self) -> Option<u8> {
        match self {
            Self::Accepted => Some(0),
            Self::Queued => Some(1),
            Self::Written => Some(2),
            Self::Confirmed => Some(3),
            Self::Expired | Self::Evicted | Self::Cancelled | Self::InDoubt | Self::Forgotten => {
                None
            }
        }
    }
}

/// A run of consecutive ids with the same exceptional fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u64,
    last: u64,
    fate: Fate,
}

/// The fates of all ids: two marks for the usual way, and runs of ids for the exceptions.
///
/// It needs no memory per message, and at most [`Fates::RUNS`] runs; beyond that the oldest
/// exceptions are forgotten.
#[derive(Clone, Debug, Default)]
pub struct Fates {
    written: u64,
    confirmed: u64,
    runs: VecDeque<Run>,
    forgotten: u64,
}

impl Fates {
    /// How many runs of exceptions are kept.
    pub const RUNS: usize = 1024;

    /// The fate of `id`, which was accepted.
    pub fn fate(&self, id: u64) -> Fate {
        if id <= self.forgotten {
            return Fate::Forgotten;
        }
        let after = self.runs.partition_point(|run| run.first <= id);
        match after.checked_sub(1).and_then(|at| self.runs.get(at)) {
            Some(run) if id <= run.last => run.fate,
            _ if id <= self.confirmed => Fate::Confirmed,
            _ if id <= self.written => Fate::Written,
            _ => Fate::Queued,
        }
    }

    /// All ids up to `id` without another end are written.
    pub fn written(&mut self, id: u64) {
        self.written = self.written.max(id);
    }

    /// All written ids up to `id` without another end are confirmed.
    pub fn confirmed(&mut self, id: u64) {
        self.confirmed = self.confirmed.max(id.min(self.written));
    }

    /// The last id that was written.
    pub fn last_written(&self) -> u64 {
        self.written
    }

    /// All written ids up to this one are confirmed, or have met another end.
    pub fn last_confirmed(&self) -> u64 {
        self.confirmed
    }

    /// How many ids up to `limit` are written and not known to have ended, exceptions included.
    pub fn unconfirmed_through(&self, limit: u64) -> u64 {
        self.written.min(limit).saturating_sub(self.confirmed)
    }

    /// The ids up to `limit` that are written and have not ended yet, as runs in ascending order.
    pub fn unconfirmed_runs(&self, limit: u64) -> impl Iterator<Item = (u64, u64)> {
        let (mut next, limit) = (
            self.confirmed.max(self.forgotten) + 1,
            limit.min(self.written),
        );
        let mut at = self.runs.partition_point(|run| run.last < next);
        std::iter::from_fn(move || {
            while next <= limit {
                let run = self.runs.get(at).filter(|run| run.first <= limit);
                let (first, end) = (next, run.map_or(limit + 1, |run| run.first));
                next = run.map_or(limit + 1, |run| run.last + 1);
                at += 1;
                if first < end {
                    return Some((first, end - 1));
                }
            }
            None
        })
    }

    /// All ids up to `id` have ended: none of them is checked again.
    pub fn complete_through(&mut self, id: u64) {
        self.confirmed = self.confirmed.max(id.min(self.written));
    }

    /// The ids from `first` to `last` met this end.
    pub fn except(&mut self, first: u64, last: u64, fate: Fate) {
        let at = self.runs.partition_point(|run| run.first < first);
        let joins_before =
            at > 0 && self.runs[at - 1].fate == fate && self.runs[at - 1].last + 1 == first;
        let joins_after = self
            .runs
            .get(at)
            .is_some_and(|run| run.fate == fate && last + 1 == run.first);
        match (joins_before, joins_after) {
            (true, true) => {
                self.runs[at - 1].last = self.runs[at].last;
                self.runs.remove(at);
            }
            (true, false) => self.runs[at - 1].last = last,
            (false, true) => self.runs[at].first = first,
            (false, false) => self.runs.insert(at, Run { first, last, fate }),
        }
        if self.runs.len() > Self::RUNS
            && let Some(run) = self.runs.pop_front()
        {
            self.forgotten = run.last;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_fates_are_listed_once() {
        let place = |fate| match fate {
            Fate::Accepted => 0,
            Fate::Queued => 1,
            Fate::Written => 2,
            Fate::Confirmed => 3,
            Fate::Expired => 4,
            Fate::Evicted => 5,
            Fate::Cancelled => 6,
            Fate::InDoubt => 7,
            Fate::Forgotten => 8,
        };
        let places: Vec<_> = Fate::ALL.into_iter().map(place).collect();
        assert_eq!(places, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn better_fates_reach_the_wanted_one_and_ends_do_not() {
        assert!(Fate::Confirmed.reaches(Fate::Written));
        assert!(!Fate::Queued.reaches(Fate::Written));
        assert!(!Fate::InDoubt.reaches(Fate::Written));
        assert!(Fate::InDoubt.is_final() && !Fate::Written.is_final());
        assert!(Fate::Queued.reaches(Fate::Accepted) && !Fate::Accepted.reaches(Fate::Queued));
    }

    #[test]
    fn the_oldest_exceptions_are_forgotten_and_say_so() {
        let mut fates = Fates::default();
        for n in 1..=(Fates::RUNS as u64 + 1) {
            fates.except(2 * n, 2 * n, Fate::Evicted);
        }
        assert_eq!(fates.fate(2), Fate::Forgotten);
        assert_eq!(fates.fate(4), Fate::Evicted);
        assert_eq!(fates.fate(5), Fate::Queued);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_ledger_agrees_with_a_map_of_single_ids(
            steps in prop::collection::vec((0u8..4, 1u64..4), 1..60),
        ) {
            let mut fates = Fates::default();
            let mut model: BTreeMap<u64, Fate> = (1..=200).map(|id| (id, Fate::Queued)).collect();
            let mut next = 1;
            for (what, count) in steps {
                match what {
                    0 => {
                        let last = next + count - 1;
                        fates.written(last);
                        (next..=last).for_each(|id| { model.insert(id, Fate::Written); });
                        next = last + 1;
                    }
                    1 => {
                        fates.except(next, next + count - 1, Fate::Evicted);
                        (next..next + count).for_each(|id| { model.insert(id, Fate::Evicted); });
                        next += count;
                    }
                    2 => {
                        let mark = fates.last_written().saturating_sub(count);
                        fates.confirmed(mark);
                        for (id, fate) in &mut model {
                            if *id <= mark && *fate == Fate::Written { *fate = Fate::Confirmed; }
                        }
                    }
                    _ => {
                        let limit = if count == 3 { u64::MAX } else { next - 1 };
                        let runs: Vec<_> = fates.unconfirmed_runs(limit).collect();
                        let ids: Vec<u64> = runs.iter().flat_map(|(first, last)| *first..=*last).collect();
                        let expected: Vec<u64> = model
                            .iter()
                            .filter(|(_, fate)| **fate == Fate::Written)
                            .map(|(id, _)| *id)
                            .collect();
                        prop_assert_eq!(ids, expected);
                        runs.iter().for_each(|(first, last)| fates.except(*first, *last, Fate::InDoubt));
                        fates.complete_through(limit);
                        for fate in model.values_mut() {
                            if *fate == Fate::Written { *fate = Fate::InDoubt; }
                        }
                    }
                }
                for (id, fate) in &model {
                    prop_assert_eq!(fates.fate(*id), *fate, "id {}", id);
                }
            }
        }
    }
}
