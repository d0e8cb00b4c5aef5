//! Decides what follows when a dial or a socket has ended.

use std::time::Instant;

use crate::core::later;

use super::{
    Cause, ClosedReport, Closing, DelayKind, Effect, Happened, Lifecycle, Loss, Policy, Reconnect,
    Rule, Stage, State, Then, Verdict, backoff, is_stable, verdict,
};

/// A finished dial or socket.
struct Over {
    cause: Cause,
    /// See [`Loss::close`].
    close: Option<u16>,
    was_stable: bool,
}

impl Over {
    fn dial(cause: Cause) -> Self {
        Self {
            cause,
            close: None,
            was_stable: false,
        }
    }
}

impl Lifecycle {
    /// The dial failed, the socket died, or code panicked.
    pub fn lost(
        &mut self,
        cause: Cause,
        policy: Policy<'_>,
        now: Instant,
        random: u64,
        out: &mut Vec<Effect>,
    ) {
        match std::mem::replace(&mut self.state, State::Connecting) {
            State::Connecting => {
                out.push(Effect::Emit(Happened::Error(cause.clone())));
                self.after_loss(Over::dial(cause), policy, now, random, out);
            }
            State::Open { since, rotation } => {
                out.push(Effect::Emit(Happened::Error(cause.clone())));
                let closing = Closing {
                    report: ClosedReport::unanswered(&cause),
                    stable: is_stable(policy, since, now),
                    then: Self::then(rotation, cause),
                    stage: Stage::Goodbye,
                    deadline: now,
                };
                self.finish(closing, policy, now, random, out);
            }
            State::Closing(mut closing) => {
                if closing.stage != Stage::Goodbye {
                    closing.report.clean = false;
                }
                self.finish(*closing, policy, now, random, out);
            }
            state @ (State::Idle
            | State::Backoff { .. }
            | State::Adopting { .. }
            | State::Closed
            | State::Failed) => {
                self.state = state;
                out.push(Effect::Emit(Happened::Error(cause)));
                self.end_incarnation(out);
            }
        }
    }

    /// A rule of the name declares the loss final. No effect unless a retry waits.
    pub fn give_up(&mut self, cause: Cause, rule: Rule, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Backoff { .. }) {
            self.fail(cause, rule, out);
        }
    }

    fn fail(&mut self, cause: Cause, rule: Rule, out: &mut Vec<Effect>) {
        self.state = State::Failed;
        out.push(Effect::SetAccepting(false));
        out.push(Effect::Cancel);
        out.push(Effect::Emit(Happened::Failed { cause, rule }));
    }

    pub(super) fn finish(
        &mut self,
        closing: Closing,
        policy: Policy<'_>,
        now: Instant,
        random: u64,
        out: &mut Vec<Effect>,
    ) {
        let ended = Effect::Emit(Happened::Closed(closing.report.clone()));
        match closing.then {
            Then::Adopt { since } => self.hand_over(since, closing.report, closing.stable, out),
            Then::Replace => {
                out.push(ended);
                self.dial_in_place(closing.stable, out);
            }
            Then::Closed => {
                out.push(ended);
                self.state = State::Closed;
                self.begin_anew();
                out.push(Effect::Cancel);
                self.end_incarnation(out);
            }
            Then::Idle => {
                out.push(ended);
                self.state = State::Idle;
                self.begin_anew();
                out.push(Effect::Cancel);
                self.end_incarnation(out);
            }
            Then::Connect => {
                out.push(ended);
                self.state = State::Connecting;
                self.begin_anew();
                self.end_incarnation(out);
            }
            Then::Lost(cause) => {
                out.push(ended);
                let over = Over {
                    close: closing.report.code_of_the_peer(&cause),
                    was_stable: closing.stable,
                    cause,
                };
                self.after_loss(over, policy, now, random, out);
            }
        }
    }

    /// The only place that decides between another attempt and giving up.
    fn after_loss(
        &mut self,
        over: Over,
        policy: Policy<'_>,
        now: Instant,
        random: u64,
        out: &mut Vec<Effect>,
    ) {
        let Over {
            cause,
            close,
            was_stable,
        } = over;
        self.replaces = false;
        if was_stable {
            self.attempt = 0;
            self.endpoints.was_stable();
        } else {
            self.endpoints.failed();
        }
        let attempt = self.endpoints.attempt(self.attempt);
        let loss = Loss {
            cause: &cause,
            close,
            failures: self.endpoints.rounds(),
            attempt,
        };
        match (verdict(loss, policy.reconnect), policy.reconnect) {
            (Verdict::Retry { delay_kind, rule }, Reconnect::Backoff(backoff)) => {
                // One number is enough for both delays, since they are for different servers.
                let own = backoff::wait(backoff, delay_kind, attempt, random);
                let another = backoff::before_another_url(backoff, random);
                let keeps_its_turn = was_stable || delay_kind == DelayKind::AtOnce;
                let next = self.endpoints.choose(own, another, keeps_its_turn, now);
                let rule = match next.is_another {
                    true => Rule::NextUrl(Box::new(rule)),
                    false => rule,
                };
                let delay = next.delay;
                self.attempt = self.attempt.saturating_add(1);
                self.state = State::Backoff {
                    until: later(now, delay),
                };
                out.push(Effect::Emit(Happened::Retrying { delay, cause, rule }));
            }
            (Verdict::Retry { rule, .. } | Verdict::GiveUp(rule), _) => {
                self.fail(cause, rule, out);
            }
        }
        self.end_incarnation(out);
    }
}
