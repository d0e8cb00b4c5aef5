//! The driver's look at the outbox, and what it publishes then.

use std::{task::Context as TaskContext, time::Instant};

use super::{Driver, Link};
use crate::{
    connection::state::{ActorState, policy},
    core::{Cause, FateRun, Removed},
    events::{DropReason, EventKind},
};

/// The result of a look at the outbox.
struct Look {
    written: (u64, u64),
    expired: Removed,
    evicted: u64,
    told: Vec<FateRun>,
    store_error: Option<Box<str>>,
    is_written: bool,
    next_waits: bool,
    next_expiry: Option<Instant>,
    wants_fence: bool,
}

impl Driver {
    /// Updates the outbox with what was written, publishes expired and evicted messages, notices a
    /// flush, and stores the waker. Returns when the next message expires.
    pub(super) fn look_at_outbox(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Option<Instant> {
        if let Link::Up(socket) = &mut self.link {
            socket.publish_openings(act);
        }
        let tell_sent = act.publisher.want_sent(&act.process.hub, &act.name);
        let (is_paced, written) = match &mut self.link {
            Link::Up(socket) => (socket.is_paced(now), socket.take_written()),
            Link::None | Link::Dialing(_) => (false, None),
        };
        let look = act.outbox.end_turn(cx.waker(), |locked| {
            // A subscriber that has come since the last look gets these, too.
            locked.outbox.set_fate_reporting(tell_sent);
            let written = written.map_or((0, 0), |id| locked.outbox.written(id));
            Look {
                written,
                expired: locked.outbox.expire(now),
                evicted: std::mem::take(&mut locked.evicted),
                told: locked.outbox.take_fate_runs(),
                store_error: locked.store_error.take(),
                is_written: locked.outbox.is_written(),
                next_waits: locked.outbox.peek().is_some(),
                next_expiry: locked.outbox.next_expiry(),
                wants_fence: locked.wants_fence(is_paced),
            }
        });
        act.counters.count_sent(look.written);
        act.publish_dropped(look.evicted, DropReason::Evicted);
        act.publish_removed(look.expired, DropReason::Expired);
        act.publish_sent(look.told);
        if let Some(text) = look.store_error {
            let cause = Cause::Store(text.into());
            act.publish(EventKind::Error(Box::new(cause.into())));
        }
        if let Link::Up(socket) = &mut self.link
            && look.wants_fence
        {
            socket.fence(act, now, cx);
        }
        let flushed = match &self.link {
            Link::Up(socket) => socket.is_flushed(),
            Link::None | Link::Dialing(_) => true,
        };
        // It was accepted after the writer's last look and before the waker was stored, so nothing
        // else would wake us.
        if look.next_waits && !is_paced && flushed && act.reported.ready && act.life.may_write() {
            act.turns.touch();
            cx.waker().wake_by_ref();
        }
        if act.life.is_flushing() && look.is_written && flushed {
            let close_script = act.has_close_script();
            let policy = policy(&act.settings);
            act.life
                .flushed(close_script, policy, now, &mut act.effects);
        }
        look.next_expiry
    }
}
