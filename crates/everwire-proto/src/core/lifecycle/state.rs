//! The states of a name, its events, and its effects.

use std::time::{Duration, Instant};

use crate::{
    core::{Cause, Rule},
    settings::Reconnect,
    wire::{CloseFrame, code},
};

/// The state of a name. Each variant's comment lists its exits.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not asked to connect yet, or without a socket of its own. → `Connecting` by `connect`;
    /// `Closed` by hand.
    Idle,
    /// A dial is wanted or under way. → `Open`; `Backoff` or `Failed` by a failure; `Closed` by hand; `Idle` by `rest`.
    Connecting,
    /// The socket is in use. → `Closing` by hand, by the peer, by a violation, by a ready
    /// successor; `Backoff` or `Failed` by a loss.
    Open {
        /// Since when.
        since: Instant,
        /// Whether another socket will replace it.
        rotation: Rotation,
    },
    /// The socket is closing. → `Closed`, `Idle`, `Connecting`, `Adopting`, `Backoff` or `Failed`,
    /// as `then` says.
    Closing(Box<Closing>),
    /// The old socket has ended, and the next incarnation takes over its successor. → `Open`;
    /// `Closed` by hand.
    Adopting {
        /// Since when the successor is ready.
        since: Instant,
    },
    /// Waiting for the next dial. → `Connecting` by time or by `connect`; `Closed` by hand.
    Backoff {
        /// When the dial is due.
        until: Instant,
    },
    /// Closed by hand. → `Connecting` by `connect`.
    Closed,
    /// Gave up. → `Connecting` by `connect`; `Closed` by hand.
    Failed,
}

/// A closing socket.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    pub(super) then: Then,
    pub(super) stage: Stage,
    pub(super) deadline: Instant,
    pub(super) report: ClosedReport,
    pub(super) stable: bool,
}

/// Whether the current socket is being replaced by another one, which is made ready beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// No. → `Underway` when asked.
    None,
    /// The successor is being dialled, or sends its opening messages. → `Postponed` when it fails;
    /// the socket closes when it is ready.
    Underway {
        /// How many successors have failed before.
        attempt: u32,
        /// Since when it is up: it takes over if the old socket ends by itself.
        up: Option<Instant>,
    },
    /// The last successor failed. → `Underway` by time.
    Postponed {
        /// How many have failed.
        attempt: u32,
        /// When the next one is due.
        until: Instant,
    },
}

impl Closing {
    /// The peer's close frame came after ours was sent: it answers ours, or has crossed it. It is
    /// the first one that was received, and defines how the socket ended (RFC 6455 §7.1.5).
    pub(super) fn answered(&mut self, frame: &CloseFrame) {
        let report = &mut self.report;
        let is_echo = frame.code == Some(report.code);
        // Many servers answer without a code, or with 1000. A peer that closes by itself gives a
        // reason.
        let is_answer = is_echo || matches!(frame.code, None | Some(code::NORMAL));
        if !is_answer {
            report.by = CloseBy::Peer;
        }
        // A peer that closes by itself may have left something unsent that a successor did not
        // receive: that matters if there is a successor.
        report.clean = is_answer || !matches!(self.then, Then::Adopt { .. });
        report.code = frame.code.unwrap_or(code::NO_STATUS);
        // An echo need not repeat the reason.
        if !is_echo || !frame.reason.is_empty() {
            report.reason = frame.reason.to_string();
        }
    }
}

/// What follows a close.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Then {
    Closed,
    Idle,
    Connect,
    /// Another socket is dialled in its place: the server allows one at a time.
    Replace,
    Adopt {
        since: Instant,
    },
    Lost(Cause),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The outbox is flushed first.
    Flushing,
    /// The close script runs, and nothing else is sent. Left when it is over, or by time.
    CloseScript,
    /// Our close frame was sent, the peer's has not come.
    Handshake,
    /// Both sides have sent everything; the peer ends the TCP connection.
    Goodbye,
}

