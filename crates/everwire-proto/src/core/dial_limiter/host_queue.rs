//! One line: the dials of a group to a host, and where it stands among all.

use std::time::Instant;

use super::{
    division::rate_of,
    linked_queue::{LinkedQueue, Links, Member},
    standing::{Record, Standing},
    window::Window,
};
use crate::{core::Share, settings::HostSettings};

/// The dials of one group to one host.
#[derive(Debug)]
pub(super) struct HostQueue {
    pub host: usize,
    pub group: usize,
    pub in_flight: u32,
    /// Of a tenant's dials: its part of the host's rate.
    pub window: Window,
    pub waiting: LinkedQueue,
    /// What the host did for this group: another's URLs may end elsewhere.
    pub record: Record,
    pub state: QueueState,
    /// Its turn, while it is ready.
    pub turn: Turn,
    links: Links,
}

/// Where a line stands; it may change with each grant, request and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueState {
    /// Nobody waits, or all places are taken.
    Aside,
    /// Among those of this standing that could be granted a dial.
    Ready(Standing),
    /// Among those that wait for their own rate, until then.
    Timed(Instant),
    /// No dial is left, and a rate forgets them then.
    Expiring(Instant),
    /// No dial is left, only what is known of the host.
    Resting,
}

/// Where in its queue a host stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    /// Grows with each that joins.
    pub number: u64,
    /// Nobody waited for it until it joined.
    pub is_fresh: bool,
    /// It lost its turn to another owner's line of its host, and is the first of its group again when it comes back.
    pub is_kept: bool,
}

impl HostQueue {
    pub fn new(host: usize, settings: HostSettings, group: usize, share: Share) -> Self {
        Self {
            host,
            group,
            in_flight: 0,
            window: Window::new(rate_of(share, settings.dial_rate)),
            waiting: LinkedQueue::default(),
            record: Record::default(),
            state: QueueState::Aside,
            turn: Turn::default(),
            links: Links::default(),
        }
    }
}

impl Member for HostQueue {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}
