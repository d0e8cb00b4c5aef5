//! The settings of names that matter for sending.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionName, Manager,
    config::{NatsAck, Resend},
};

/// How long a name's settings are cached.
const AGE: Duration = Duration::from_secs(2);
/// More than one message of a name is in flight only if the name itself resends messages in doubt,
/// before newer ones.
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
