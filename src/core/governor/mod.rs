//! When a dial may begin: handshakes in flight and dials in a time, over all names and for each host.
//!
//! Within a host it is first come, first served. Hosts take turns, by how they did last: those that answered promptly go first, then
//! those of which nothing is known, those whose last handshakes hung, and those that hang again and again. The last kind
//! holds at most half of the places, with the one before it three quarters, and all that have not answered seven
//! eighths. A worse kind is passed over a few times, not for ever. Half of the turns, because a handshake that hangs holds its place for
//! so long that any smaller share would only make the dead ones' retries rarer, and an eighth of 64 places is
//! enough for 160 prompt handshakes of 50 ms a second.
//!
//! # How long a host waits
//!
//! Let T be the longest time for which a dial holds its place, `connect_timeout`, and let there be more than one place.
//!
//! - **A host that answered last waits only for other such hosts**: one handshake of theirs for each eighth of the places, one place at least.
//!   Hosts that hang and have never answered do not delay it, however many they are.
//! - **A live host that waits among dead ones that cannot be told from it**, because nothing is known of them or because they too have
//!   answered last, waits at most 3 T, however many they are, unless others come after it: two turns for each of these.
//!   Of hosts that all come at once the middle ones wait longest: T for each round of places that the dead ones fill.
//! - **A host that failed again and again** takes turns with the others of its kind: T for each round of half the places.
//!
//! A dial costs the same however many names wait; only a host with a rate has to be sorted among the others. What is known of a host
//! without dials is kept for the last few thousand of them.

mod lane;
mod line;
mod ready;
mod standing;
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

pub use self::standing::DialOutcome;
use self::{
    lane::{Lane, Place},
    line::{Line, Links, Member},
    ready::Ready,
    standing::{PROMPT, Places, Record},
    window::Window,
};
use crate::config::{HostSettings, Rate};

/// What is known is kept of at most so many hosts without dials.
const MAX_RESTING: usize = 4096;

