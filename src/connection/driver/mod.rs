//! The future that drives a name's incarnation: it dials, reads, writes, checks deadlines, and
//! applies the core's decisions.

mod abandon;
mod deadlines;
pub(super) mod dial;
mod effects;
mod outbox;
pub(super) mod probe;
mod timer;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use self::{
    dial::{dial, prepare},
    timer::WakeTimer,
};
use crate::{
    chance, clock,
    connection::{
        dialer::Dial,
        rotation::successor::Successor,
        socket::Socket,
        state::{ActorState, policy},
    },
    core::{Cause, State as LifeState},
    panics::panic_text,
    settings::RotationMode,
};

/// The most rounds within one turn. More than a few mean a feedback loop; the next turn goes on.
const MAX_ROUNDS: usize = 16;

/// A turn looks at everything again after this time, even if it only reads.
const SETTLED: Duration = Duration::from_secs(1);

/// The link of an incarnation.
#[derive(Default)]
pub(in crate::connection) enum Link {
    /// Neither a dial nor a socket.
    #[default]
    None,
    /// A dial under way.
    Dialing(Dial),
    /// The socket.
    Up(Box<Socket>),
}

/// See the module.
#[derive(Default)]
pub(in crate::connection) struct Driver {
    pub(in crate::connection) link: Link,
    pub(in crate::connection) successor: Successor,
    timer: WakeTimer,
    /// Until then a turn that reads only messages changes nothing else; `None`: it may. A touched
    /// name is checked in any case.
    settled_until: Option<Instant>,
}

/// The result of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connection) enum Turn {
    /// Nothing is left to do until the waker is called.
    Rest,
    /// The incarnation is over.
    Restart,
    /// The name is gone.
    Gone,
}

impl Driver {
    /// The driver of an incarnation, with or without an initial socket.
    pub(in crate::connection) fn new(socket: Option<Box<Socket>>) -> Self {
        Self {
            link: socket.map_or(Link::None, Link::Up),
            ..Self::default()
        }
    }

    /// Does all that can be done now. A successor that is to take over is left in `ready`.
    pub(in crate::connection) fn poll(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        cx: &mut TaskContext<'_>,
    ) -> Turn {
        let turn = catch_unwind(AssertUnwindSafe(|| {
            let turn = self.turn(act, ready, cx);
            if act.follow_wishes() {
                cx.waker().wake_by_ref();
            }
            turn
        }));
        let turn = turn.unwrap_or_else(|panic| self.after_panic(act, ready, panic_text(&*panic)));
        act.tell_callers();
        act.publisher.set_wall(None);
        turn
    }

    /// Handles a panic in the driver as a loss. If publishing that panics too, the incarnation ends
    /// without an event.
    fn after_panic(&mut self, act: &mut ActorState, ready: &mut Successor, text: String) -> Turn {
        let told = catch_unwind(AssertUnwindSafe(|| {
            act.lost(Cause::Panic(text), clock::now());
            self.apply_effects(act, ready, clock::now())
        }));
        match told {
            Ok(Turn::Gone) => Turn::Gone,
            Ok(Turn::Rest | Turn::Restart) | Err(_) => Turn::Restart,
        }
    }

    fn turn(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        cx: &mut TaskContext<'_>,
    ) -> Turn {
        act.turns.begin();
        if act.wakeups.begin_turn(cx.waker()) {
            act.turns.touch();
            self.timer.forget_waker();
        }
        #[cfg(feature = "faults")]
        act.trip(crate::connection::state::fault::Fault::Driver);
        if act.ending.is_abandoned() {
            return self.abandon(act, ready, clock::now());
        }
        // Senders need not wake us while we run.
        act.outbox.begin_turn();
        let now = clock::now();
        act.publisher.set_wall(Some(clock::wall_at(now)));
        let settled_until = self.settled_until.filter(|until| now < *until);
        let Some(until) = settled_until.filter(|_| !act.turns.is_touched()) else {
            return self.whole_turn(act, ready, now, false, cx);
        };
        if self.only_reads(act, now, cx) && (act.outbox.rest() || self.answers(act, until, now, cx))
        {
            return Turn::Rest;
        }
        self.whole_turn(act, ready, now, true, cx)
    }

    /// Reads. `true` if nothing else happened, except in the outbox: most turns of a listening name
    /// are like that.
    fn only_reads(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) -> bool {
        let Link::Up(socket) = &mut self.link else {
            return false;
        };
        socket.poll_read(act, now, cx);
        socket.is_between_frames() && is_untouched(act)
    }

    /// Writes the outbox. `true` if nothing else is to do, and the name is settled as before.
    fn answers(
        &mut self,
        act: &mut ActorState,
        until: Instant,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        let Link::Up(socket) = &mut self.link else {
            return false;
        };
        socket.poll_write(act, now, cx);
        let is_settled = socket.is_settled(act) && is_untouched(act);
        let expiry = self.look_at_outbox(act, now, cx);
        // A message that still waits leads to a full turn: sending it touches the name, and wakes
        // it.
        let is_over = expiry.is_some_and(|expiry| expiry < until);
        is_settled && !is_over && act.effects.is_empty() && !act.publisher.has_panic()
    }

