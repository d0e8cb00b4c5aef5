//! The driver's next deadline.

use std::{task::Context as TaskContext, time::Instant};

use super::{Driver, Link};
use crate::connection::state::{ActorState, policy};

impl Driver {
    /// Sets the timer to the next deadline. A timer that is too early costs only a spurious wakeup,
    /// while moving it with every message would cost more. Returns when the timer fires: that turn
    /// must look at everything, since nothing else sets the timer again.
    pub(super) fn arm_timer(
        &mut self,
        act: &mut ActorState,
        expiry: Option<Instant>,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Option<Instant> {
        let (socket, paced, conversation) = match &self.link {
            // A deadline that has passed is checked again when the kernel takes more bytes.
            Link::Up(socket) => (
                socket.deadline(act, now),
                socket.paced_until().filter(|until| *until > now),
                act.conversation_deadline(),
            ),
            // The conversation of a socket that was closed by hand goes on with the next socket.
            Link::None | Link::Dialing(_) => (None, None, None),
        };
        let life = act.life.deadline(policy(&act.settings));
        let aside = self.successor.paced_until().filter(|until| *until > now);
        let deduplication = act
            .inbound
            .deduplication
            .deadline()
            .filter(|_| self.has_read_all());
        let keeps = act.keeps_deadline(now);
        let requests = act.requests_deadline();
        let beside = self.successor.conversation_deadline();
        let all = [
            life,
            expiry,
            socket,
            paced,
            aside,
            deduplication,
            conversation,
            keeps,
            requests,
            beside,
        ];
        match all.into_iter().flatten().min() {
            Some(earliest) => self.timer.wake_at(earliest.max(now), cx),
            None => self.timer.stop(),
        }
        self.timer.deadline()
    }
}
