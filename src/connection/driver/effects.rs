//! Applies the effects that the core has decided on, in order.

use std::time::Instant;

use super::{Driver, Link, Turn, dial::dial};
use crate::{
    clock,
    connection::{
        LastClose, LastError, LastMessage, State,
        rotation::successor::Successor,
        state::{ActorState, ending::Ending, hold::Hold},
    },
    core::{Cause, CloseBy, Effect, Happened},
    events::{Connecting, DropReason, ErrorReport, EventKind, Failed, Retrying},
    persistence::Order,
    wire::CloseFrame,
};

impl Driver {
    /// Applies all effects. None is left after the end of the incarnation.
    pub(in crate::connection) fn apply_effects(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        now: Instant,
    ) -> Turn {
        let mut over = false;
        loop {
            for effect in std::mem::take(&mut act.effects) {
                match effect {
                    Effect::Dial => {
                        self.link = Link::Dialing(dial(act));
                    }
                    Effect::DialSuccessor => self.successor = Successor::Wanted,
                    Effect::Restart => over = true,
                    Effect::SetAccepting(open) => {
                        act.outbox.with(|locked| locked.outbox.set_open(open));
                        if !open {
                            act.cancel_requests();
                        }
                    }
                    Effect::Cancel => {
                        let cancelled = act.outbox.with(|locked| locked.outbox.cancel());
                        act.publish_removed(cancelled, DropReason::Cancelled);
                    }
                    Effect::CloseScript => self.begin_close_script(act, now),
                    Effect::SendClose(frame) => self.send_close(act, frame, now),
                    Effect::Emit(happened) => self.emit(act, ready, happened, now),
                }
            }
            act.show_state();
            let Some(text) = act.publisher.take_panic() else {
                if act.effects.is_empty() {
                    break;
                }
                continue;
            };
            // If a callback panics at every event, only the first panic closes the socket;
            // afterwards there is none.
            if !over && act.life.holds_a_link() {
                act.lost(Cause::Panic(text.into()), now);
            } else if act.effects.is_empty() {
                break;
            }
        }
        act.complete_ending();
        if over {
            Turn::Restart
        } else if act.ending.is_gone() {
            Turn::Gone
        } else {
            Turn::Rest
        }
    }

    /// Sends our Close frame. A ping goes before it if its pong shows that the last messages have
    /// arrived.
    fn send_close(&mut self, act: &mut ActorState, frame: CloseFrame, now: Instant) {
        let Link::Up(socket) = &mut self.link else {
            return;
        };
        if act.life.close_deadline().is_some() {
            // We close on our own initiative, not after a loss or as an answer.
            socket.end_close_script(act, now);
        }
        act.mute(now);
        act.close_waits_no_more();
        // The writer puts it directly before the close frame.
        act.beats.probe_due |= act.life.may_read() && act.settings.heartbeat.can_fence();
        socket.send_close(frame);
    }

    fn begin_close_script(&mut self, act: &mut ActorState, now: Instant) {
        if let Link::Up(socket) = &mut self.link {
            socket.begin_close_script(act, now);
        }
    }

    /// Settles the fates of messages in flight when the socket has ended.
    pub(super) fn settle_on_close(&mut self, act: &mut ActorState, now: Instant) {
        if let Link::Up(socket) = &mut self.link {
            socket.settle_on_close(act, now);
            act.lose_requests();
            if !act.life.wants_successor() {
                act.end_deduplication();
            }
            act.counters.in_doubt += act.outbox.with(|locked| locked.outbox.lost());
        }
    }

    /// The peer's last message on the socket that has ended. After a close by hand it would explain
    /// nothing.
    fn last_message(&mut self, act: &mut ActorState) -> Option<Box<LastMessage>> {
        match &mut self.link {
            Link::Up(socket) if !act.life.is_down() => socket.last_message(act),
            Link::Up(_) | Link::None | Link::Dialing(_) => None,
        }
    }

    fn emit(
        &mut self,
        act: &mut ActorState,
        ready: &mut Successor,
        happened: Happened,
        now: Instant,
    ) {
        match happened {
            // The dial does not begin yet.
            Happened::Connecting { .. } if act.hold.is_on() => act.hold = Hold::Dials,
            Happened::Connecting { attempt } => {
                act.show(State::Connecting, None);
                act.last.failed_dial = None;
                let cause = act.reported.count_reconnect();
                act.publish(EventKind::Connecting(Connecting { attempt, cause }));
            }
            Happened::Closed(report) => {
                self.settle_on_close(act, now);
                act.last.message = self.last_message(act);
                act.forget_subscribed();
                if !act.life.is_replacing() {
                    act.forget_prepared();
                }
                let last = LastClose::new(report.clone(), act.wall());
                act.last.close = Some(Box::new(last));
                act.publish(EventKind::Closed(Box::new(report)));
            }
            Happened::Rotated { report } => {
                // A peer that has closed by itself may have sent something before the successor was
                // up.
                let is_ours = report.by == CloseBy::Us;
                let is_whole = report.clean && is_ours && act.last.blind_since.is_none();
                self.settle_on_close(act, now);
                self.successor.hand_over(act, ready, report, is_whole, now);
            }
            Happened::Error(cause) => {
                let at = act.wall();
                act.last.error = Some(Box::new(LastError {
                    cause: cause.clone(),
                    at,
                }));
                let dial = act.last.failed_dial.take().map(|dial| *dial);
                act.publish(EventKind::Error(Box::new(ErrorReport { cause, dial })));
            }
            Happened::Retrying { delay, cause, rule } => {
                if act.gives_up_after(&cause, now) {
                    return;
                }
                act.show(State::Backoff, Some((&cause, &rule)));
                act.note_retry_at(now);
                act.publish(EventKind::Retrying(Box::new(Retrying {
                    delay,
                    cause,
                    rule,
                })));
            }
            Happened::Failed { cause, rule } => {
                act.show(State::Failed, Some((&cause, &rule)));
                act.publish(EventKind::Failed(Box::new(Failed { cause, rule })));
            }
        }
    }
}

impl ActorState {
    /// Whether somebody waits for the end of the name, and it has come.
    pub(in crate::connection) fn has_ended(&self) -> bool {
        self.ending.is_awaited() && self.life.is_down() && !self.has_sessions()
    }

    /// Answers those who wait for the end, once it has come.
    fn complete_ending(&mut self) {
        if !self.life.is_down() || self.has_sessions() {
            return;
        }
        match std::mem::take(&mut self.ending) {
            Ending::Stays => {}
            Ending::Drains(waiting) => {
                self.keep_last_captures(clock::now());
                waiting.answer();
            }
            Ending::Leaves(waiting) => {
                let discarded = self.outbox.with(|locked| locked.outbox.discard());
                self.publish_removed(discarded, DropReason::Cancelled);
                self.process
                    .persistence
                    .order(Order::Forget(self.name.clone()));
                self.publish(EventKind::Removed);
                self.ending = Ending::Gone;
                waiting.answer();
            }
            // The driver completes it in its next turn.
            abandoned @ Ending::Abandoned(_) => self.ending = abandoned,
            Ending::Gone => self.ending = Ending::Gone,
        }
    }
}
