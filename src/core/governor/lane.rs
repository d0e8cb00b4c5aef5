//! One host's line, and where the host stands among all.

use std::{sync::Arc, time::Instant};

use super::{
    line::{Line, Links, Member},
    ready::Turn,
    standing::{Record, Standing},
    window::Window,
};
use crate::config::HostSettings;

/// One host's dials.
#[derive(Debug)]
pub(super) struct Lane {
    pub host: Arc<str>,
    max_in_flight: u32,
    pub in_flight: u32,
    pub window: Window,
    pub waiting: Line,
    pub record: Record,
    pub place: Place,
    /// Its turn, while it is ready.
    pub turn: Turn,
    links: Links,
}

/// Where a host stands; it may change with each grant, request and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nobody waits, or all places are taken.
    Aside,
    /// Among those of this standing that could be granted a dial.
    Ready(Standing),
    /// Among those that wait for their own rate, until then.
    Timed(Instant),
    /// No dial is left, and a rate forgets them then.
    Fading(Instant),
    /// No dial is left, only what is known of it.
    Resting,
}

impl Lane {
    pub fn new(host: Arc<str>, settings: HostSettings) -> Self {
        Self {
            host,
            max_in_flight: settings.max_handshakes.get(),
            in_flight: 0,
            window: Window::new(settings.dial_rate),
            waiting: Line::default(),
            record: Record::default(),
            place: Place::Aside,
            turn: Turn::default(),
            links: Links::default(),
        }
    }

    /// Where the host belongs; `None` when nothing of it needs to be kept.
    pub fn wanted(&mut self, now: Instant) -> Option<Place> {
        let standing = self.record.standing();
        if !self.waiting.is_empty() && self.in_flight < self.max_in_flight {
            let free = self.window.free_at(now);
            return Some(free.map_or(Place::Ready(standing), Place::Timed));
        }
        if self.in_flight > 0 {
            return Some(Place::Aside);
        }
        match self.window.forgotten_at(now) {
            Some(at) => Some(Place::Fading(at)),
            None if standing == Standing::Unknown => None,
            None => Some(Place::Resting),
        }
    }
}

impl Member for Lane {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}
