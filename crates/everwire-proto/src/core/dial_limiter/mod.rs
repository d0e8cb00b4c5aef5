//! When a dial may begin: handshakes in flight and dials in a time, over all names and for each host.
//!
//! Within an owner's line to a host it is first come, first served. Hosts take turns, by how they did last: those that answered promptly go
//! first, then those of which nothing is known, those whose last handshakes hung, and those that hang again and again. The last kind
//! holds at most half of the places, with the one before it three quarters, and all that have not answered seven
//! eighths. A worse kind is passed over a few times, not for ever. Half of the turns, because a handshake that hangs holds its place for
//! so long that any smaller share would only make the dead ones' retries rarer, and an eighth of 64 places is
//! enough for 160 prompt handshakes of 50 ms a second.
//!
//! # Whose a dial is
//!
//! Owners have lines and turns of their own. What has no limit ([`Share::All`]: names of the file and of Rust programs, and those of
//! operators) is one owner here, and so are all whose tokens are no more. What a host did for one says nothing for
//! another: a tenant chooses URLs that hang on a server that others need. Tenants and what has no limit take turns, and so
//! do tenants among each other: the next is the one whose last turn is the longest ago.
//!
//! Of all places, of the places of a host, and of the dials that a rate allows in its time, all tenants together have three quarters at
//! most, one tenant half, and the removed ones together an eighth, each at least one. A quarter is kept for what has no
//! limit, two at least; of two or three tenants have one, and a single one is everybody's.
//!
//! - The places that tenants leave are what the standings of the file's hosts divide. As long as there are tenants an eighth is theirs.
//! - The part of a tenant is divided in the same way by the standings of its hosts.
//! - A tenant that has some of the tenants' places leaves half as many free. Alone it may have its part, and who comes later finds some.
//!
//! # How long a host waits
//!
//! Let T be the longest time for which a dial holds its place, `connect_timeout`, and let tenants leave more than one place.
//!
//! - **A name of the file waits for no handshake of a tenant** while the file's dials have less than a quarter of the places would be for
//!   their standings, however many tenants there are and whatever their hosts do. Beyond that it takes turns with tenants. The same
//!   holds for rates.
//! - **A host that answered last waits only for other such hosts** of its owner: one handshake of theirs for each eighth of the
//!   places, one place at least. Hosts that hang and have never answered do not delay it, however many they are.
//! - **A live host that waits among dead ones that cannot be told from it**, because nothing is known of them or because they too have
//!   answered last, waits at most 3 T, however many they are, unless others come after it: two turns for each of these.
//!   Of hosts that all come at once the middle ones wait longest: T for each round of places that the dead ones fill.
//! - **A host that failed again and again** takes turns with the others of its kind: T for each round of half the places.
//!
//! In the last three the places are those that tenants leave to names of the file, a quarter of all at least. A tenant's hosts have
//! what the other tenants and the file's dials leave of its part.
//!
//! A dial costs the same however many names wait. Only a host with a rate has to be sorted among the others, and tenants that wait are
//! looked at one by one: a hundred of them take a few microseconds. What is known of a host without dials is kept for
//! the last few thousand of them, and for as many of all tenants together.

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
/// Every dial is requested once, and ended once, granted or not. [`grant`](Self::grant) until it has nothing more after each of
/// these, and when the time comes that [`next`](Self::next) names, or grants are late.
#[derive(Debug)]
pub struct DialLimiter {
    stock: Stock,
    rate: Rate,
    settings: BTreeMap<String, HostSettings>,
    shares: OwnerShares,
    dials: Slab<Dial>,
    /// What has no limit, the removed owners, and the tenants.
    groups: Slab<Group>,
    tenants: BTreeMap<Owner, usize>,
    hosts: Slab<Host>,
    /// The hosts by their names.
    named: BTreeMap<Arc<str>, usize>,
    /// For each host and group.
    host_queues: Slab<HostQueue>,
    turns: u64,
    /// Dials in flight that may still prove to be prompt, the oldest first.
    young: LinkedQueue,
    /// Lines that wait for their own rate.
    timed: BTreeSet<(Instant, usize)>,
    /// Lines with nothing left but a rate that has not forgotten them.
    expiring: BTreeSet<(Instant, usize)>,
    resting: Resting,
}

/// A dial that was requested and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialId(usize);

impl DialId {
    /// A number that no other dial has until this one ends: always less than the most dials that there were at a time.
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
    /// In its host's line.
    Waiting,
    /// Granted then, and not yet late.
    Young(Instant),
    /// Granted then, and found to hang.
    Hanging(Instant),
}

impl Member for Dial {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl DialLimiter {
    /// At most `max_in_flight` handshakes and `rate` dials over all hosts, and for each host what `hosts` says of
    /// its `host:port`, else of its `host`, else the default. No owner has a limit, until [`set_shares`](Self::set_shares).
    ///
    /// A `host` without a port is one for all its ports; otherwise each port is one.
    pub fn new(
        max_in_flight: NonZeroU32,
        rate: Rate,
        hosts: BTreeMap<String, HostSettings>,
    ) -> Self {
        let mut groups = Slab::new();
        // In this order: they have their numbers.
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

    /// Queues a dial of a name of `owner` to `host`, written as `host:port`.
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

    /// The dial is given up, or its handshake is over. One that has ended already is none any more; the outcome of one that was
    /// never granted says nothing.
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

    /// Whether no dial is left. A rate may still remember some.
    pub fn is_idle(&self) -> bool {
        self.dials.is_empty()
    }

    /// Grants the one dial whose turn it is, if it may begin at `now`.
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

    /// When time alone may admit the next dial, and which. All but lines that wait for their own rate can wait for any other event.
    pub fn next(&mut self, now: Instant) -> Option<(Instant, DialId)> {
        let (at, host_queue) = self.next_turn(now)?;
        let id = self.host_queues[host_queue].waiting.first()?;
        Some((at, DialId(id)))
    }

    /// Gives the owners other shares, from now on and for all dials that have not ended. One whose owner has another share than
    /// before waits behind those that wait there already.
    pub fn set_shares(&mut self, shares: OwnerShares, now: Instant) {
        self.wake(now);
        self.shares = shares;
        // Those that wait in the order of their lines, then those in flight.
        let host_queues: Vec<_> = self.host_queues.iter().map(|(at, _)| at).collect();
        for at in host_queues {
            // It may be gone with its last dial.
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
