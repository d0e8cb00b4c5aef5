//! When the pings of a name are due.

use std::time::Instant;

use super::ActorState;
#[cfg(feature = "faults")]
use super::fault::Fault;

impl ActorState {
    /// Starts the heartbeat of the current socket.
    pub(in crate::connection) fn want_interval(&mut self) {
        self.beats.want(self.heartbeat().interval());
    }

    /// Whether the first ping is due, once; the interval begins with it.
    pub(in crate::connection) fn take_first_beat(&mut self, now: Instant) -> bool {
        let serving = self.serving.as_mut();
        let is_due = serving.is_some_and(|serving| serving.beats.take_first(now));
        if is_due {
            self.beats.beat_due = true;
            self.want_interval();
        }
        is_due
    }

    /// The interval of the heartbeat has passed.
    pub(in crate::connection) fn beat(&mut self) {
        #[cfg(feature = "faults")]
        self.trip(Fault::Timer);
        self.beats.beat_due = true;
        self.wake();
    }
}
