//! The pings of a name, and the interval that makes them due.

use std::time::Duration;

use crate::core::HeartbeatState;

/// Heartbeat intervals in one incarnation: a change of the heartbeat beyond that takes a new socket.
const MAX_INTERVALS: u32 = 16;

/// The heartbeat of the socket that serves.
#[derive(Default)]
pub(in crate::connection) struct Beats {
    /// Of which ping the answer is missing.
    pub state: HeartbeatState,
    /// The interval has passed.
    pub beat_due: bool,
    /// A ping is due though another one may be unanswered.
    pub probe_due: bool,
    /// Intervals that this incarnation has started, or is to start; only the last one counts.
    intervals: u32,
    /// The last one is to be started.
    to_start: Option<Duration>,
}

impl Beats {
    /// The socket that serves has beats from now on, if it has an interval.
    pub fn want(&mut self, interval: Option<Duration>) {
        if interval.is_some() {
            self.intervals += 1;
            self.to_start = interval;
        }
    }

    /// The interval that is to be started, once: its number, and its length.
    pub fn take(&mut self) -> Option<(u32, Duration)> {
        let interval = self.to_start.take()?;
        Some((self.intervals, interval))
    }

    /// Whether it is the interval that counts.
    pub fn counts(&self, number: u32) -> bool {
        self.intervals == number
    }

    /// Whether no other interval may be started in this incarnation.
    pub fn are_used_up(&self) -> bool {
        self.intervals >= MAX_INTERVALS
    }
}