/// Admits dials.
///
/// Every dial is requested once, and ended once, granted or not. [`grant`](Self::grant) until it has nothing more after each of
/// these, and when the time comes that [`next`](Self::next) names, or grants are late.
#[derive(Debug)]
pub struct Governor {
    places: Places,
    window: Window,
    settings: BTreeMap<String, HostSettings>,
    dials: Slab<Dial>,
    lanes: Slab<Lane>,
    /// The lanes by their hosts.
    hosts: BTreeMap<Arc<str>, usize>,
    /// Hosts that could be granted a dial.
    ready: Ready,
    /// Dials in flight that may still prove to be prompt, the oldest first.
    young: Line,
    /// Hosts that wait for their own rate.
    timed: BTreeSet<(Instant, usize)>,
    /// Hosts with nothing left but a rate that has not forgotten them.
    fading: BTreeSet<(Instant, usize)>,
    /// Hosts of which nothing is left but what is known of them, the longest first.
    resting: Line,
    rested: usize,
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
            places: Places::new(max_in_flight.get()),
            window: Window::new(rate),
            settings: hosts,
            dials: Slab::new(),
            lanes: Slab::new(),
            hosts: BTreeMap::new(),
            ready: Ready::default(),
            young: Line::default(),
            timed: BTreeSet::new(),
            fading: BTreeSet::new(),
            resting: Line::default(),
            rested: 0,
        }
    }

    /// Queues a dial to `host`, written as `host:port`.
    pub fn request(&mut self, host: &str, now: Instant) -> DialId {
        self.wake(now);
        let lane = self.lane_of(host);
        let id = self.dials.insert(Dial {
            lane,
            stage: Stage::Waiting,
            links: Links::default(),
        });
        let is_fresh = self.lanes[lane].waiting.is_empty();
        self.lanes[lane].waiting.join(&mut self.dials, id);
        self.settle(lane, is_fresh, now);
        DialId(id)
    }

    /// The dial is given up, or its handshake is over. One that has ended already is none any more; the outcome of one that was
    /// never granted says nothing.
    pub fn end(&mut self, DialId(id): DialId, outcome: DialOutcome, now: Instant) {
        self.wake(now);
        let Some(&Dial { lane, stage, .. }) = self.dials.get(id) else {
            return;
        };
        match stage {
            Stage::Waiting => self.lanes[lane].waiting.leave(&mut self.dials, id),
            Stage::Young(_) => self.young.leave(&mut self.dials, id),
            Stage::Hanging(_) => {}
        }
        match (stage, outcome) {
            (Stage::Young(began) | Stage::Hanging(began), DialOutcome::Answered) => {
                self.judge(lane, |record| record.answer(began, now));
            }
            (Stage::Young(began), DialOutcome::Failed) => {
                self.judge(lane, |record| record.fail(began, now));
            }
            (Stage::Waiting, _) | (_, DialOutcome::Failed | DialOutcome::Abandoned) => {}
        }
        if stage != Stage::Waiting {
            let ended = &mut self.lanes[lane];
            ended.in_flight -= 1;
            self.places.remove(ended.record.standing(), 1);
        }
        self.dials.remove(id);
        if self.is_idle() {
            // Thousands may have waited.
            self.dials = Slab::new();
        }
        self.settle(lane, false, now);
    }

    /// Whether no dial is left. A rate may still remember some.
    pub fn is_idle(&self) -> bool {
        self.dials.is_empty()
    }

    /// Grants the one dial whose turn it is, if it may begin at `now`.
    pub fn grant(&mut self, now: Instant) -> Option<DialId> {
        self.wake(now);
        if self.window.free_at(now).is_some() {
            return None;
        }
        let at = self.ready.take(&mut self.lanes, &self.places)?;
        let lane = &mut self.lanes[at];
        lane.place = Place::Aside;
        let id = lane.waiting.first()?;
        lane.waiting.leave(&mut self.dials, id);
        lane.in_flight += 1;
        lane.window.count(now);
        self.places.add(lane.record.standing(), 1);
        self.window.count(now);
        self.dials[id].stage = Stage::Young(now);
        self.young.join(&mut self.dials, id);
        self.settle(at, false, now);
        Some(DialId(id))
    }

    /// Whether a dial has not been granted yet.
    pub fn is_waiting(&self, DialId(id): DialId) -> bool {
        let dial = self.dials.get(id);
        dial.is_some_and(|dial| dial.stage == Stage::Waiting)
    }

    /// When time alone may admit the next dial, and which. All but hosts that wait for their own rate can wait for any other event.
    pub fn next(&mut self, now: Instant) -> Option<(Instant, DialId)> {
        if self.places.are_taken() {
            return None;
        }
        let (at, lane) = match self.ready.any(&self.places) {
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

    /// Dials that hang from now on are noticed; hosts whose time has come take their turn, or are forgotten.
    fn wake(&mut self, now: Instant) {
        while let Some(id) = self.young.first()
            && let Dial { lane, stage, .. } = &mut self.dials[id]
            && let (lane, Stage::Young(began)) = (*lane, *stage)
            && now.saturating_duration_since(began) >= PROMPT
        {
            *stage = Stage::Hanging(began);
            self.young.leave(&mut self.dials, id);
            self.judge(lane, |record| record.hang(began, now));
            self.settle(lane, false, now);
        }
        let is_due = |first: Option<&(Instant, usize)>| {
            first.filter(|(at, _)| *at <= now).map(|(_, lane)| *lane)
        };
        while let Some(lane) = is_due(self.timed.first()) {
            self.settle(lane, false, now);
        }
        while let Some(lane) = is_due(self.fading.first()) {
            self.settle(lane, false, now);
        }
    }

    /// There is news of a host. Its dials in flight count for what it is from now on.
    fn judge(&mut self, at: usize, news: impl FnOnce(&mut Record)) {
        let lane = &mut self.lanes[at];
        let before = lane.record.standing();
        news(&mut lane.record);
        self.places.remove(before, lane.in_flight);
        self.places.add(lane.record.standing(), lane.in_flight);
    }

    /// Puts a host where it belongs after something changed, or forgets it when it has nothing left.
    fn settle(&mut self, at: usize, is_fresh: bool, now: Instant) {
        let lane = &mut self.lanes[at];
        let (place, wanted) = (lane.place, lane.wanted(now));
        // A host that keeps being ready keeps its turn.
        if Some(place) == wanted {
            return;
        }
        match place {
            Place::Aside => {}
            Place::Ready(standing) => self.ready.leave(&mut self.lanes, at, standing),
            Place::Timed(until) => drop(self.timed.remove(&(until, at))),
            Place::Fading(until) => drop(self.fading.remove(&(until, at))),
            Place::Resting => {
                self.resting.leave(&mut self.lanes, at);
                self.rested -= 1;
            }
        }
        let Some(place) = wanted else {
            self.hosts.remove(&self.lanes.remove(at).host);
            return;
        };
        self.lanes[at].place = place;
        match place {
            Place::Aside => {}
            Place::Ready(standing) => {
                self.ready.join(&mut self.lanes, at, standing, is_fresh);
            }
            Place::Timed(until) => drop(self.timed.insert((until, at))),
            Place::Fading(until) => drop(self.fading.insert((until, at))),
            Place::Resting => self.rest(at),
        }
    }

    /// Keeps what is known of a host, in place of the one of which nothing was heard for longest.
    fn rest(&mut self, at: usize) {
        self.resting.join(&mut self.lanes, at);
        self.rested += 1;
        if self.rested > MAX_RESTING
            && let Some(longest) = self.resting.first()
        {
            self.resting.leave(&mut self.lanes, longest);
            self.rested -= 1;
            self.hosts.remove(&self.lanes.remove(longest).host);
        }
    }
}
