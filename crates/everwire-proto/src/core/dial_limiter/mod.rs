//! Decides when a dial may begin: limits handshakes in flight and dials within a period, over all
//! names and for each host.
//!
//! Within an owner's queue to a host it is first come, first served. Hosts take turns by their
//! standing: first those that answered promptly, then unknown ones, then those whose last
//! handshakes hung, then those that hang again and again. The last kind holds at most half of the
//! places, together with the one before it three quarters, and all that have not answered seven
//! eighths. A worse standing is passed over a few times, not forever. It gets as much as half of
//! the turns because a handshake that hangs holds its place very long: a smaller share would only
//! make the retries of dead hosts rarer, and an eighth of 64 places is enough for 160 prompt
//! handshakes of 50 ms a second.
//!
//! # Owners
//!
//! Owners have their own queues and turns. Everything without a limit ([`Share::All`]: names of the
//! file, of Rust programs, and of operators) counts as one owner, and so do all removed tokens. A
//! host's record with one owner says nothing about it for another, since a tenant can choose URLs
//! that hang on a server that others need. Tenants and what has no limit take turns, and so do
//! tenants among each other: next is the one whose last turn is the longest ago.
//!
//! Of all places, of the places of a host, and of the dials that a rate allows, all tenants
//! together have at most three quarters, one tenant half, and the removed ones together an eighth,
//! each at least one. A quarter, and at least two, is reserved for what has no limit; of two or
//! three, tenants have one; a single one is for everybody.
//!
//! - The standings of the file's hosts divide the places that tenants leave. While there are
//!   tenants, an eighth is reserved for them.
//! - The part of a tenant is divided in the same way by the standings of its hosts.
//! - A tenant that has some of the tenants' places leaves half as many free. Alone it may have its
//!   whole part, and a later tenant still finds some.
//!
//! # How long a host waits
//!
//! Let T be the longest time that a dial holds its place, `connect_timeout`, and let tenants leave
//! more than one place.
//!
//! - **A name of the file waits for no handshake of a tenant** while the file's dials hold less
//!   than the part of a quarter of the places that their standings allow, whatever the tenants and
//!   their hosts do. Beyond that it takes turns with tenants. The same holds for rates.
//! - **A host that answered last waits only for other such hosts** of its owner: one handshake of
//!   theirs for each eighth of the places, at least one place. Hosts that hang and have never
//!   answered do not delay it, however many they are.
//! - **A live host among dead ones that look the same**, because nothing is known about them or
//!   because they have also answered last, waits at most 3 T, however many they are. If others come
//!   after it, it waits two more turns for each. If all hosts come at once, the middle ones wait
//!   longest: T for each round of places that the dead ones fill.
//! - **A host that failed again and again** takes turns with the others of its kind: T for each
//!   round of half the places.
//!
//! In the last three cases the places are those that tenants leave to names of the file, at least a
//! quarter of all. A tenant's hosts have what the other tenants and the file's dials leave of its
//! part.
//!
//! A dial costs the same however many names wait. Only a host with a rate must be sorted among the
//! others, and waiting tenants are checked one by one: a hundred of them take a few microseconds.
//! The records of hosts without dials are kept for the last few thousand, and for as many of all
//! tenants together.

mod division;
mod find;
mod group;
mod host;
mod host_queue;
mod linked_queue;
mod ready;
mod requeue;
mod resting;
mod standing;
#[cfg(test)]
mod tests;
mod turn;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
    time::Instant,
};

use slab::Slab;

pub use self::standing::DialOutcome;
use self::{
    group::{Group, Stock},
    host::Host,
    host_queue::{HostQueue, QueueState},
    linked_queue::{LinkedQueue, Links, Member},
    resting::Resting,
};
use super::{Owner, OwnerShares, Share};
use crate::settings::{HostSettings, Rate};

/// Admits dials.
///
/// Every dial is requested once, and ended once, granted or not. After each of these calls, and at
/// the time from [`next`](Self::next), call [`grant`](Self::grant) until it returns `None`;
/// otherwise grants are late.
#[derive(Debug)]
pub struct DialLimiter {
    stock: Stock,
    rate: Rate,
    settings: BTreeMap<String, HostSettings>,
    shares: OwnerShares,
    dials: Slab<Dial>,
    /// The group without a limit, the removed owners, and the tenants.
    groups: Slab<Group>,
    tenants: BTreeMap<Owner, usize>,
    hosts: Slab<Host>,
    /// The hosts by their names.
    named: BTreeMap<Arc<str>, usize>,
    /// For each host and group.
    host_queues: Slab<HostQueue>,
    turns: u64,
    /// Dials in flight that may still be prompt, the oldest first.
    young: LinkedQueue,
    /// Queues that wait for their own rate.
    timed: BTreeSet<(Instant, usize)>,
    /// Empty queues whose rate has not forgotten the last dials.
    expiring: BTreeSet<(Instant, usize)>,
    resting: Resting,
}

/// A dial that was requested and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialId(usize);

impl DialId {
    /// A number that is unique until this dial ends: always less than the highest number of
    /// simultaneous dials so far.
    pub fn number(self) -> usize {
        self.0
    }
}

/// One dial, waiting or in flight.
#[derive(Debug)]
struct Dial {
    owner: Option<Owner>,
    host_queue: usize,
    stage: Stage,
    links: Links,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// In its host's queue.
    Waiting,
    /// Granted at this time, and not late yet.
    Young(Instant),
    /// Granted at this time, and hanging.
    Hanging(Instant),
}

