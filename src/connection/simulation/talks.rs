//! The peer's record of all sockets of a life, with the state of each.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::adds_up;

/// The peer's record of all sockets.
#[derive(Debug, Default)]
pub(super) struct Talks {
    pub sockets: Vec<Standing>,
    pub sessions: BTreeSet<String>,
    /// The last number of a question or a mark.
    pub last: u64,
    pub said: Said,
    /// A loss has ended the session: it must not be resumed. Known only if each socket follows a
    /// loss.
    pub forgotten: bool,
    /// The name has captured a session in this process.
    pub has_session: bool,
    /// The peer has told the name to forget its session.
    pub was_refused: bool,
    /// The socket on which each mark was sent.
    pub told_on: BTreeMap<u64, usize>,
    /// Marks of other sockets that answers have shown.
    pub borrowed: BTreeSet<usize>,
    /// The requests that have arrived, in order.
    pub requests: Vec<u64>,
    /// The last number of the broadcast that any process published.
    pub told: u64,
    /// The process in which each session began, and the current process.
    pub begun_in: BTreeMap<String, u64>,
    pub process: u64,
}

/// Counters of dialogues in one life or in many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub logins: u64,
    pub refused: u64,
    pub again: u64,
    pub resumed: u64,
    pub identified: u64,
    pub answers: u64,
    pub floods: u64,
    pub warnings: u64,
    pub passed: u64,
    /// Answers with a value from another socket.
    pub inherited: u64,
    pub ticks: u64,
    pub farewells: u64,
    /// Resumed sessions that an earlier process had begun.
    pub kept: u64,
}

/// The state of one socket.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The client may have finished its script: it may have written the remaining messages already.
    pub has_passed: bool,
    /// The number of open questions.
    pub unanswered: usize,
    /// It was sent a flood of questions, after the trouble.
    pub has_flooded: bool,
    pub is_gone: bool,
    /// The last number of the broadcast received before this socket opened, if each socket follows
    /// a loss.
    pub heard_before: u64,
    /// A loss before it opened has ended the session.
    pub must_forget: bool,
    /// The name had a session when it was dialled.
    pub must_resume: bool,
    /// It serves or has served.
    pub has_served: bool,
    /// The earliest mark that the name can have captured when this socket began to serve, as far as
    /// answers show.
    pub inherits: Option<u64>,
    /// The first mark that was sent on it.
    pub told: Option<u64>,
    /// The last of those that an answer has shown.
    pub shown: Option<u64>,
}

adds_up! {
    Said:
    logins,
    refused,
    again,
    resumed,
    identified,
    answers,
    floods,
    warnings,
    passed,
    inherited,
    ticks,
    farewells,
    kept,
}

impl Talks {
    /// Adds a socket.
    pub fn open(&mut self) -> usize {
        self.sockets.push(Standing {
            must_resume: self.has_session,
            ..Standing::default()
        });
        self.sockets.len() - 1
    }

    /// From now on this socket serves. The one before it, if there was one, has left its captures.
    pub fn serves(&mut self, socket: usize, before: Option<usize>) {
        let before = before.and_then(|before| self.sockets.get(before));
        let inherits = before.and_then(Standing::leaves);
        let standing = &mut self.sockets[socket];
        standing.has_served = true;
        standing.inherits = inherits;
    }

    /// This socket opens alone, after broadcasts up to `heard`. Its messages may arrive late, after
    /// others have opened.
    pub fn opens_one_by_one(&mut self, socket: usize, heard: u64) {
        let must_forget = self.forgotten;
        let standing = &mut self.sockets[socket];
        (standing.heard_before, standing.must_forget) = (heard, must_forget);
    }

    /// Asserts that captures of a socket that never served are nowhere else. Known only if no
    /// process has ended before it published which socket serves.
    pub fn expect_no_leak(&self) {
        for socket in &self.borrowed {
            assert!(
                self.sockets[*socket].has_served,
                "a mark of socket {socket}, which has never served, is known on another one"
            );
        }
    }

    /// Whether all questions on this socket are answered.
    pub fn is_answered(&self, socket: usize) -> bool {
        let standing = self.sockets.get(socket);
        let is_well = |it: &Standing| it.is_gone || (it.has_flooded && it.unanswered == 0);
        standing.is_none_or(is_well)
    }
}

impl Standing {
    /// The earliest mark that is captured when this socket ends. A mark that was sent on it counts
    /// once it has arrived.
    fn leaves(&self) -> Option<u64> {
        let first = self
            .told
            .map_or(self.inherits, |told| self.inherits.min(Some(told)));
        self.shown.or(first)
    }
}
