//! The end of a name that another node holds now.

use std::time::Instant;

use super::{Driver, Link, Turn};
use crate::{
    connection::{
        rotation::successor::Successor,
        state::{ActorState, ending::Ending},
    },
    core::{CloseBy, ClosedReport},
    events::{DropReason, EventKind},
};

/// There was no close frame (RFC 6455 §7.4.1).
const NO_FRAME: u16 = 1006;

impl Driver {
    /// Resets all sockets, settles what was written, and forgets the name.
    pub(super) fn abandon(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        now: Instant,
    ) -> Turn {
        for successor in [&mut self.successor, ready] {
            successor.reset_on_drop();
            *successor = Successor::None;
        }
        if let Link::Up(socket) = &self.link {
            socket.reset_on_drop();
            self.settle_on_close(act, now);
            // Messages that a rotation held back have no successor that could bring them.
            act.end_deduplication();
            act.flush();
            act.publish(EventKind::Closed(Box::new(ClosedReport {
                code: NO_FRAME,
                reason: String::new(),
                clean: false,
                by: CloseBy::Us,
                sent: None,
            })));
        }
        self.link = Link::None;
        act.effects.clear();
        // Their tasks have been ended, and report to the name that they are gone.
        if act.has_sessions() {
            return Turn::Rest;
        }
        act.complete_abandonment();
        Turn::Gone
    }
}

impl ActorState {
    fn complete_abandonment(&mut self) {
        let left = self.outbox.leave();
        let fates = self.outbox.with(|locked| locked.outbox.take_fate_runs());
        self.publish_sent(fates);
        self.publish_removed(left, DropReason::Moved);
        self.publish(EventKind::Removed);
        if let Ending::Abandoned(waiting) = std::mem::replace(&mut self.ending, Ending::Gone) {
            waiting.answer();
        }
    }
}
