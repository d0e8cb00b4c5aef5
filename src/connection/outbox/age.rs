//! For how long the oldest message has waited, without a time for each message.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Marks that are closer to each other than this are one.
const APART: Duration = Duration::from_millis(50);

/// So many marks are kept; of more every second goes, and ages become coarser.
const MAX_MARKS: usize = 64;

/// When some of the messages were accepted: one of each run that came while the actor was at work, or in a moment.
#[derive(Debug, Default)]
pub(in crate::connection) struct OutboxAge(Option<Box<AcceptedAt>>);

/// Ids, and when they were accepted. Boxed as a whole: most names have none.
#[derive(Debug, Default)]
struct AcceptedAt {
    list: VecDeque<(u64, Instant)>,
}

impl OutboxAge {
    /// The message `id` was accepted at that time, and finds the actor at rest, or may have to wait again.
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

    /// For how long `oldest`, the first that waits, has waited: at most so long, to the length of a turn. `held` is the first that is in
    /// the outbox, and may have to wait again.
    pub fn of(&mut self, held: Option<u64>, oldest: Option<u64>, now: Instant) -> Option<Duration> {
        let Some(held) = held else {
            self.0 = None;
            return None;
        };
        let marks = &mut self.0.as_deref_mut()?.list;
        // What was accepted before that one says nothing any more.
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
