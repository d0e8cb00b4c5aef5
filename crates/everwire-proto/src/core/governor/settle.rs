//! Where each line stands after something changed.

use std::time::Instant;

use super::{
    Dial, Governor, Stage,
    group::Group,
    lane::{Lane, Place},
    standing::{PROMPT, Record, Standing},
};
use crate::core::{Owner, Share};

impl Governor {
    /// Dials that hang from now on are noticed; lines whose time has come take their turn, or are forgotten.
    pub(super) fn wake(&mut self, now: Instant) {
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

    /// There is news of a host. The dials in flight count for what it is from now on.
    pub(super) fn judge(&mut self, at: usize, news: impl FnOnce(&mut Record)) {
        let lane = &mut self.lanes[at];
        let group = &mut self.groups[lane.group];
        let before = lane.record.standing();
        news(&mut lane.record);
        let after = lane.record.standing();
        self.stock.remove(group, before, lane.in_flight);
        self.stock.add(group, after, lane.in_flight);
    }

    /// A dial of this line begins.
    pub(super) fn put_on(&mut self, at: usize, now: Instant) {
        let lane = &mut self.lanes[at];
        let group = &mut self.groups[lane.group];
        lane.in_flight += 1;
        lane.window.count(now);
        self.hosts[lane.host].begin(group.share, now);
        self.stock.begin(group, lane.record.standing(), now);
    }

    /// A dial of this line has begun already.
    pub(super) fn carry_over(&mut self, at: usize) {
        let lane = &mut self.lanes[at];
        let group = &mut self.groups[lane.group];
        lane.in_flight += 1;
        self.hosts[lane.host].add(group.share, 1);
        self.stock.add(group, lane.record.standing(), 1);
    }

    /// A dial of this line is in flight no more.
    pub(super) fn take_off(&mut self, at: usize) {
        let lane = &mut self.lanes[at];
        let group = &mut self.groups[lane.group];
        lane.in_flight -= 1;
        self.hosts[lane.host].remove(group.share, 1);
        self.stock.remove(group, lane.record.standing(), 1);
    }

    /// Puts a line where it belongs, and those of its host for which others wait: they share its limits.
    pub(super) fn settle_host(&mut self, at: usize, now: Instant) {
        let host = self.lanes[at].host;
        if self.hosts[host].lanes() > 1 {
            let mut number = 0;
            while let Some(lane) = self.hosts[host].nth_lane(number) {
                // One that others wait for is not forgotten.
                if lane != at && !self.lanes[lane].waiting.is_empty() {
                    self.settle(lane, false, now);
                }
                number += 1;
            }
        }
        self.settle(at, false, now);
    }

    /// Puts a line where it belongs after something changed, or forgets it when it has nothing left.
    pub(super) fn settle(&mut self, at: usize, is_fresh: bool, now: Instant) {
        let wanted = self.wanted(at, now);
        let lane = &mut self.lanes[at];
        let place = lane.place;
        lane.turn.is_kept &= !lane.waiting.is_empty();
        // A line that keeps being ready keeps its turn.
        if Some(place) == wanted {
            return;
        }
        let group = &mut self.groups[lane.group];
        match place {
            Place::Aside => {}
            Place::Ready(standing) => {
                lane.turn.is_kept = matches!(wanted, Some(Place::Aside | Place::Timed(_)));
                group.ready.leave(&mut self.lanes, at, standing);
            }
            Place::Timed(until) => drop(self.timed.remove(&(until, at))),
            Place::Fading(until) => drop(self.fading.remove(&(until, at))),
            Place::Resting => self.resting.of(group.share).leave(&mut self.lanes, at),
        }
        let Some(place) = wanted else {
            return self.forget(at);
        };
        self.lanes[at].place = place;
        match place {
            Place::Aside => {}
            Place::Ready(standing) => {
                group.ready.join(&mut self.lanes, at, standing, is_fresh);
            }
            Place::Timed(until) => drop(self.timed.insert((until, at))),
            Place::Fading(until) => drop(self.fading.insert((until, at))),
            Place::Resting => self.rest(at),
        }
    }

    /// Where a line belongs; `None` when nothing of it needs to be kept.
    fn wanted(&mut self, at: usize, now: Instant) -> Option<Place> {
        let lane = &mut self.lanes[at];
        let (host, share) = (&mut self.hosts[lane.host], self.groups[lane.group].share);
        let standing = lane.record.standing();
        if !lane.waiting.is_empty() {
            if !host.has_room(share, lane.in_flight) {
                return Some(Place::Aside);
            }
            let free = host.free_at(share, now).max(lane.window.free_at(now));
            return Some(free.map_or(Place::Ready(standing), Place::Timed));
        }
        if lane.in_flight > 0 {
            return Some(Place::Aside);
        }
        match host.forgotten_at(now) {
            Some(at) => Some(Place::Fading(at)),
            None if standing == Standing::Unknown => None,
            None => Some(Place::Resting),
        }
    }

    /// Keeps what is known of a host, in place of the one of which nothing was heard for longest.
    fn rest(&mut self, at: usize) {
        let rest = self.resting.of(self.groups[self.lanes[at].group].share);
        rest.join(&mut self.lanes, at);
        if let Some(longest) = rest.surplus() {
            rest.leave(&mut self.lanes, longest);
            self.forget(longest);
        }
    }

    /// Forgets what is known of the hosts of groups that are no more by the shares of now.
    pub(super) fn forget_groups(&mut self) {
        let shares = &self.shares;
        let is_over = |group: &Group| match group.share {
            Share::All => false,
            Share::Tenant => shares.of(group.owner.as_ref()) != Share::Tenant,
            Share::Removed => shares.of(Some(&Owner::removed())) != Share::Removed,
        };
        let lanes = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.place == Place::Resting && is_over(&self.groups[lane.group]));
        for at in lanes.map(|(at, _)| at).collect::<Vec<_>>() {
            self.resting.tenants.leave(&mut self.lanes, at);
            self.forget(at);
        }
    }

    fn forget(&mut self, at: usize) {
        let Lane { host, group, .. } = self.lanes.remove(at);
        let of = &mut self.groups[group];
        of.lanes -= 1;
        if of.share != Share::All {
            self.stock.lanes_of_tenants -= 1;
        }
        if self.hosts[host].remove_lane(group) {
            self.named.remove(&self.hosts.remove(host).name);
        }
    }
}
