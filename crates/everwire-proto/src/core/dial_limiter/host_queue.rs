//! A host queue: the dials of a group to a host, and its place among all.

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
    /// For tenants: their part of the host's rate.
    pub window: Window,
    pub waiting: LinkedQueue,
    /// The host's record for this group; another group's URLs may lead elsewhere.
    pub record: Record,
    pub state: QueueState,
    /// Its turn, while it is ready.
    pub turn: Turn,
    links: Links,
}

/// The state of a queue; it may change with each grant, request and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueState {
    /// Nobody waits, or all places are taken.
    Aside,
    /// It could be granted a dial, with this standing.
    Ready(Standing),
    /// It waits for its own rate, until then.
    Timed(Instant),
    /// It has no dials; its rate forgets the last ones then.
    Expiring(Instant),
    /// It has no dials, only the record of its host.
    Resting,
}

/// The place of a host in its queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    /// Increases with each host that joins.
    pub number: u64,
    /// Whether nobody waited for it before it joined.
    pub is_fresh: bool,
    /// Whether it lost its turn to another owner's queue of its host. It is then the first of its
    /// group when it comes back.
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
