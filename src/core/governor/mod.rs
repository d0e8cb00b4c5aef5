//! When a dial may begin: handshakes in flight and dials in a time, over all names and for each host.
//!
//! Hosts take turns, and within a host it is first come, first served: a host whose handshakes all hang
//! fills its own places and nobody else's. A dial costs the same however many names wait; only a host with a rate has to
//! be sorted among the others.

mod lane;
mod line;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
    time::Instant,
};

use slab::Slab;

use self::{
    lane::{Lane, Place},
    line::{Line, Links, Member},
    window::Window,
};
use crate::config::{HostSettings, Rate};

/// Admits dials.
///
/// Every dial is requested once, and ended once, granted or not. [`grant`](Self::grant) until it has nothing more after each of
/// these, and when the time comes that [`next`](Self::next) names, or grants are late.
#[derive(Debug)]
pub struct Governor {
    max_in_flight: u32,
    in_flight: u32,
    window: Window,
    settings: BTreeMap<String, HostSettings>,
    dials: Slab<Dial>,
    lanes: Slab<Lane>,
    /// The lanes by their hosts.
    hosts: BTreeMap<Arc<str>, usize>,
    /// Hosts that could be granted a dial, in the order of their turns.
    ready: Line,
    /// Hosts that wait for their own rate.
    timed: BTreeSet<(Instant, usize)>,
    /// Hosts with nothing left but a rate that has not forgotten them.
    fading: BTreeSet<(Instant, usize)>,
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
    lane: usize,
    is_waiting: bool,
    links: Links,
}

impl Member for Dial {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl Governor {
    /// At most `max_in_flight` handshakes and `rate` dials over all hosts, and for each host what `hosts` says of
    /// its `host:port`, else of its `host`, else the default.
    ///
    /// A `host` without a port is one line for all its ports; otherwise each port has its own.
    pub fn new(
        max_in_flight: NonZeroU32,
        rate: Rate,
        hosts: BTreeMap<String, HostSettings>,
    ) -> Self {
        Self {
            max_in_flight: max_in_flight.get(),
            in_flight: 0,
            window: Window::new(rate),
            settings: hosts,
            dials: Slab::new(),
            lanes: Slab::new(),
            hosts: BTreeMap::new(),
            ready: Line::default(),
            timed: BTreeSet::new(),
            fading: BTreeSet::new(),
        }
    }

    /// Queues a dial to `host`, written as `host:port`.
    pub fn request(&mut self, host: &str, now: Instant) -> DialId {
        let lane = self.lane_of(host);
        let id = self.dials.insert(Dial {
            lane,
            is_waiting: true,
            links: Links::default(),
        });
        self.lanes[lane].waiting.join(&mut self.dials, id);
        self.settle(lane, now);
        DialId(id)
    }

    /// The dial is given up, or its handshake is over. One that has ended already is none any more.
    pub fn end(&mut self, DialId(id): DialId, now: Instant) {
        let Some(&Dial {
            lane, is_waiting, ..
        }) = self.dials.get(id)
        else {
            return;
        };
        match is_waiting {
            true => self.lanes[lane].waiting.leave(&mut self.dials, id),
            false => {
                self.lanes[lane].in_flight -= 1;
                self.in_flight -= 1;
            }
        }
        self.dials.remove(id);
        if self.is_idle() {
            // Thousands may have waited.
            self.dials = Slab::new();
        }
        self.settle(lane, now);
    }

    /// Whether no dial is left. A rate may still remember some.
    pub fn is_idle(&self) -> bool {
        self.dials.is_empty()
    }

    /// Grants the one dial whose turn it is, if it may begin at `now`.
    pub fn grant(&mut self, now: Instant) -> Option<DialId> {
        self.wake(now);
        if self.in_flight >= self.max_in_flight || self.window.free_at(now).is_some() {
            return None;
        }
        let at = self.ready.first()?;
        self.ready.leave(&mut self.lanes, at);
        let lane = &mut self.lanes[at];
        lane.place = Place::Aside;
        let id = lane.waiting.first()?;
        lane.waiting.leave(&mut self.dials, id);
        lane.in_flight += 1;
        lane.window.count(now);
        self.in_flight += 1;
        self.window.count(now);
        self.dials[id].is_waiting = false;
        self.settle(at, now);
        Some(DialId(id))
    }

    /// Whether a dial has not been granted yet.
    pub fn is_waiting(&self, DialId(id): DialId) -> bool {
        self.dials.get(id).is_some_and(|dial| dial.is_waiting)
    }

    /// When time alone admits the next dial, and which. Fading hosts can wait for any other event.
    pub fn next(&mut self, now: Instant) -> Option<(Instant, DialId)> {
        if self.in_flight >= self.max_in_flight {
            return None;
        }
        let (at, lane) = match self.ready.first() {
            Some(lane) => (now, lane),
            None => *self.timed.first()?,
        };
        let id = self.lanes[lane].waiting.first()?;
        let all = self.window.free_at(now);
        Some((all.map_or(at, |all| all.max(at)), DialId(id)))
    }

    /// The lane that this host has from now on.
    fn lane_of(&mut self, host: &str) -> usize {
        // A lane of that very name is the host's: the settings never change.
        if let Some(lane) = self.hosts.get(host) {
            return *lane;
        }
        let (key, settings) = self.line(host);
        if let Some(lane) = self.hosts.get(key) {
            return *lane;
        }
        let key: Arc<str> = key.into();
        let lane = self.lanes.insert(Lane::new(Arc::clone(&key), settings));
        self.hosts.insert(key, lane);
        lane
    }

    /// The host's line, and its limits.
    fn line<'h>(&self, host: &'h str) -> (&'h str, HostSettings) {
        if let Some(settings) = self.settings.get(host) {
            return (host, *settings);
        }
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map(|(name, _)| name);
        match name.and_then(|name| Some((name, self.settings.get(name)?))) {
            Some((name, settings)) => (name, *settings),
            None => (host, HostSettings::default()),
        }
    }

    /// Hosts whose time has come take their turn, or are forgotten.
    fn wake(&mut self, now: Instant) {
        let is_due = |first: Option<&(Instant, usize)>| {
            first.filter(|(at, _)| *at <= now).map(|(_, lane)| *lane)
        };
        while let Some(lane) = is_due(self.timed.first()) {
            self.settle(lane, now);
        }
        while let Some(lane) = is_due(self.fading.first()) {
            self.settle(lane, now);
        }
    }

    /// Puts a host where it belongs after something changed, or forgets it when it has nothing left.
    fn settle(&mut self, at: usize, now: Instant) {
        let lane = &mut self.lanes[at];
        let (place, wanted) = (lane.place, lane.wanted(now));
        // A host that keeps being ready keeps its turn.
        if Some(place) == wanted {
            return;
        }
        match place {
            Place::Aside => {}
            Place::Ready => self.ready.leave(&mut self.lanes, at),
            Place::Timed(until) => drop(self.timed.remove(&(until, at))),
            Place::Fading(until) => drop(self.fading.remove(&(until, at))),
        }
        let Some(place) = wanted else {
            self.hosts.remove(&self.lanes.remove(at).host);
            return;
        };
        self.lanes[at].place = place;
        match place {
            Place::Aside => {}
            Place::Ready => self.ready.join(&mut self.lanes, at),
            Place::Timed(until) => drop(self.timed.insert((until, at))),
            Place::Fading(until) => drop(self.fading.insert((until, at))),
        }
    }
}
