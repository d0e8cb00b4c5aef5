//! What happened to subscriptions in many lives.

use std::ops::AddAssign;

/// What happened to subscriptions in one life, or in many.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::connection::simulation) struct KeyTally {
    /// What callers did, and how often there was no room.
    pub held: u64,
    pub released: u64,
    pub too_many: u64,
    pub retried: u64,
    /// What the peer heard, by the key, and of those what it was asked for again since it had not answered.
    pub asked: u64,
    pub repeated: u64,
    pub left: u64,
    /// What it has taken, refused and ended; and which of the answers came late.
    pub taken: u64,
    pub refused: u64,
    pub ended: u64,
    pub late: u64,
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
        for (what, count) in [
            ("subscriptions held", self.held),
            ("subscriptions released", self.released),
            ("subscriptions asked for", self.asked),
            ("subscriptions left", self.left),
            ("subscriptions taken", self.taken),
            ("messages routed", self.routed),
            ("messages that a reader of one key has heard", self.filtered),
            ("subscriptions that were wanted in the end", self.settled),
        ] {
            assert!(count > lives / 10, "only {count} {what} in {lives} lives");
        }
        for (what, count) in [
            ("subscriptions without room", self.too_many),
            ("subscriptions asked for once more", self.repeated),
            ("subscriptions refused", self.refused),
            ("subscriptions ended", self.ended),
            ("late answers to subscriptions", self.late),
            ("active subscriptions at a cut", self.cut_over),
            ("subscriptions of an earlier process", self.restored),
        ] {
            assert!(count > lives / 100, "only {count} {what} in {lives} lives");
        }
    }
}

impl AddAssign for KeyTally {
    fn add_assign(&mut self, other: Self) {
        self.held += other.held;
        self.released += other.released;
        self.too_many += other.too_many;
        self.retried += other.retried;
        self.asked += other.asked;
        self.repeated += other.repeated;
        self.left += other.left;
        self.taken += other.taken;
        self.refused += other.refused;
        self.ended += other.ended;
        self.late += other.late;
        self.cut_over += other.cut_over;
        self.routed += other.routed;
        self.filtered += other.filtered;
        self.restored += other.restored;
        self.settled += other.settled;
    }
}
