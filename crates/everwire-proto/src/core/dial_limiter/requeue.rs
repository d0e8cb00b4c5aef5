//! Updates the state of each queue after a change.

use std::time::Instant;

use super::{
    Dial, DialLimiter, Stage,
    group::Group,
    host_queue::{HostQueue, QueueState},
    standing::{PROMPT, Record, Standing},
};
use crate::core::{Owner, Share};

impl DialLimiter {
    /// Notices dials that have begun to hang, and queues whose time has come: they take their turn,
    /// or are forgotten.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some(id) = self.young.first()
            && let Dial {
                host_queue, stage, ..
            } = &mut self.dials[id]
            && let (host_queue, Stage::Young(began)) = (*host_queue, *stage)
            && now.saturating_duration_since(began) >= PROMPT
        {
            *stage = Stage::Hanging(began);
            self.young.leave(&mut self.dials, id);
            self.judge(host_queue, |record| record.hang(began, now));
            self.requeue(host_queue, false, now);
        }
        let is_due = |first: Option<&(Instant, usize)>| {
            first
                .filter(|(at, _)| *at <= now)
                .map(|(_, host_queue)| *host_queue)
        };
        while let Some(host_queue) = is_due(self.timed.first()) {
            self.requeue(host_queue, false, now);
        }
        while let Some(host_queue) = is_due(self.expiring.first()) {
            self.requeue(host_queue, false, now);
        }
    }

    /// There is news about a host. The dials in flight count for its new standing.
    pub(super) fn judge(&mut self, at: usize, news: impl FnOnce(&mut Record)) {
        let host_queue = &mut self.host_queues[at];
        let group = &mut self.groups[host_queue.group];
        let before = host_queue.record.standing();
        news(&mut host_queue.record);
        let after = host_queue.record.standing();
        self.stock.remove(group, before, host_queue.in_flight);
        self.stock.add(group, after, host_queue.in_flight);
    }

    /// A dial of this queue begins.
    pub(super) fn put_on(&mut self, at: usize, now: Instant) {
        let host_queue = &mut self.host_queues[at];
        let group = &mut self.groups[host_queue.group];
        host_queue.in_flight += 1;
        host_queue.window.count(now);
        self.hosts[host_queue.host].begin(group.share, now);
        self.stock.begin(group, host_queue.record.standing(), now);
    }

    /// A dial of this queue has begun already.
    pub(super) fn carry_over(&mut self, at: usize) {
        let host_queue = &mut self.host_queues[at];
        let group = &mut self.groups[host_queue.group];
        host_queue.in_flight += 1;
        self.hosts[host_queue.host].add(group.share, 1);
        self.stock.add(group, host_queue.record.standing(), 1);
    }

    /// A dial of this queue is no longer in flight.
    pub(super) fn take_off(&mut self, at: usize) {
        let host_queue = &mut self.host_queues[at];
        let group = &mut self.groups[host_queue.group];
        host_queue.in_flight -= 1;
        self.hosts[host_queue.host].remove(group.share, 1);
        self.stock.remove(group, host_queue.record.standing(), 1);
    }

    /// Updates a queue, and the waiting queues of the same host, since they share its limits.
    pub(super) fn requeue_host(&mut self, at: usize, now: Instant) {
        let host = self.host_queues[at].host;
        if self.hosts[host].queue_count() > 1 {
            let mut number = 0;
            while let Some(host_queue) = self.hosts[host].nth_queue(number) {
                // A queue with waiting dials is not forgotten.
                if host_queue != at && !self.host_queues[host_queue].waiting.is_empty() {
                    self.requeue(host_queue, false, now);
                }
                number += 1;
            }
        }
        self.requeue(at, false, now);
    }

    /// Updates a queue after a change, or forgets it when it is empty.
    pub(super) fn requeue(&mut self, at: usize, is_fresh: bool, now: Instant) {
        let wanted = self.wanted(at, now);
        let host_queue = &mut self.host_queues[at];
        let state = host_queue.state;
        host_queue.turn.is_kept &= !host_queue.waiting.is_empty();
        // A queue that stays ready keeps its turn.
        if Some(state) == wanted {
            return;
        }
        let group = &mut self.groups[host_queue.group];
        match state {
            QueueState::Aside => {}
            QueueState::Ready(standing) => {
                host_queue.turn.is_kept =
                    matches!(wanted, Some(QueueState::Aside | QueueState::Timed(_)));
                group.ready.leave(&mut self.host_queues, at, standing);
            }
            QueueState::Timed(until) => drop(self.timed.remove(&(until, at))),
            QueueState::Expiring(until) => drop(self.expiring.remove(&(until, at))),
            QueueState::Resting => self
                .resting
                .of(group.share)
                .leave(&mut self.host_queues, at),
        }
        let Some(state) = wanted else {
            return self.forget(at);
        };
        self.host_queues[at].state = state;
        match state {
            QueueState::Aside => {}
            QueueState::Ready(standing) => {
                group
                    .ready
                    .join(&mut self.host_queues, at, standing, is_fresh);
            }
            QueueState::Timed(until) => drop(self.timed.insert((until, at))),
            QueueState::Expiring(until) => drop(self.expiring.insert((until, at))),
            QueueState::Resting => self.rest(at),
        }
    }

    /// The new state of a queue; `None` if nothing of it needs to be kept.
    fn wanted(&mut self, at: usize, now: Instant) -> Option<QueueState> {
        let host_queue = &mut self.host_queues[at];
        let (host, share) = (
            &mut self.hosts[host_queue.host],
            self.groups[host_queue.group].share,
        );
        let standing = host_queue.record.standing();
        if !host_queue.waiting.is_empty() {
            if !host.has_room(share, host_queue.in_flight) {
                return Some(QueueState::Aside);
            }
            let free = host.free_at(share, now).max(host_queue.window.free_at(now));
            return Some(free.map_or(QueueState::Ready(standing), QueueState::Timed));
        }
        if host_queue.in_flight > 0 {
            return Some(QueueState::Aside);
        }
        match host.forgotten_at(now) {
            Some(at) => Some(QueueState::Expiring(at)),
            None if standing == Standing::Unknown => None,
            None => Some(QueueState::Resting),
        }
    }

    /// Keeps the record of a host, in place of the one without news for longest.
    fn rest(&mut self, at: usize) {
        let rest = self
            .resting
            .of(self.groups[self.host_queues[at].group].share);
        rest.join(&mut self.host_queues, at);
        if let Some(longest) = rest.surplus() {
            rest.leave(&mut self.host_queues, longest);
            self.forget(longest);
        }
    }

    /// Forgets the records of groups that do not exist under the current shares.
    pub(super) fn forget_groups(&mut self) {
        let shares = &self.shares;
        let is_over = |group: &Group| match group.share {
            Share::All => false,
            Share::Tenant => shares.of(group.owner.as_ref()) != Share::Tenant,
            Share::Removed => shares.of(Some(&Owner::removed())) != Share::Removed,
        };
        let host_queues = self.host_queues.iter().filter(|(_, host_queue)| {
            host_queue.state == QueueState::Resting && is_over(&self.groups[host_queue.group])
        });
        for at in host_queues.map(|(at, _)| at).collect::<Vec<_>>() {
            self.resting.tenants.leave(&mut self.host_queues, at);
            self.forget(at);
        }
    }

    fn forget(&mut self, at: usize) {
        let HostQueue { host, group, .. } = self.host_queues.remove(at);
        let of = &mut self.groups[group];
        of.host_queues -= 1;
        if of.share != Share::All {
            self.stock.tenant_queues -= 1;
        }
        if self.hosts[host].remove_queue(group) {
            self.named.remove(&self.hosts.remove(host).name);
        }
    }
}