    /// A turn that looks at everything. `has_read`: incoming data was read in this turn.
    fn whole_turn(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        now: Instant,
        mut has_read: bool,
        cx: &mut TaskContext<'_>,
    ) -> Turn {
        self.settled_until = None;
        act.turns.look();
        for _ in 0..MAX_ROUNDS {
            self.poll_dial(act, now, cx);
            if let Link::Up(socket) = &mut self.link {
                if !std::mem::take(&mut has_read) {
                    socket.poll_read(act, now, cx);
                }
                socket.poll_write(act, now, cx);
            }
            if act
                .inbound
                .deduplication
                .deadline()
                .is_some_and(|until| until <= now)
                && self.has_read_all()
            {
                act.hurry_deduplication();
                // Messages that were held back may now be answered, once they are stored.
                cx.waker().wake_by_ref();
            }
            self.poll_successor(act, now, cx);
            self.check_time(act, now, cx);
            act.flush();
            act.keep_captures(now);
            let expiry = self.look_at_outbox(act, now, cx);
            let is_done = act.effects.is_empty() && !act.publisher.has_panic();
            if is_done && !act.has_ended() {
                let deadline = self.arm_timer(act, expiry, now, cx);
                self.settle(act, deadline, now);
                return Turn::Rest;
            }
            match self.apply_effects(act, ready, now) {
                Turn::Rest => {}
                over @ (Turn::Restart | Turn::Gone) => return over,
            }
        }
        cx.waker().wake_by_ref();
        Turn::Rest
    }

    /// Notes until when a turn may only read. `deadline`: when the timer wakes the name at the
    /// latest.
    fn settle(&mut self, act: &ActorState, deadline: Option<Instant>, now: Instant) {
        let is_settled = match &self.link {
            Link::Up(socket) => socket.is_settled(act),
            Link::None | Link::Dialing(_) => false,
        };
        let is_alone = matches!(self.successor, Successor::None)
            && act.inbound.deduplication.deadline().is_none();
        if is_settled && is_alone {
            let latest = now + SETTLED;
            self.settled_until = Some(deadline.map_or(latest, |deadline| deadline.min(latest)));
        }
    }

    /// Whether everything that has arrived was handled. Only then can something be late.
    fn has_read_all(&self) -> bool {
        match &self.link {
            Link::Up(socket) => socket.has_read_all(),
            Link::None | Link::Dialing(_) => true,
        }
    }

    fn poll_dial(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        let Link::Dialing(dial) = &mut self.link else {
            return;
        };
        // A dial that is not polled has not begun.
        if act.hold.is_on() {
            return;
        }
        let Poll::Ready(result) = dial.as_mut().poll(cx) else {
            return;
        };
        self.link = Link::None;
        let opened = result.map_err(|error| act.last.note_failed(error));
        match opened.and_then(|opened| Socket::open(act, opened, now)) {
            Ok(socket) => self.link = Link::Up(socket),
            Err(cause) => act.lost(cause, now),
        }
    }

    fn poll_successor(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        if self.successor.may_dial(act) {
            self.successor = match act.settings.rotation {
                RotationMode::Overlap => {
                    act.begin_deduplication();
                    Successor::Dialing(dial(act))
                }
                RotationMode::Replace => match prepare(act) {
                    Some(preparation) => Successor::Preparing(preparation),
                    None => {
                        act.give_way(None, now);
                        Successor::None
                    }
                },
            };
        }
        self.successor.poll(act, now, cx);
    }

    /// Handles everything that is overdue.
    fn check_time(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        if let Link::Up(socket) = &mut self.link {
            socket.look_at_tcp(act, now);
            socket.hear_out(act, now, cx);
            if act.may_close_now() {
                socket.begin_close_script(act, now);
                cx.waker().wake_by_ref();
            }
            if act.take_first_beat(now) {
                cx.waker().wake_by_ref();
            }
        }
        if act.expire_requests(now) {
            // Other requests may use the freed places.
            cx.waker().wake_by_ref();
        }
        let policy = policy(&act.settings);
        let deadline = act.life.deadline(policy);
        if deadline.is_some_and(|deadline| deadline <= now) {
            let random = chance::next_u64();
            act.life.timer(policy, now, random, &mut act.effects);
        }
        if let (Link::Up(socket), LifeState::Open { .. }) = (&mut self.link, act.life.state())
            && let Some(cause) = socket.overdue(act, now)
        {
            act.lost(cause, now);
        }
    }
}

/// Whether the name has nothing to do beyond its socket and its outbox.
fn is_untouched(act: &ActorState) -> bool {
    act.effects.is_empty() && !act.publisher.has_panic() && !act.turns.is_touched()
}
