//! What the peer knows of all sockets of a life, and where each stands.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::adds_up;

/// What the peer knows of all sockets.
#[derive(Debug, Default)]
pub(super) struct Talks {
    pub sockets: Vec<Standing>,
    pub sessions: BTreeSet<String>,
    /// The last number of a question or a mark.
    pub last: u64,
    pub said: Said,
    /// A loss has taken the session: it must not be resumed. Known only where one socket follows the other.
    pub forgotten: bool,
    /// The name has captured a session, in this process.
    pub has_session: bool,
    /// The peer has told the name to forget its session, at some time.
    pub was_refused: bool,
    /// On which socket each mark was told.
    pub told_on: BTreeMap<u64, usize>,
    /// What answers have shown of marks that were told on another socket.
    pub borrowed: BTreeSet<usize>,
    /// The requests that have arrived, in order.
    pub requests: Vec<u64>,
    /// The last number of the broadcast that any process was told.
    pub told: u64,
    /// In which process each session was begun, and which one it is now.
    pub begun_in: BTreeMap<String, u64>,
    pub process: u64,
}

/// What was said in one life, or in many.
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
    /// Answers with a value that another socket has left.
    pub inherited: u64,
    pub ticks: u64,
    pub farewells: u64,
    /// Sessions that an earlier process has begun, resumed.
    pub kept: u64,
}

/// Where one socket stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The client may take its script for passed: what is still to come of it, it may have written already.
    pub has_passed: bool,
    /// Questions that are not answered.
    pub unanswered: usize,
    /// It was asked for many answers at once, after the trouble.
    pub has_flooded: bool,
    pub is_gone: bool,
    /// The last number of the broadcast that was heard before it opened, where one socket follows the other.
    pub heard_before: u64,
    /// A loss before it opened has taken the session.
    pub must_forget: bool,
    /// It was dialled when the name had a session.
    pub must_resume: bool,
    /// It serves, or has served.
    pub has_served: bool,
    /// No earlier mark than this can the name have had captured when it began to serve, as far as answers have shown.
    pub inherits: Option<u64>,
    /// The first mark that was told on it.
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
    /// Another socket.
    pub fn open(&mut self) -> usize {
        self.sockets.push(Standing {
            must_resume: self.has_session,
            ..Standing::default()
        });
        self.sockets.len() - 1
    }

    /// This socket serves from now on. The one that has served before it, if there was one, has left its captures.
    pub fn serves(&mut self, socket: usize, before: Option<usize>) {
        let before = before.and_then(|before| self.sockets.get(before));
        let inherits = before.and_then(Standing::leaves);
        let standing = &mut self.sockets[socket];
        standing.has_served = true;
        standing.inherits = inherits;
    }

    /// This socket opens, and none is beside it: so much was heard before. What it says may come late, when others have opened.
    pub fn opens_one_by_one(&mut self, socket: usize, heard: u64) {
        let must_forget = self.forgotten;
        let standing = &mut self.sockets[socket];
        (standing.heard_before, standing.must_forget) = (heard, must_forget);
    }

    /// What a name has captured on a socket that has never served is nowhere else. Known only where no process has ended before
    /// it told what serves.
    pub fn expect_no_leak(&self) {
        for socket in &self.borrowed {
            assert!(
                self.sockets[*socket].has_served,
                "a mark of socket {socket}, which has never served, is known on another one"
            );
        }
    }

    /// Whether nothing that was asked on this socket waits for its answer.
    pub fn is_answered(&self, socket: usize) -> bool {
        let standing = self.sockets.get(socket);
        let is_well = |it: &Standing| it.is_gone || (it.has_flooded && it.unanswered == 0);
        standing.is_none_or(is_well)
    }
}

impl Standing {
    /// No earlier mark than this is captured when it ends. One that was told on it counts, once it has come.
    fn leaves(&self) -> Option<u64> {
        let first = self
            .told
            .map_or(self.inherits, |told| self.inherits.min(Some(told)));
        self.shown.or(first)
    }
}
