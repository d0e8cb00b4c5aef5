//! What happened to subscriptions in many lives.

use crate::connection::simulation::counts::{adds_up, expect_more_than};

/// What happened to subscriptions in one life, or in many.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::connection::simulation) struct KeyTally {
    /// What callers did, and how often there was no room.
    pub held: u64,
    pub released: u64,
    pub too_many: u64,
    pub retried: u64,
    /// What was held while the name was to close.
    pub held_at_close: u64,
    /// What the peer heard, by the key, and of those what it was asked for again since it had not answered.
    pub asked: u64,
    pub repeated: u64,
    pub left: u64,
    /// What it heard by calls.
    pub called: u64,
    /// What it has taken, refused and ended; and which of the answers came late.
    pub taken: u64,
    pub refused: u64,
    pub ended: u64,
    pub late: u64,
    /// What was left though it had never been answered.
    pub left_unanswered: u64,
    /// What went on on a socket that the peer has named.
    pub continued: u64,
    /// Keys that had to be active again before a cut, and were looked at there.
    pub cut_over: u64,
    /// Messages that had to be routed.
    pub routed: u64,
    /// What readers of one key have heard.
    pub filtered: u64,
    /// What of an earlier process was held again.
    pub restored: u64,
    /// Keys that were wanted in the end.
    pub settled: u64,
}

impl KeyTally {
    /// Lives in which little happens show little.
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
