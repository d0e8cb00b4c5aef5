//! The parts of the heartbeat that a peer decides.

use std::time::Instant;

use crate::settings::Heartbeat;

/// The parts of the heartbeat that a peer decides. Boxed, and absent without such: few peers name
/// times, and few first pings are early.
#[derive(Default)]
pub(in crate::connection) struct NamedBeats(Option<Box<Parts>>);

#[derive(Default)]
struct Parts {
    /// The heartbeat with the times that the peer has named; `None`: that of the settings.
    heartbeat: Option<Heartbeat>,
    /// When the first ping goes out, if not after an interval. The interval begins with it.
    first: Option<Instant>,
}

impl NamedBeats {
    /// The heartbeat with the times that the peer has named, if any.
    pub fn heartbeat(&self) -> Option<&Heartbeat> {
        self.0.as_ref()?.heartbeat.as_ref()
    }

    /// Sets the times that the peer has named.
    pub fn set_heartbeat(&mut self, heartbeat: Option<Heartbeat>) {
        if heartbeat.is_some() || self.0.is_some() {
            self.0.get_or_insert_default().heartbeat = heartbeat;
        }
        self.tidy();
    }

    /// When the first ping goes out, if not after an interval.
    pub fn first(&self) -> Option<Instant> {
        self.0.as_ref()?.first
    }

    /// Sets the time of the first ping; the interval begins with it.
    pub fn set_first(&mut self, at: Instant) {
        self.0.get_or_insert_default().first = Some(at);
    }

    /// Whether the first ping is due; `true` once.
    pub fn take_first(&mut self, now: Instant) -> bool {
        let first = self.0.as_mut().map(|parts| &mut parts.first);
        let is_due = first.is_some_and(|first| first.take_if(|first| *first <= now).is_some());
        self.tidy();
        is_due
    }

    fn tidy(&mut self) {
        self.0
            .take_if(|parts| parts.heartbeat.is_none() && parts.first.is_none());
    }
}
