//! The timers of a protocol.

use std::time::{Duration, Instant};

use crate::core::later;

/// The most timers of a socket.
pub const MAX_TIMERS: usize = 64;

/// No timer runs out sooner: one that is set anew each time costs little.
pub const SHORTEST_TIMER: Duration = Duration::from_millis(10);

/// No timer runs longer.
pub const LONGEST_TIMER: Duration = Duration::from_secs(24 * 60 * 60);

/// Which timer of a protocol: its author numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(pub u32);

/// The timers that run on a socket.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(Instant, TimerId)>);

/// As many timers run as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyTimers;

impl Timers {
    /// It runs out after this time, and at no other.
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

    /// Takes the one that has run out first, if any has by now. Of two at the same time the one that was set first.
    pub fn take_due(&mut self, now: Instant) -> Option<TimerId> {
        let due = self.deadline().filter(|due| *due <= now)?;
        let at = self.0.iter().position(|(known, _)| *known == due)?;
        Some(self.0.remove(at).1)
    }
}
