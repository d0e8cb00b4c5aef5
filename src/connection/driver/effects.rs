//! Carrying out what the core decided, in order.

use std::{pin::Pin, sync::Arc, time::Instant};

use super::{Driver, Link, Turn};
use crate::{
    connection::{
        LastClose, LastError, LastMessage, State, StateCause, StateReason,
        actor::store_outage::Hold,
        arbiter::dial_scheduler::ByTurns,
        rotation::successor::Successor,
        state::{Ending, Name, Waiting},
    },
    core::{Cause, Effect, Happened, Rule, State as LifeState},
    events::{self, Connecting, DropReason, ErrorReport, Event, Failed, FailedDial, Retrying},
    keeper::Order,
    transport::{self, DialRequest, Opened, Undialled},
    wire::CloseFrame,
};

impl Driver {
    /// Carries out all effects. After the incarnation's end none is left.
    pub(in crate::connection) fn carry_out(&mut self, act: &mut Name, now: Instant) -> Turn {
        let mut over = false;
        loop {
            for effect in std::mem::take(&mut act.effects) {
                match effect {
                    Effect::Dial => {
                        self.link = Link::Dialing(dial(act));
                    }
                    Effect::DialSuccessor => self.successor = Successor::Wanted,
                    Effect::Restart => over = true,
                    Effect::Door(open) => act.gate.with(|inside| inside.outbox.set_open(open)),
                    Effect::Cancel => {
                        let cancelled = act.gate.with(|inside| inside.outbox.cancel());
                        act.tell_removed(cancelled, DropReason::Cancelled);
                    }
                    Effect::SendClose(frame) => self.send_close(act, frame),
                    Effect::Emit(happened) => self.tell(act, happened, now),
                }
            }
            act.show_state();
            let Some(text) = act.callback_panic.take() else {
                break;
            };
            // Of a callback that panics at every event only the first takes the socket down; there is none afterwards.
            if !over && act.life.holds_a_link() {
                act.lost(Cause::Panic(text.into()), now);
            } else if act.effects.is_empty() {
                break;
            }
        }
        act.settle_ending();
        if over {
            Turn::Restart
        } else if matches!(act.ending, Ending::Gone) {
            Turn::Gone
        } else {
            Turn::Rest
        }
    }

    /// Our Close frame. A ping goes ahead of it where that tells whether the last messages have arrived.
    fn send_close(&mut self, act: &mut Name, frame: CloseFrame) {
        let Link::Up(socket) = &mut self.link else {
            return;
        };
        // The writer puts it right ahead of the close frame.
        act.probe_due |= act.life.may_read() && act.settings.heartbeat.can_fence();
        socket.send_close(frame);
    }

    /// What became of the messages that were on their way when the socket ended.
    fn own_up(&mut self, act: &mut Name, now: Instant) {
        if let Link::Up(socket) = &mut self.link {
            socket.own_up(act, now);
            if !act.life.wants_successor() {
                act.end_passage();
            }
            act.record.in_doubt += act.gate.with(|inside| inside.outbox.lost());
        }
    }

    /// What the peer said last on the socket that has ended. After a close by hand that explains nothing.
    fn last_message(&mut self, act: &mut Name) -> Option<Box<LastMessage>> {
        match &mut self.link {
            Link::Up(socket) if !act.life.is_down() => socket.last_message(act),
            Link::Up(_) | Link::None | Link::Dialing(_) => None,
        }
    }

