//! The life of a name: when it dials, when it waits, when it closes, when it gives up.

mod closing;
mod loss;
mod rotation;
mod state;

use std::time::{Duration, Instant};

pub use self::state::{
    CloseBy, ClosedReport, Effect, Happened, Policy, Rotation, SentClose, State,
};
use self::state::{Closing, Stage, Then};
use super::{Cause, DelayKind, Endpoints, Loss, Rule, Verdict, backoff, later, verdict};
use crate::{settings::Reconnect, wire::CloseFrame};

/// How long a socket may linger after both close frames, until the peer ends the TCP connection (RFC 6455 §7.1.1).
const LINGER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Incarnation {
    /// Nothing was dialled in it.
    Fresh,
    /// It has its dial or its socket.
    Used,
    /// A restart is due.
    Ending,
}

/// The state machine of one name.
///
/// Each input appends effects to `out`, to be applied in order.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    state: State,
    incarnation: Incarnation,
    /// Whether the dial replaces a socket that was closed for it, and is not a retry.
    replaces: bool,
    incarnations: u32,
    /// Retries since the last stable socket: for a single URL the exponent of its backoff.
    attempt: u32,
    /// The URLs, with their counts.
    endpoints: Endpoints,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            state: State::Idle,
            incarnation: Incarnation::Ending,
            replaces: false,
            incarnations: 0,
            attempt: 0,
            endpoints: Endpoints::new(1),
        }
    }
}

impl Lifecycle {
    /// The state of the name.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The current incarnation, from 1.
    pub fn incarnation(&self) -> u32 {
        self.incarnations
    }

    /// The retries since the last stable socket.
    pub fn attempt(&self, policy: Policy<'_>, now: Instant) -> u32 {
        match self.state {
            State::Open { since, .. } if is_stable(policy, since, now) => 0,
            _ => self.attempt,
        }
    }

    /// The number of the current dial.
    pub fn dials(&self) -> u32 {
        self.attempt
    }

    /// The URLs.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The name now has `count` URLs without failures.
    pub fn set_endpoints(&mut self, count: usize) {
        self.endpoints = Endpoints::new(count);
    }

    /// The waiting dial's URL is no longer the next one, so its delay does not apply to the new
    /// one.
    pub fn hurry(&mut self, policy: Policy<'_>, now: Instant, random: u64) {
        if let (State::Backoff { until }, Reconnect::Backoff(backoff)) =
            (&mut self.state, policy.reconnect)
        {
            *until = (*until).min(later(now, backoff::before_another_url(backoff, random)));
        }
    }

