//! What a conversation has to do with the store: captures that are kept over restarts, and answers that wait until their messages are
//! stored.

use std::time::Instant;

use super::Conversation;
use crate::dialogue::{
    here::Here,
    kept::{KeptChange, KeptValue},
    reply::Reply,
    unstored::{HistorySpan, Stored},
};

impl Conversation {
    /// Puts in the values that were kept of earlier conversations of this name. What is not a kept capture of this dialogue stays out.
    ///
    /// It comes before the first socket opens.
    pub fn restore<'k>(&mut self, kept: impl IntoIterator<Item = (&'k str, &'k KeptValue)>) {
        let names = &self.dialogue.names;
        if let Some(keeping) = self.seldom.keeping() {
            keeping.restore(&mut self.captures, names, kept);
        }
    }

    /// When [`take_kept`](Self::take_kept) has something to hand out, at [`KEEP_EVERY`](crate::dialogue::KEEP_EVERY) at most; `None`: nothing that
    /// is kept has changed.
    pub fn keeps_at(&self, now: Instant) -> Option<Instant> {
        self.seldom.keeping()?.due(&self.captures, now)
    }

    /// What has changed of what is kept over restarts since this was asked last. It is to be stored with the messages that were heard so
    /// far, or behind them.
    pub fn take_kept(&mut self, now: Instant) -> Vec<KeptChange> {
        let names = &self.dialogue.names;
        let keeping = self.seldom.keeping_mut();
        keeping.map_or_else(Vec::new, |keeping| {
            keeping.take(&mut self.captures, names, now)
        })
    }

    /// All that is kept, for another conversation of this name to [begin with](Self::restore).
    pub fn kept(&self) -> Vec<(String, KeptValue)> {
        let keeping = self.seldom.keeping();
        keeping.map_or_else(Vec::new, |keeping| {
            keeping.all(&self.captures, &self.dialogue.names)
        })
    }

    /// Whether a message is answered once it is [stored](Self::stored), and was not [placed](Self::placed) yet.
    pub fn wants_place(&self) -> bool {
        self.rules.wants_place()
    }

    /// The messages that are answered once they are stored, and were not placed yet, were delivered, and lie here.
    pub fn placed(&mut self, place: HistorySpan) {
        self.rules.placed(place);
    }

    /// Whether answers wait until their messages are stored.
    pub fn awaits_store(&self) -> bool {
        self.rules.awaits_store()
    }

    /// The store has so much of what was delivered: what waited for that is answered, in order.
    pub fn stored(&mut self, stored: Stored, here: &Here<'_>, out: &mut Vec<Reply>) {
        if self.script.is_live() {
            self.rules.stored(stored, here.now, out);
        }
    }
}
