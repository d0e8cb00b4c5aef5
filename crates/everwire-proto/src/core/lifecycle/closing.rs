//! Closing a socket: by hand, by the peer, or because the peer broke the protocol.

use std::time::Instant;

use super::{
    Cause, CloseBy, ClosedReport, Closing, Effect, Happened, LINGER, Lifecycle, Policy, Stage,
    State, Then, is_stable,
};
use crate::{core::later, wire::CloseFrame};

impl Lifecycle {
    /// Closed by hand: overrides everything that is under way.
    pub fn close(
        &mut self,
        frame: CloseFrame,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        out.push(Effect::SetAccepting(false));
        match &mut self.state {
            State::Open { since, .. } => {
                let stable = is_stable(policy, *since, now);
                self.state = State::Closing(Box::new(Closing {
                    then: Then::Closed,
                    stage: Stage::Flushing,
                    deadline: later(now, policy.close_timeout),
                    report: ClosedReport::of(&frame, false, CloseBy::Us),
                    stable,
                }));
            }
            State::Closing(closing) => closing.then = Then::Closed,
            State::Idle
            | State::Connecting
            | State::Backoff { .. }
            | State::Adopting { .. }
            | State::Failed => {
                self.state = State::Closed;
                out.push(Effect::Cancel);
                out.push(Effect::Emit(Happened::Closed(ClosedReport::of(
                    &frame,
                    true,
                    CloseBy::Us,
                ))));
                self.end_incarnation(out);
            }
            State::Closed => {}
        }
    }

    /// The name must have no socket: an open one is closed as by hand, and waiting messages are
    /// cancelled, but the name is then idle. A name that was closed by hand stays closed.
    pub fn rest(
        &mut self,
        frame: CloseFrame,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        match &mut self.state {
            State::Open { .. } => {
                self.close(frame, policy, now, out);
                self.reopen(out);
            }
            State::Closing(closing) if closing.then != Then::Closed => closing.then = Then::Idle,
            State::Connecting | State::Backoff { .. } | State::Adopting { .. } | State::Failed => {
                self.state = State::Idle;
                self.begin_anew();
                out.push(Effect::SetAccepting(true));
                out.push(Effect::Cancel);
                self.end_incarnation(out);
            }
            State::Idle | State::Closing(_) | State::Closed => {}
        }
    }

    /// A name without a socket that was closed by hand is wanted again.
    pub fn reopen(&mut self, out: &mut Vec<Effect>) {
        match &mut self.state {
            State::Closed | State::Failed => {
                self.begin_anew();
                self.state = State::Idle;
                out.push(Effect::SetAccepting(true));
            }
            State::Closing(closing) if closing.then == Then::Closed => {
                closing.then = Then::Idle;
                out.push(Effect::SetAccepting(true));
            }
            State::Idle
            | State::Connecting
            | State::Open { .. }
            | State::Closing(_)
            | State::Adopting { .. }
            | State::Backoff { .. } => {}
        }
    }

    /// All messages accepted before a close were handed to the kernel. `close_script`: whether
    /// there is one, which must finish within the same time.
    pub fn flushed(
        &mut self,
        close_script: bool,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        if !self.is_flushing() {
            return;
        }
        if close_script && let State::Closing(closing) = &mut self.state {
            closing.stage = Stage::CloseScript;
            out.push(Effect::CloseScript);
            return;
        }
        self.send_close(policy, now, out);
    }

    /// The close script is over, whether it has passed or not.
    pub fn close_script_over(&mut self, policy: Policy<'_>, now: Instant, out: &mut Vec<Effect>) {
        if self.is_saying_close_script() {
            self.send_close(policy, now, out);
        }
    }

    /// Whether the close script is running.
    pub fn is_saying_close_script(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.stage == Stage::CloseScript)
    }

    /// Everything was sent: our close frame goes out.
    pub(super) fn send_close(&mut self, policy: Policy<'_>, now: Instant, out: &mut Vec<Effect>) {
        if let State::Closing(closing) = &mut self.state {
            closing.stage = Stage::Handshake;
            closing.deadline = later(now, policy.close_timeout);
            let frame = CloseFrame::new(closing.report.code, closing.report.reason.as_str());
            closing.report.sent = Some((&frame).into());
            out.push(Effect::SendClose(frame));
        }
    }

    /// The peer's close frame came.
    pub fn peer_closed(
        &mut self,
        frame: CloseFrame,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        let deadline = later(now, policy.close_timeout.min(LINGER));
        let reply = CloseFrame {
            code: frame.code,
            reason: Default::default(),
        };
        match &mut self.state {
            State::Open { since, rotation } => {
                self.state = State::Closing(Box::new(Closing {
                    stable: is_stable(policy, *since, now),
                    then: Self::then(*rotation, Cause::Closed(frame.clone())),
                    stage: Stage::Goodbye,
                    deadline,
                    report: ClosedReport::of(&frame, true, CloseBy::Peer).sent(&reply),
                }));
                out.push(Effect::SendClose(reply));
            }
            State::Closing(closing) => {
                match closing.stage {
                    Stage::Flushing | Stage::CloseScript => {
                        closing.report = ClosedReport::of(&frame, true, CloseBy::Peer).sent(&reply);
                        out.push(Effect::SendClose(reply));
                    }
                    Stage::Handshake => closing.answered(&frame),
                    Stage::Goodbye => return,
                }
                closing.stage = Stage::Goodbye;
                closing.deadline = deadline;
                if closing.then == Then::Replace {
                    // The server's session is over, so from now on the name is without a socket.
                    let (report, stable) = (closing.report.clone(), closing.stable);
                    out.push(Effect::Emit(Happened::Closed(report)));
                    self.dial_in_place(stable, out);
                }
            }
            State::Idle
            | State::Connecting
            | State::Backoff { .. }
            | State::Adopting { .. }
            | State::Closed
            | State::Failed => {}
        }
    }

    /// The peer broke the protocol or a limit: closes with `code`.
    pub fn violated(
        &mut self,
        cause: Cause,
        code: u16,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        let frame = CloseFrame {
            code: Some(code),
            reason: cause.close_reason().as_ref().into(),
        };
        let (then, stable, sent) = match &self.state {
            State::Open { since, rotation } => (
                Self::then(*rotation, cause.clone()),
                is_stable(policy, *since, now),
                None,
            ),
            State::Closing(closing) if closing.stage != Stage::Goodbye => (
                closing.then.clone(),
                closing.stable,
                closing.report.sent.clone(),
            ),
            _ => return,
        };
        out.push(Effect::Emit(Happened::Error(cause)));
        let mut report = ClosedReport::of(&frame, false, CloseBy::Us);
        report.sent = sent.or_else(|| {
            out.push(Effect::SendClose(frame.clone()));
            Some((&frame).into())
        });
        self.state = State::Closing(Box::new(Closing {
            then,
            stage: Stage::Goodbye,
            deadline: later(now, policy.close_timeout.min(LINGER)),
            report,
            stable,
        }));
    }
}
