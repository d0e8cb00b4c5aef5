//! The hosts that could be granted a dial, and their turns.

use slab::Slab;

use super::{
    host_queue::{HostQueue, Turn},
    linked_queue::LinkedQueue,
    standing::Standing,
};

/// How often a standing may be passed over in favour of better ones.
const PASSES: u8 = 4;

/// The hosts that could be granted a dial.
///
/// The best standing with room goes first, and a worse one after it was passed over a few times, so
/// that nobody starves. Within a standing the newest host and the one that has waited longest take
/// turns. Without the newest, a live host would wait for all dead ones that came before it and look
/// the same.
#[derive(Debug, Default)]
pub(super) struct Ready {
    queues: [Queue; Standing::ALL.len()],
    joined: u64,
}

/// The hosts of one standing.
#[derive(Debug, Default)]
struct Queue {
    /// Those that nobody waited for until now.
    fresh: LinkedQueue,
    /// Those that had a turn, and for which others wait.
    again: LinkedQueue,
    /// Whether the newest host is next.
    is_newest_next: bool,
    passed_over: u8,
}

impl Ready {
    /// Queues a host; as fresh if nobody waited for it before.
    pub fn join(
        &mut self,
        host_queues: &mut Slab<HostQueue>,
        at: usize,
        standing: Standing,
        is_fresh: bool,
    ) {
        let turn = &mut host_queues[at].turn;
        if turn.is_kept {
            turn.is_kept = false;
            turn.is_fresh = false;
            return self.queue(standing).again.join_front(host_queues, at);
        }
        self.joined += 1;
        *turn = Turn {
            number: self.joined,
            is_fresh,
            is_kept: false,
        };
        self.queue(standing).line(is_fresh).join(host_queues, at);
    }

    /// Removes a host from its place.
    pub fn leave(&mut self, host_queues: &mut Slab<HostQueue>, at: usize, standing: Standing) {
        let is_fresh = host_queues[at].turn.is_fresh;
        self.queue(standing).line(is_fresh).leave(host_queues, at);
    }

    /// Some host that could be granted a dial now, if its standing has room.
    pub fn any(&self, has_room: impl Fn(Standing) -> bool) -> Option<usize> {
        let could = |standing: &Standing| has_room(*standing);
        let mut queues = Standing::ALL.iter().zip(&self.queues);
        queues.find_map(|(standing, queue)| queue.any().filter(|_| could(standing)))
    }

    /// Removes and returns the host whose turn it is.
    pub fn take(
        &mut self,
        host_queues: &mut Slab<HostQueue>,
        has_room: impl Fn(Standing) -> bool,
    ) -> Option<usize> {
        let could = Standing::ALL.map(|s| self.queue(s).any().is_some_and(|_| has_room(s)));
        let best = could.iter().position(|could| *could)?;
        let is_due = |at: &usize| could[*at] && self.queues[*at].passed_over >= PASSES;
        let chosen = (best + 1..could.len()).rev().find(is_due).unwrap_or(best);
        for at in (chosen + 1..could.len()).filter(|at| could[*at]) {
            let passed_over = &mut self.queues[at].passed_over;
            *passed_over = passed_over.saturating_add(1);
        }
        let queue = &mut self.queues[chosen];
        queue.passed_over = 0;
        // There is no reason to prefer the newest failing host.
        let both_ends = Standing::ALL[chosen] != Standing::Failing;
        queue.take(host_queues, both_ends)
    }

    fn queue(&mut self, standing: Standing) -> &mut Queue {
        &mut self.queues[standing as usize]
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.any().is_none())
    }
}

impl Queue {
    fn line(&mut self, is_fresh: bool) -> &mut LinkedQueue {
        match is_fresh {
            true => &mut self.fresh,
            false => &mut self.again,
        }
    }

    fn any(&self) -> Option<usize> {
        self.fresh.first().or(self.again.first())
    }

    fn take(&mut self, host_queues: &mut Slab<HostQueue>, both_ends: bool) -> Option<usize> {
        let newest = self.fresh.last().filter(|_| self.is_newest_next);
        self.is_newest_next = both_ends && !self.is_newest_next;
        let at = newest.or_else(|| self.longest(host_queues))?;
        let is_fresh = host_queues[at].turn.is_fresh;
        self.line(is_fresh).leave(host_queues, at);
        Some(at)
    }

    /// The host that has waited longest.
    fn longest(&self, host_queues: &Slab<HostQueue>) -> Option<usize> {
        let firsts = [self.fresh.first(), self.again.first()];
        let firsts = firsts.into_iter().flatten();
        firsts.min_by_key(|at| host_queues[*at].turn.number)
    }
}
