//! Limits how often something happens in any window of a given length.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::settings::Rate;

/// A rate over a sliding window: it counts events within `per`. A burst of the whole count is
/// allowed, and no window of that length ever holds more.
#[derive(Debug)]
pub(super) struct Window {
    rate: Rate,
    /// The times of events, with the number at each instant; oldest first.
    events: VecDeque<(Instant, u32)>,
    total: u32,
}

impl Window {
    /// An empty window.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            events: VecDeque::new(),
            total: 0,
        }
    }

    /// When one more may happen; `None` if now.
    pub fn free_at(&mut self, now: Instant) -> Option<Instant> {
        let Rate::Limited { count, per } = self.rate else {
            return None;
        };
        self.forget(now, per);
        if self.total < count.get() {
            return None;
        }
        self.events.front().map(|(at, _)| after(*at, per))
    }

    /// When all events have left the window; `None` if they have.
    pub fn forgotten_at(&mut self, now: Instant) -> Option<Instant> {
        let Rate::Limited { per, .. } = self.rate else {
            return None;
        };
        self.forget(now, per);
        self.events.back().map(|(at, _)| after(*at, per))
    }

    /// Counts an event.
    pub fn count(&mut self, now: Instant) {
        if self.rate == Rate::Unlimited {
            return;
        }
        self.total += 1;
        match self.events.back_mut() {
            Some((at, count)) if *at == now => *count += 1,
            _ => self.events.push_back((now, 1)),
        }
    }

    fn forget(&mut self, now: Instant, per: Duration) {
        while let Some((at, count)) = self.events.front()
            && after(*at, per) <= now
        {
            self.total -= count;
            self.events.pop_front();
        }
    }
}

/// `at + per`, or a time that never comes.
fn after(at: Instant, per: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
    at.checked_add(per).unwrap_or(at + FAR)
}