impl Member for Dial {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl DialLimiter {
    /// At most `max_in_flight` handshakes and `rate` dials over all hosts. For each host the limits
    /// come from `hosts`, by its `host:port`, else by its `host`, else the default. No owner has a
    /// limit before [`set_shares`](Self::set_shares).
    ///
    /// An entry `host` without a port is one host for all its ports; otherwise each port is one.
    pub fn new(
        max_in_flight: NonZeroU32,
        rate: Rate,
        hosts: BTreeMap<String, HostSettings>,
    ) -> Self {
        let mut groups = Slab::new();
        // In this order: they have fixed numbers.
        for share in [Share::All, Share::Removed] {
            groups.insert(Group::new(share, None, rate));
        }
        Self {
            stock: Stock::new(max_in_flight.get(), rate),
            rate,
            settings: hosts,
            shares: OwnerShares::default(),
            dials: Slab::new(),
            groups,
            tenants: BTreeMap::new(),
            hosts: Slab::new(),
            named: BTreeMap::new(),
            host_queues: Slab::new(),
            turns: 0,
            young: LinkedQueue::default(),
            timed: BTreeSet::new(),
            expiring: BTreeSet::new(),
            resting: Resting::default(),
        }
    }

    /// Queues a dial for a name of `owner` to `host`, written as `host:port`.
    pub fn request(&mut self, host: &str, owner: Option<&Owner>, now: Instant) -> DialId {
        self.wake(now);
        let host_queue = self.host_queue_of(host, owner, now);
        let id = self.dials.insert(Dial {
            owner: owner.cloned(),
            host_queue,
            stage: Stage::Waiting,
            links: Links::default(),
        });
        let is_fresh = self.host_queues[host_queue].waiting.is_empty();
        self.host_queues[host_queue]
            .waiting
            .join(&mut self.dials, id);
        self.requeue(host_queue, is_fresh, now);
        DialId(id)
    }

    /// The dial is given up, or its handshake is over. Has no effect on an ended dial. The outcome
    /// of a dial that was never granted is ignored.
    pub fn end(&mut self, DialId(id): DialId, outcome: DialOutcome, now: Instant) {
        self.wake(now);
        let Some(&Dial {
            host_queue, stage, ..
        }) = self.dials.get(id)
        else {
            return;
        };
        match stage {
            Stage::Waiting => self.host_queues[host_queue]
                .waiting
                .leave(&mut self.dials, id),
            Stage::Young(_) => self.young.leave(&mut self.dials, id),
            Stage::Hanging(_) => {}
        }
        match (stage, outcome) {
            (Stage::Young(began) | Stage::Hanging(began), DialOutcome::Answered) => {
                self.judge(host_queue, |record| record.answer(began, now));
            }
            (Stage::Young(began), DialOutcome::Failed) => {
                self.judge(host_queue, |record| record.fail(began, now));
            }
            (Stage::Waiting, _) | (_, DialOutcome::Failed | DialOutcome::Abandoned) => {}
        }
        if stage != Stage::Waiting {
            self.take_off(host_queue);
        }
        self.dials.remove(id);
        if self.is_idle() {
            // Thousands may have waited.
            self.dials = Slab::new();
        }
        self.requeue_host(host_queue, now);
    }

    /// Whether there are no dials. A rate may still remember some.
    pub fn is_idle(&self) -> bool {
        self.dials.is_empty()
    }

    /// Grants the dial whose turn it is, if it may begin at `now`.
    pub fn grant(&mut self, now: Instant) -> Option<DialId> {
        self.wake(now);
        let at = self.take_turn(now)?;
        let host_queue = &mut self.host_queues[at];
        host_queue.state = QueueState::Aside;
        let id = host_queue.waiting.first()?;
        host_queue.waiting.leave(&mut self.dials, id);
        self.put_on(at, now);
        self.dials[id].stage = Stage::Young(now);
        self.young.join(&mut self.dials, id);
        self.requeue_host(at, now);
        Some(DialId(id))
    }

    /// Whether a dial has not been granted yet.
    pub fn is_waiting(&self, DialId(id): DialId) -> bool {
        let dial = self.dials.get(id);
        dial.is_some_and(|dial| dial.stage == Stage::Waiting)
    }

    /// When time alone may admit the next dial, and which. Except for queues that wait for their
    /// own rate, it may also be admitted by any other event.
    pub fn next(&mut self, now: Instant) -> Option<(Instant, DialId)> {
        let (at, host_queue) = self.next_turn(now)?;
        let id = self.host_queues[host_queue].waiting.first()?;
        Some((at, DialId(id)))
    }

    /// Changes the owners' shares, from now on and for all dials that have not ended. If the share
    /// of an owner changes, its dials are queued after those that wait there already.
    pub fn set_shares(&mut self, shares: OwnerShares, now: Instant) {
        self.wake(now);
        self.shares = shares;
        // The waiting ones in the order of their queues, then those in flight.
        let host_queues: Vec<_> = self.host_queues.iter().map(|(at, _)| at).collect();
        for at in host_queues {
            // The queue may be gone with its last dial.
            let mut next = self
                .host_queues
                .get(at)
                .and_then(|host_queue| host_queue.waiting.first());
            while let Some(id) = next {
                next = LinkedQueue::behind(&mut self.dials, id);
                self.regroup(id, now);
            }
        }
        let dials: Vec<_> = self.dials.iter().map(|(id, _)| id).collect();
        for id in dials {
            self.regroup(id, now);
        }
        self.forget_groups();
    }
}
