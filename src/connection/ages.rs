//! For how long the oldest message has waited, without a time for each message.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Marks that are closer to each other than this are one.
const APART: Duration = Duration::from_millis(50);

/// So many marks are kept; of more every second goes, and ages become coarser.
const MAX_MARKS: usize = 64;

/// When some of the messages were accepted: one of each run that came while the actor was at work.
#[derive(Debug, Default)]
pub(super) struct Ages(Option<Box<Marks>>);

/// Ids, and when they were accepted. Boxed as a whole: most names have none.
#[derive(Debug, Default)]
struct Marks {
    list: VecDeque<(u64, Instant)>,
}

impl Ages {
    /// The message `id` was accepted, and finds the actor at rest.
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

    /// For how long `oldest`, the first that waits, has waited: at most so long, to the length of a turn.
    pub fn of(&mut self, oldest: Option<u64>, now: Instant) -> Option<Duration> {
        let Some(oldest) = oldest else {
            self.0 = None;
            return None;
        };
        let marks = &mut self.0.as_deref_mut()?.list;
        // What was accepted before the oldest says nothing any more.
        while marks.get(1).is_some_and(|(id, _)| *id <= oldest) {
            marks.pop_front();
        }
        let (_, since) = marks.front()?;
        Some(now.saturating_duration_since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_as_old_as_the_run_that_it_came_in() {
        let (mut ages, start) = (Ages::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(ages.of(Some(1), at(0)), None);
        ages.mark(1, at(0));
        ages.mark(2, at(10));
        ages.mark(5, at(1000));
        assert_eq!(
            ages.of(Some(1), at(1500)),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            ages.of(Some(4), at(1500)),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(ages.of(Some(6), at(1500)), Some(Duration::from_millis(500)));
        assert_eq!(ages.of(None, at(1600)), None);
        assert!(ages.0.is_none());
    }

    #[test]
    fn marks_are_bounded_and_the_first_one_stays() {
        let (mut ages, start) = (Ages::default(), Instant::now());
        for id in 1..10_000 {
            ages.mark(id, start + APART * u32::try_from(id).unwrap());
            assert!(ages.0.as_ref().unwrap().list.len() <= MAX_MARKS);
        }
        let age = ages.of(Some(1), start + APART * 10_000).unwrap();
        assert_eq!(age, APART * 9_999);
    }
}