    fn tell(&mut self, act: &mut Name, happened: Happened, now: Instant) {
        match happened {
            // It does not begin yet.
            Happened::Connecting { .. } if act.hold.is_on() => act.hold = Hold::Dials,
            Happened::Connecting { attempt } => {
                act.show(State::Connecting, None);
                act.record.failed_dial = None;
                let cause = act.count_reconnect();
                act.publish(|stamp| Event::Connecting(stamp, Connecting { attempt, cause }));
            }
            Happened::Closed(report) => {
                self.own_up(act, now);
                act.record.last_message = self.last_message(act);
                let last = LastClose::new(report.clone(), act.wall());
                act.record.last_close = Some(Box::new(last));
                act.publish(|stamp| Event::Closed(stamp, Box::new(report)));
            }
            Happened::Rotated { report } => {
                self.own_up(act, now);
                self.hand_over(act, report, now);
            }
            Happened::Error(cause) => {
                let at = act.wall();
                act.record.last_error = Some(Box::new(LastError {
                    cause: cause.clone(),
                    at,
                }));
                let dial = act.record.failed_dial.take().map(|dial| *dial);
                act.publish(|stamp| Event::Error(stamp, Box::new(ErrorReport { cause, dial })));
            }
            Happened::Retrying { delay, cause, rule } => {
                act.show(State::Backoff, Some((&cause, &rule)));
                act.note_retry_at(now);
                act.publish(|stamp| {
                    Event::Retrying(stamp, Box::new(Retrying { delay, cause, rule }))
                });
            }
            Happened::Failed { cause, rule } => {
                act.show(State::Failed, Some((&cause, &rule)));
                act.publish(|stamp| Event::Failed(stamp, Box::new(Failed { cause, rule })));
            }
        }
    }
}

/// A dial of the URL that is in use, or next; it begins when the budget allows it.
pub(in crate::connection) fn dial(act: &Name) -> Dial {
    let (urls, number) = (Arc::clone(&act.urls), act.url_number());
    let (settings, commons) = (Arc::clone(&act.settings), Arc::clone(&act.commons));
    let (name, owner) = (act.name.clone(), act.gate.owner());
    let attempt = act.life.dials();
    Box::pin(async move {
        #[cfg(test)]
        if let Some(scripted) = crate::connection::simulation::dial() {
            return scripted.await.map_err(Undialled::from);
        }
        let (url, owner) = (&urls[number], owner.as_ref());
        let turn = match transport::written_host_key(url) {
            Some(host) => commons.budget.acquire(host, owner),
            // Boxed, so that a name that waits for its permit does not hold the memory of a handshake: thousands may wait.
            None => {
                let host = Box::pin(transport::host_key(url, &commons.vault)).await?;
                commons.budget.acquire(&host, owner)
            }
        };
        let permit = turn.await;
        let dial = transport::dial(DialRequest {
            settings: &settings,
            url,
            owner,
            may_choose_none: false,
            tls: &commons.tls,
            resolver: &commons.resolver,
            vault: &commons.vault,
        });
        let dialled = ByTurns::new(transport::in_span(&name, attempt, dial)).await;
        permit.finish(dialled.is_ok());
        dialled
    })
}

/// What becomes of a dial.
pub(in crate::connection) type Dial = Pin<Box<dyn Future<Output = Result<Opened, Undialled>>>>;

impl Name {
    /// Keeps how far a dial came for the event that tells of its end.
    pub(in crate::connection) fn note_failed(&mut self, undialled: Undialled) -> Cause {
        self.record.failed_dial = Some(Box::new(FailedDial {
            phase: undialled.phase,
            timings: undialled.timings.into(),
        }));
        undialled.cause
    }

    /// Keeps when the next dial is due.
    pub(in crate::connection) fn note_retry_at(&mut self, now: Instant) {
        self.record.retry_at = match self.life.state() {
            LifeState::Backoff { until } => {
                let wait = until.saturating_duration_since(now);
                self.wall().checked_add(wait).ok().map(Box::new)
            }
            _ => None,
        };
    }

    /// Keeps the state that users see, since when, and why, in step with the core.
    pub(in crate::connection) fn show_state(&mut self) {
        let state = match self.life.state() {
            LifeState::Idle | LifeState::Connecting if self.hold.is_on() => {
                return self.show_outage();
            }
            LifeState::Idle => State::Idle,
            LifeState::Connecting => State::Connecting,
            LifeState::Open { .. } if self.record.ready => State::Open,
            LifeState::Open { .. } => State::Opening,
            LifeState::Closing(_) | LifeState::Adopting { .. } if self.life.is_handing_over() => {
                State::Open
            }
            LifeState::Closing(_) | LifeState::Adopting { .. } => State::Closing,
            LifeState::Backoff { .. } => State::Backoff,
            LifeState::Closed => State::Closed,
            LifeState::Failed => State::Failed,
        };
        self.show(state, None);
    }

