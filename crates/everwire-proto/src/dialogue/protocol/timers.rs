//! The timers of a protocol.

use std::time::{Duration, Instant};

use crate::core::later;

/// The most timers of a socket.
pub const MAX_TIMERS: usize = 64;

/// The shortest time of a timer, so that one that is set again each time costs little.
pub const SHORTEST_TIMER: Duration = Duration::from_millis(10);

/// The longest time of a timer.
pub const LONGEST_TIMER: Duration = Duration::from_secs(24 * 60 * 60);

/// A timer of a protocol, numbered by its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(pub u32);

/// The running timers of a socket.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(Instant, TimerId)>);

/// Too many timers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyTimers;

impl Timers {
    /// Sets a timer, in place of an earlier time.
    pub fn set(
        &mut self,
        timer: TimerId,
        after: Duration,
        now: Instant,
    ) -> Result<(), TooManyTimers> {
        self.cancel(timer);
        if self.0.len() >= MAX_TIMERS {
            return Err(TooManyTimers);
        }
        let due = later(now, after.clamp(SHORTEST_TIMER, LONGEST_TIMER));
        self.0.push((due, timer));
        Ok(())
    }

    pub fn cancel(&mut self, timer: TimerId) {
        self.0.retain(|(_, known)| *known != timer);
    }

    /// When the next one runs out.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.iter().map(|(due, _)| *due).min()
    }

    /// Takes the timer that ran out first, if any. Of two at the same time, the one that was set
    /// first.
    pub fn take_due(&mut self, now: Instant) -> Option<TimerId> {
        let due = self.deadline().filter(|due| *due <= now)?;
        let at = self.0.iter().position(|(known, _)| *known == due)?;
        Some(self.0.remove(at).1)
    }
}
