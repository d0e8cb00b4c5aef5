//! The age of the oldest message, without a time for each message.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Marks that are closer together than this are merged.
const APART: Duration = Duration::from_millis(50);

/// The most marks that are kept. Beyond that every second one is dropped, and ages become coarser.
const MAX_MARKS: usize = 64;

/// The times at which some messages were accepted: one for each run of messages that came while the
/// actor was busy, or in quick succession.
#[derive(Debug, Default)]
pub(in crate::connection) struct OutboxAge(Option<Box<AcceptedAt>>);

/// Ids with the times of their acceptance. Boxed as a whole: most names have none.
#[derive(Debug, Default)]
struct AcceptedAt {
    list: VecDeque<(u64, Instant)>,
}

impl OutboxAge {
    /// Message `id` was accepted at `now` while the actor was at rest, or may have to wait again.
    pub fn mark(&mut self, id: u64, now: Instant) {
        let marks = &mut self.0.get_or_insert_default().list;
        let is_apart = |(_, last): &(u64, Instant)| now.saturating_duration_since(*last) >= APART;
        if !marks.back().is_none_or(is_apart) {
            return;
        }
        if marks.len() >= MAX_MARKS {
            let mut keep = false;
            marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
        marks.push_back((id, now));
    }

    /// The age of `oldest`, the first waiting message: an upper bound, exact to the length of a
    /// turn. `held` is the first message in the outbox that may have to wait again.
    pub fn of(&mut self, held: Option<u64>, oldest: Option<u64>, now: Instant) -> Option<Duration> {
        let Some(held) = held else {
            self.0 = None;
            return None;
        };
        let marks = &mut self.0.as_deref_mut()?.list;
        // Marks before the first held message are of no use any more.
        while marks.get(1).is_some_and(|(id, _)| *id <= held) {
            marks.pop_front();
        }
        let oldest = oldest?;
        let behind = marks.partition_point(|(id, _)| *id <= oldest);
        let (_, since) = marks.get(behind.saturating_sub(1))?;
        Some(now.saturating_duration_since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_as_old_as_the_run_that_it_came_in() {
        let (mut ages, start) = (OutboxAge::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(ages.of(Some(1), Some(1), at(0)), None);
        ages.mark(1, at(0));
        ages.mark(2, at(10));
        ages.mark(5, at(1000));
        assert_eq!(ages.of(Some(1), Some(1), at(1500)), ms(1500));
        assert_eq!(ages.of(Some(1), Some(4), at(1500)), ms(1500));
        assert_eq!(ages.of(Some(1), Some(6), at(1500)), ms(500));
        assert_eq!(ages.of(Some(1), None, at(1500)), None, "all are written");
        assert_eq!(
            ages.of(Some(1), Some(1), at(1500)),
            ms(1500),
            "and wait again"
        );
        assert_eq!(ages.of(Some(6), Some(6), at(1500)), ms(500));
        assert_eq!(ages.of(Some(6), Some(7), at(1500)), ms(500));
        assert_eq!(ages.of(None, None, at(1600)), None);
        assert!(ages.0.is_none());
    }

    #[test]
    fn marks_are_bounded_and_the_first_one_stays() {
        let (mut ages, start) = (OutboxAge::default(), Instant::now());
        for id in 1..10_000 {
            ages.mark(id, start + APART * u32::try_from(id).unwrap());
            assert!(ages.0.as_ref().unwrap().list.len() <= MAX_MARKS);
        }
        let age = ages.of(Some(1), Some(1), start + APART * 10_000).unwrap();
        assert_eq!(age, APART * 9_999);
    }
}