    /// Shows a state. The verdict on a loss comes with the states that it leads to.
    pub(in crate::connection) fn show(&mut self, state: State, verdict: Option<(&Cause, &Rule)>) {
        self.explain(state, verdict);
        if state != self.record.shown {
            self.record.shown = state;
            self.record.since = self.wall();
        }
        if state != State::Backoff {
            self.record.retry_at = None;
        }
        if !matches!(state, State::Open | State::Closing) {
            self.record.ready = false;
        }
    }

    /// Keeps the reason of the state that is shown from now on. It is set nowhere else, so that all faces tell the same.
    fn explain(&mut self, state: State, verdict: Option<(&Cause, &Rule)>) {
        if let Some((cause, rule)) = verdict {
            self.record.lost = true;
            self.because(StateReason::Loss(cause.clone()), Some(rule.clone()));
            return;
        }
        match state {
            // The verdict has led here.
            State::Backoff | State::Failed => {}
            // A dial follows the loss that was judged last; a close by hand is over.
            State::Connecting => {
                let cause = &mut self.record.cause;
                *cause = cause.take().filter(|cause| cause.rule.is_some());
            }
            State::Idle if self.settings.sessions_only => {
                self.because(StateReason::SessionsOnly, None);
            }
            State::Idle | State::Opening | State::Open => self.record.cause = None,
            State::Closing => {
                let loss = self.life.loss().cloned();
                let reason = loss.map_or_else(|| self.farewell(), StateReason::Loss);
                self.because(reason, None);
            }
            // A name that was closed by hand stays so while the process shuts down.
            State::Closed if self.record.shown == State::Closed => {}
            State::Closed => {
                self.record.lost = false;
                self.record.last_message = None;
                self.because(self.farewell(), None);
            }
        }
    }

    /// Keeps a reason, unless it is that which is kept.
    pub(in crate::connection) fn because(&mut self, reason: StateReason, rule: Option<Rule>) {
        let known = self.record.cause.as_deref();
        if rule.is_some() || known.is_none_or(|known| known.reason != reason) {
            let at = self.wall();
            let cause = StateCause { reason, rule, at };
            self.record.cause = Some(Box::new(cause));
        }
    }

    /// Why the name is closed other than by a loss.
    fn farewell(&self) -> StateReason {
        match self.ending {
            Ending::Stays if self.life.goes_idle() => StateReason::SessionsOnly,
            Ending::Stays => StateReason::ClosedByHand,
            Ending::Drains(_) => StateReason::Shutdown,
            Ending::Leaves(_) | Ending::Gone => StateReason::Removed,
        }
    }

    /// A dial begins: counts it if it follows a loss, and says of which kind that was.
    fn count_reconnect(&mut self) -> Option<&'static str> {
        if !std::mem::take(&mut self.record.lost) {
            return None;
        }
        self.record.reconnects += 1;
        let cause = self.record.cause.as_deref();
        cause.map(|cause| cause.reason.kind())
    }

    /// Whether somebody waits for the end, and it is there.
    pub(in crate::connection) fn has_ended(&self) -> bool {
        let is_ending = matches!(self.ending, Ending::Drains(_) | Ending::Leaves(_));
        is_ending && self.life.is_down() && !self.has_sessions()
    }

    /// Answers those who wait for the end, once it is there.
    fn settle_ending(&mut self) {
        if !self.life.is_down() || self.has_sessions() {
            return;
        }
        match std::mem::take(&mut self.ending) {
            Ending::Stays => {}
            Ending::Drains(waiting) => answer(*waiting),
            Ending::Leaves(waiting) => {
                let discarded = self.gate.with(|inside| inside.outbox.discard());
                self.tell_removed(discarded, DropReason::Cancelled);
                self.commons.keeper.order(Order::Forget(self.name.clone()));
                self.publish(Event::Removed);
                self.ending = Ending::Gone;
                answer(*waiting);
            }
            Ending::Gone => self.ending = Ending::Gone,
        }
    }
}

fn answer(waiting: Waiting) {
    for sender in waiting.0 {
        // Who no longer waits need not be told.
        let _gone = sender.send(());
    }
}

impl From<transport::Timings> for events::DialTimings {
    fn from(timings: transport::Timings) -> Self {
        Self {
            dns: timings.dns,
            proxy: timings.proxy,
            tcp: timings.tcp,
            tls: timings.tls,
            upgrade: timings.upgrade,
        }
    }
}