/// Who began a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseBy {
    /// This side.
    Us,
    /// The other side.
    Peer,
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ClosedReport {
    /// The close code of the first close frame that was received (RFC 6455 §7.1.5), or ours if none
    /// answered it; 1005 for a close frame without one, 1006 if there was no close frame (§7.4.1).
    pub code: u16,
    /// The reason that came with it.
    pub reason: String,
    /// Whether close frames went both ways.
    pub clean: bool,
    /// Who began. It is the peer if its close frame has crossed ours, and gives a reason of its
    /// own.
    pub by: CloseBy,
    /// The close frame that we sent first or as an answer; `None` if there was none.
    pub sent: Option<SentClose>,
}

/// A close frame of ours.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SentClose {
    /// Its code; 1005 for a frame without one.
    pub code: u16,
    /// Its reason.
    pub reason: String,
}

impl From<&CloseFrame> for SentClose {
    fn from(frame: &CloseFrame) -> Self {
        Self {
            code: frame.code.unwrap_or(code::NO_STATUS),
            reason: frame.reason.to_string(),
        }
    }
}

/// An event of the core.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A dial begins.
    Connecting {
        /// The failed attempts before it.
        attempt: u32,
    },
    /// A socket ended, or a name was closed by hand.
    Closed(ClosedReport),
    /// Something went wrong.
    Error(Cause),
    /// The next dial is set.
    Retrying {
        /// The time until then.
        delay: Duration,
        /// Why it is needed.
        cause: Cause,
        /// The rule that decided.
        rule: Rule,
    },
    /// No further attempt is made.
    Failed {
        /// The last cause.
        cause: Cause,
        /// The rule that decided.
        rule: Rule,
    },
    /// The socket in use has ended, and its successor replaces it.
    Rotated {
        /// How the old one ended.
        report: ClosedReport,
    },
}

/// What the actor has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Dial. At most one per incarnation.
    Dial,
    /// Dial a successor of the current socket.
    DialSuccessor,
    /// End this incarnation with its socket, dial and timers. Nothing follows in the same turn.
    Restart,
    /// Accept new messages from now on, or reject them.
    SetAccepting(bool),
    /// Cancel all waiting messages.
    Cancel,
    /// Run the close script, then call [`close_script_over`](super::Lifecycle::close_script_over).
    CloseScript,
    /// Send this close frame after the encoded bytes.
    SendClose(CloseFrame),
    /// Publish an event.
    Emit(Happened),
}

/// The settings that the lifecycle depends on.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// What happens after a loss.
    pub reconnect: &'a Reconnect,
    /// The time limit for flushing and the close script, and again for the closing handshake.
    pub close_timeout: Duration,
    /// The age at which a socket is replaced.
    pub rotate_after: Option<Duration>,
}

impl ClosedReport {
    /// The report for a close frame that is not answered yet.
    pub(super) fn of(frame: &CloseFrame, clean: bool, by: CloseBy) -> Self {
        Self {
            code: frame.code.unwrap_or(code::NO_STATUS),
            reason: frame.reason.to_string(),
            clean,
            by,
            sent: None,
        }
    }

    /// Adds the close frame that we sent.
    pub(super) fn sent(self, frame: &CloseFrame) -> Self {
        Self {
            sent: Some(frame.into()),
            ..self
        }
    }

    /// The code that a rule for close codes is compared with; `None` if we have failed the socket.
    pub(super) fn code_of_the_peer(&self, cause: &Cause) -> Option<u16> {
        match cause {
            Cause::Closed(frame) => Some(frame.code.unwrap_or(code::NO_STATUS)),
            _ => (self.code == code::ABNORMAL).then_some(code::ABNORMAL),
        }
    }

    /// The report for a socket that ended without a closing handshake.
    pub(super) fn unanswered(cause: &Cause) -> Self {
        let abnormal = |by| Self {
            code: code::ABNORMAL,
            reason: String::new(),
            clean: false,
            by,
            sent: None,
        };
        match cause {
            Cause::Closed(frame) => Self::of(frame, false, CloseBy::Peer),
            Cause::Eof | Cause::Reset(_) => abnormal(CloseBy::Peer),
            _ => abnormal(CloseBy::Us),
        }
    }
}
