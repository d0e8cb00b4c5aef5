//! Counters of subscriptions over many lives.

use crate::connection::simulation::counts::{adds_up, expect_more_than};

/// Counters of subscriptions in one life or in many.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::connection::simulation) struct KeyTally {
    /// Holds and releases of callers, and those refused by the limit.
    pub held: u64,
    pub released: u64,
    pub too_many: u64,
    pub retried: u64,
    /// Holds while the name was closing.
    pub held_at_close: u64,
    /// Keys requested from the peer, and those requested again without an answer.
    pub asked: u64,
    pub repeated: u64,
    pub left: u64,
    /// Keys requested by calls.
    pub called: u64,
    /// Keys that the peer accepted, refused and ended, and its late answers.
    pub taken: u64,
    pub refused: u64,
    pub ended: u64,
    pub late: u64,
    /// Keys released before any answer.
    pub left_unanswered: u64,
    /// What went on on a socket that the peer has named.
    pub continued: u64,
    /// Keys that had to be active before a cutover, and were checked there.
    pub cut_over: u64,
    /// Messages that had to be routed.
    pub routed: u64,
    /// Events that readers of one key received.
    pub filtered: u64,
    /// Keys restored from an earlier process.
    pub restored: u64,
    /// Keys wanted at the end.
    pub settled: u64,
}

impl KeyTally {
    /// Asserts that many different things happened: lives without events prove little.
    pub fn expect_variety(&self, lives: u64) {
        expect_more_than(
            lives / 10,
            lives,
            [
                ("subscriptions held", self.held),
                ("subscriptions released", self.released),
                ("subscriptions asked for", self.asked),
                ("subscriptions left", self.left),
                ("subscriptions taken", self.taken),
                ("messages routed", self.routed),
                ("messages that a reader of one key has heard", self.filtered),
                ("subscriptions that were wanted in the end", self.settled),
            ],
        );
        expect_more_than(
            lives / 100,
            lives,
            [
                ("subscriptions without room", self.too_many),
                ("subscriptions asked for once more", self.repeated),
                ("subscriptions asked for by calls", self.called),
                ("subscriptions held at a close", self.held_at_close),
                ("subscriptions refused", self.refused),
                ("subscriptions ended", self.ended),
                ("late answers to subscriptions", self.late),
                ("subscriptions left unanswered", self.left_unanswered),
                ("subscriptions that went on", self.continued),
                ("active subscriptions at a cut", self.cut_over),
                ("subscriptions of an earlier process", self.restored),
            ],
        );
    }
}

adds_up! {
    KeyTally:
    held,
    released,
    too_many,
    retried,
    held_at_close,
    asked,
    repeated,
    called,
    left,
    taken,
    refused,
    ended,
    late,
    left_unanswered,
    continued,
    cut_over,
    routed,
    filtered,
    restored,
    settled,
}
