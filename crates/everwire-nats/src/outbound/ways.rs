//! How messages go through a name, by its settings.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionName, Manager,
    config::{NatsAck, Resend},
};

/// A name's settings are read again after this time.
const AGE: Duration = Duration::from_secs(2);
/// This many messages of a name are on their way at once, if the name itself sends messages in doubt
/// again before newer ones. Otherwise it is one.
const DEPTH: usize = 128;

/// How to send through a name.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// How many messages may be in flight.
    pub depth: usize,
    /// Its heartbeat can confirm messages.
    pub can_fence: bool,
    /// Its outbox outlives the process.
    pub is_durable: bool,
    looked_at: Instant,
}

/// Cached ways of names.
#[derive(Default)]
pub(super) struct Ways(HashMap<ConnectionName, Way>);

impl Ways {
    /// The way of a name; `None` if it was removed.
    pub fn of(&mut self, name: &ConnectionName, manager: &Manager, ack: NatsAck) -> Option<Way> {
        if let Some(way) = self.0.get(name)
            && way.looked_at.elapsed() < AGE
        {
            return Some(*way);
        }
        let settings = manager.settings(name)?;
        let resends = settings.outbox.resend == Resend::InDoubt || settings.outbox.durable;
        let way = Way {
            depth: match resends || ack == NatsAck::Written {
                true => DEPTH,
                false => 1,
            },
            can_fence: settings.heartbeat.can_fence(),
            is_durable: settings.outbox.durable,
            looked_at: Instant::now(),
        };
        self.0.insert(name.clone(), way);
        Some(way)
    }

    /// Discards expired entries.
    pub fn tick(&mut self) {
        self.0.retain(|_, way| way.looked_at.elapsed() < AGE);
    }
}
