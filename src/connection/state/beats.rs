//! The pings of a name, and their interval.

use std::time::Duration;

use crate::core::HeartbeatState;

/// The most heartbeat intervals in one incarnation. Further changes of the heartbeat take a new
/// socket.
const MAX_INTERVALS: u32 = 16;

/// The heartbeat of the current socket.
#[derive(Default)]
pub(in crate::connection) struct Beats {
    /// The unanswered ping.
    pub state: HeartbeatState,
    /// The interval has passed.
    pub beat_due: bool,
    /// A ping is due even though another one may be unanswered.
    pub probe_due: bool,
    /// The intervals of this incarnation, started or due to start; only the last one counts.
    intervals: u32,
    /// The last one must be started.
    to_start: Option<Duration>,
}

impl Beats {
    /// Starts the heartbeat of the current socket, if it has an interval.
    pub fn want(&mut self, interval: Option<Duration>) {
        if interval.is_some() {
            self.intervals += 1;
            self.to_start = interval;
        }
    }

    /// The interval to start, once: its number, and its length.
    pub fn take(&mut self) -> Option<(u32, Duration)> {
        let interval = self.to_start.take()?;
        Some((self.intervals, interval))
    }

    /// Whether this is the interval that counts.
    pub fn counts(&self, number: u32) -> bool {
        self.intervals == number
    }

    /// Whether no more intervals may be started in this incarnation.
    pub fn are_used_up(&self) -> bool {
        self.intervals >= MAX_INTERVALS
    }
}
