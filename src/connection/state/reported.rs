//! The reported state of a name, with its time and cause.

use jiff::Timestamp;

use crate::{
    connection::{State, StateCause, StateReason},
    core::{Cause, Rule},
    events::TlsReport,
};

/// The reported state of a name. Rare parts are boxed: an actor's memory comes in steps of 128
/// bytes.
pub(in crate::connection) struct Reported {
    state: State,
    since: Timestamp,
    /// The cause of the state. Changes with it.
    cause: Option<Box<StateCause>>,
    /// When the next dial is due.
    pub retry_at: Option<Box<Timestamp>>,
    /// Whether the opening messages are out.
    pub ready: bool,
    /// Whether there was a loss, and no dial since.
    lost: bool,
    /// Losses that were followed by a dial.
    reconnects: u64,
    /// Of the current socket.
    pub upgrade: Option<Box<Upgrade>>,
}

/// The upgrade result of the current socket, unless empty.
pub(in crate::connection) struct Upgrade {
    pub subprotocol: Option<String>,
    pub tls: Option<TlsReport>,
}

impl Reported {
    /// For a name whose actor has not started yet; `is_open`: it was not closed by hand.
    pub fn new(is_open: bool) -> Self {
        Self {
            state: if is_open { State::Idle } else { State::Closed },
            since: Timestamp::now(),
            cause: (!is_open).then(|| Box::new(StateCause::closed_by_hand())),
            retry_at: None,
            ready: false,
            lost: false,
            reconnects: 0,
            upgrade: None,
        }
    }

    /// An incarnation begins, without a socket.
    pub fn begin(&mut self) {
        self.ready = false;
        self.upgrade = None;
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Why.
    pub fn cause(&self) -> Option<&StateCause> {
        self.cause.as_deref()
    }

    /// The losses that were followed by a dial.
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Enters a state, whose cause was set before.
    pub fn enter(&mut self, state: State, at: Timestamp) {
        if state != self.state {
            (self.state, self.since) = (state, at);
        }
        if state != State::Backoff {
            self.retry_at = None;
        }
        if !matches!(state, State::Open | State::Closing) {
            self.ready = false;
        }
    }

    /// A loss was judged; its verdict is the cause of what follows.
    pub fn judged(&mut self, cause: &Cause, rule: &Rule, at: Timestamp) {
        self.lost = true;
        self.because(StateReason::Loss(cause.clone()), Some(rule.clone()), at);
    }

    /// Sets a cause, unless it is the present one.
    pub fn because(&mut self, reason: StateReason, rule: Option<Rule>, at: Timestamp) {
        let known = self.cause.as_deref();
        if rule.is_some() || known.is_none_or(|known| known.reason != reason) {
            self.cause = Some(Box::new(StateCause { reason, rule, at }));
        }
    }

    /// The state needs no cause.
    pub fn needs_no_reason(&mut self) {
        self.cause = None;
    }

    /// A dial follows the last judged loss; a close by hand is over.
    pub fn keep_verdict(&mut self) {
        self.cause = self.cause.take().filter(|cause| cause.rule.is_some());
    }

    /// The name was closed without a loss, so no dial follows one.
    pub fn forget_loss(&mut self) {
        self.lost = false;
    }

    /// A dial begins: counts it if it follows a loss, and returns the kind of that loss.
    pub fn count_reconnect(&mut self) -> Option<&'static str> {
        if !std::mem::take(&mut self.lost) {
            return None;
        }
        self.reconnects += 1;
        self.cause().map(|cause| cause.reason.kind())
    }
}
