//! The one future that drives a name's incarnation: it dials, reads, writes, watches the time, and carries out what the
//! core decided.

pub(super) mod dial;
mod effects;
pub(super) mod probe;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use tokio::{task::coop, time::Sleep};

use self::dial::dial;
use crate::{
    chance, clock,
    connection::{
        dialer::Dial,
        rotation::successor::Successor,
        socket::Socket,
        state::{ActorState, policy},
    },
    core::{Cause, FateRun, Removed, State as LifeState},
    events::{DropReason, EventKind},
    panics::panic_text,
    settings::RotationMode,
    wire::CloseFrame,
};

/// Rounds within one turn. More than a few mean that something feeds itself; the next turn goes on.
const MAX_ROUNDS: usize = 16;

/// After so long a turn looks at everything again, even if it only reads.
const SETTLED: Duration = Duration::from_secs(1);

/// What an incarnation is at.
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
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the timer knows the waker: then it need not be polled before it has passed.
    timer_will_wake: bool,
    /// Until then a turn that reads nothing but messages changes nothing else; `None`: it may. A name that is touched is looked at in
    /// any case.
    settled_until: Option<Instant>,
}

/// What a look at the outbox shows.
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

/// How a turn ended.
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
    /// The driver of an incarnation that begins with a socket, or without.
    pub(in crate::connection) fn new(socket: Option<Box<Socket>>) -> Self {
        Self {
            link: socket.map_or(Link::None, Link::Up),
            ..Self::default()
        }
    }

    /// Does all that can be done now. A successor that is to serve next is left in `ready`.
    pub(in crate::connection) fn poll(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        cx: &mut TaskContext<'_>,
    ) -> Turn {
        let turn = catch_unwind(AssertUnwindSafe(|| self.turn(act, ready, cx)))
            .unwrap_or_else(|panic| self.after_panic(act, ready, panic_text(&*panic)));
        act.publisher.set_wall(None);
        turn
    }

    /// A panic in the driver is a loss like any other. Should telling it panic too, the incarnation ends untold.
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
            self.timer_will_wake = false;
        }
        #[cfg(feature = "faults")]
        act.trip(crate::connection::state::fault::Fault::Driver);
        // Whoever sends while we run need not wake us.
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

    /// Reads; whether nothing happened besides, but to the outbox. Most turns of a name that listens are such turns.
    fn only_reads(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) -> bool {
        let Link::Up(socket) = &mut self.link else {
            return false;
        };
        socket.poll_read(act, now, cx);
        socket.is_between_frames() && is_untouched(act)
    }

    /// Writes what the outbox has; whether that is all there is to do, and the name is settled as before.
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
        // A message that still waits has the next turn look at everything: that one touches the name, and is woken.
        let is_over = expiry.is_some_and(|expiry| expiry < until);
        is_settled && !is_over && act.effects.is_empty() && !act.publisher.has_panic()
    }

    /// Looks at everything. `has_read`: what came was read in this turn.
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
                // What was held back may be answered once it is stored.
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

    /// Notes until when a turn may only read. `deadline`: when the timer wakes the name at the latest.
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

    /// Whether nothing has come that was not looked at: only then is what did not come late.
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
            if act.settings.rotation == RotationMode::Replace {
                // What has to be prepared for the next dial is prepared here, while this socket still serves; what fails is told by
                // `successor_failed`, and the socket serves on.
                self.successor = Successor::None;
                return act.give_way(now);
            }
            act.begin_deduplication();
            self.successor = Successor::Dialing(dial(act));
        }
        self.successor.poll(act, now, cx);
    }

    /// Whatever is overdue.
    fn check_time(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        if let Link::Up(socket) = &mut self.link {
            socket.look_at_tcp(act, now);
            socket.hear_out(act, now, cx);
            if act.take_first_beat(now) {
                cx.waker().wake_by_ref();
            }
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

    /// What happened outside: the outbox is told what was written, expired and evicted messages are told, a flush is
    /// noticed, the waker is left. Returns when the next message expires.
    fn look_at_outbox(
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
            // A subscriber that has come since the last look hears of these, too.
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
        // Accepted after the last look of the writer and before the waker was left: nobody else will tell.
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

    /// Sets the timer to the next deadline. One that was set too early only wakes us once for nothing: moving it with every message would
    /// cost more. Returns when it wakes us: that turn must look at everything, since nothing else sets the timer again.
    fn arm_timer(
        &mut self,
        act: &mut ActorState,
        expiry: Option<Instant>,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Option<Instant> {
        let (socket, paced, conversation) = match &self.link {
            // One that has passed is looked at again when the kernel takes more.
            Link::Up(socket) => (
                socket.deadline(act, now),
                socket.paced_until().filter(|until| *until > now),
                act.conversation_deadline(),
            ),
            // A conversation whose socket was closed by hand goes on with the next one.
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
            beside,
        ];
        match all.into_iter().flatten().min() {
            Some(earliest) => self.wake_at(earliest.max(now), cx),
            // A name that rests keeps no timer: it is as large as a name's mailbox.
            None => self.timer = None,
        }
        let timer = self.timer.as_ref();
        timer.map(|timer| timer.deadline().into_std())
    }

    /// Has the driver run at that time, or before it.
    fn wake_at(&mut self, deadline: Instant, cx: &mut TaskContext<'_>) {
        let deadline = tokio::time::Instant::from_std(deadline);
        let timer = match &mut self.timer {
            Some(timer) if !timer.is_elapsed() && timer.deadline() <= deadline => {
                if self.timer_will_wake {
                    return;
                }
                timer
            }
            Some(timer) => {
                timer.as_mut().reset(deadline);
                timer
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(deadline))),
        };
        // With its budget spent a task that polls a timer is woken, but the timer does not know of it.
        let timer = coop::unconstrained(timer.as_mut());
        self.timer_will_wake = pin!(timer).poll(cx).is_pending();
        if !self.timer_will_wake {
            cx.waker().wake_by_ref();
        }
    }
}

impl ActorState {
    /// The socket that serves is closed, and another one is dialled in its place.
    fn give_way(&mut self, now: Instant) {
        let frame = CloseFrame::new(self.settings.close_code, "");
        let policy = policy(&self.settings);
        self.life.give_way(frame, policy, now, &mut self.effects);
        self.show_state();
    }
}

/// Whether the name has nothing to do but what its socket and its outbox ask for.
fn is_untouched(act: &ActorState) -> bool {
    act.effects.is_empty() && !act.publisher.has_panic() && !act.turns.is_touched()
}