    /// Whether the outbox is being flushed before a close.
    pub fn is_flushing(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.stage == Stage::Flushing)
    }

    /// Whether application messages may be written.
    pub fn may_write(&self) -> bool {
        matches!(self.state, State::Open { .. }) || self.is_flushing()
    }

    /// Whether incoming frames still count: until the peer's close frame or our own verdict.
    pub fn may_read(&self) -> bool {
        match &self.state {
            State::Open { .. } => true,
            State::Closing(closing) => closing.stage != Stage::Goodbye,
            _ => false,
        }
    }

    /// Whether both sides have sent everything, and only the end of the TCP connection is awaited.
    pub fn is_goodbye(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.stage == Stage::Goodbye)
    }

    /// Whether there is a dial or a socket.
    pub fn holds_a_link(&self) -> bool {
        matches!(
            self.state,
            State::Connecting | State::Open { .. } | State::Closing(_)
        )
    }

    /// Whether the name is closed by hand, and nothing is under way.
    pub fn is_down(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether the closing socket is the last one, after which the name is idle.
    pub fn goes_idle(&self) -> bool {
        matches!(&self.state, State::Closing(closing) if closing.then == Then::Idle)
    }

    /// Why the closing socket was lost; `None` if it was closed by hand, or is being replaced.
    pub fn loss(&self) -> Option<&Cause> {
        match &self.state {
            State::Closing(closing) => match &closing.then {
                Then::Lost(cause) => Some(cause),
                Then::Closed | Then::Idle | Then::Connect | Then::Replace | Then::Adopt { .. } => {
                    None
                }
            },
            _ => None,
        }
    }

    /// When [`timer`](Self::timer) must be called.
    pub fn deadline(&self, policy: Policy<'_>) -> Option<Instant> {
        match &self.state {
            State::Backoff { until } => Some(*until),
            State::Closing(closing) => Some(closing.deadline),
            State::Open { since, rotation } => Self::rotation_deadline(policy, *since, *rotation),
            State::Idle
            | State::Connecting
            | State::Adopting { .. }
            | State::Closed
            | State::Failed => None,
        }
    }

    /// When the peer's answer to our close frame is late.
    pub fn close_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Closing(closing) if closing.stage == Stage::Handshake => Some(closing.deadline),
            _ => None,
        }
    }

    /// The peer's answer to our close frame is not late before `until`: it could not come earlier.
    pub fn postpone_close(&mut self, until: Instant) {
        if let State::Closing(closing) = &mut self.state
            && closing.stage == Stage::Handshake
        {
            closing.deadline = closing.deadline.max(until);
        }
    }

    /// A new incarnation has started.
    pub fn started(&mut self, out: &mut Vec<Effect>) {
        self.incarnation = Incarnation::Fresh;
        self.incarnations = self.incarnations.wrapping_add(1);
        match self.state {
            State::Connecting => self.dial(out),
            // The socket ended with the last incarnation, without a verdict: there is nothing left
            // to wait for.
            State::Open { .. } | State::Closing(_) => {
                self.state = State::Connecting;
                self.dial(out);
            }
            State::Adopting { since } => self.adopt(since),
            State::Idle | State::Backoff { .. } | State::Closed | State::Failed => {}
        }
    }

    /// The name should be up: dials now, unless it is up or dialling.
    pub fn connect(&mut self, out: &mut Vec<Effect>) {
        match &mut self.state {
            State::Idle | State::Closed | State::Failed => {
                self.begin_anew();
                out.push(Effect::SetAccepting(true));
                self.dial(out);
            }
            State::Backoff { .. } => self.dial(out),
            State::Closing(closing) if matches!(closing.then, Then::Closed | Then::Idle) => {
                closing.then = Then::Connect;
                out.push(Effect::SetAccepting(true));
            }
            State::Connecting | State::Open { .. } | State::Closing(_) | State::Adopting { .. } => {
            }
        }
    }

    fn dial(&mut self, out: &mut Vec<Effect>) {
        self.state = State::Connecting;
        if self.incarnation == Incarnation::Fresh {
            self.incarnation = Incarnation::Used;
            out.push(Effect::Emit(Happened::Connecting {
                attempt: self.attempt,
            }));
            out.push(Effect::Dial);
        }
    }

    /// Settings of the dial have changed: a dial is restarted, a socket gets a successor. `true` if
    /// there was one of them.
    pub fn replace(&mut self, out: &mut Vec<Effect>) -> bool {
        if self.state == State::Connecting {
            self.end_incarnation(out);
            return true;
        }
        self.is_replacing() || self.rotate_anew(out)
    }

    /// The dial succeeded.
    pub fn opened(&mut self, now: Instant) {
        if self.state == State::Connecting && self.incarnation == Incarnation::Used {
            self.endpoints.opened();
            self.replaces = false;
            self.state = State::Open {
                since: now,
                rotation: Rotation::None,
            };
        }
    }

    /// The time of [`deadline`](Self::deadline) may have come.
    pub fn timer(&mut self, policy: Policy<'_>, now: Instant, random: u64, out: &mut Vec<Effect>) {
        if self.deadline(policy).is_none_or(|deadline| now < deadline) {
            return;
        }
        if matches!(self.state, State::Open { .. }) {
            self.rotate(out);
        } else if self.is_flushing() {
            out.push(Effect::Cancel);
            self.send_close(policy, now, out);
        } else if self.is_saying_close_script() {
            self.send_close(policy, now, out);
        } else if let State::Closing(closing) = &self.state {
            self.finish((**closing).clone(), policy, now, random, out);
        } else {
            self.dial(out);
        }
    }

    /// Resets the counts of the earlier life.
    fn begin_anew(&mut self) {
        self.attempt = 0;
        self.replaces = false;
        self.endpoints.reset();
    }

    fn end_incarnation(&mut self, out: &mut Vec<Effect>) {
        if self.incarnation != Incarnation::Ending {
            self.incarnation = Incarnation::Ending;
            out.push(Effect::Restart);
        }
    }
}

fn is_stable(policy: Policy<'_>, since: Instant, now: Instant) -> bool {
    match policy.reconnect {
        Reconnect::Never => false,
        Reconnect::Backoff(backoff) => now.saturating_duration_since(since) >= backoff.stable_after,
    }
}

#[cfg(test)]
mod tests;
