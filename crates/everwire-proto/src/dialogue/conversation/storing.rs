//! The conversation's part in the store: captures that outlive restarts, and answers that wait
//! until their messages are stored.

use std::time::Instant;

use super::Conversation;
use crate::dialogue::{
    here::Here,
    kept::{KeptChange, KeptValue},
    reply::Reply,
    unstored::{HistorySpan, Stored},
};

impl Conversation {
    /// Restores the kept captures of earlier conversations of this name. Values that this dialogue
    /// does not keep are ignored.
    ///
    /// Call it before the first socket opens.
    pub fn restore<'k>(&mut self, kept: impl IntoIterator<Item = (&'k str, &'k KeptValue)>) {
        let names = &self.dialogue.names;
        if let Some(keeping) = self.seldom.keeping() {
            keeping.restore(&mut self.captures, names, kept);
        }
    }

    /// When [`take_kept`](Self::take_kept) has something to return, at most every
    /// [`KEEP_EVERY`](crate::dialogue::KEEP_EVERY); `None`: no kept capture has changed.
    pub fn keeps_at(&self, now: Instant) -> Option<Instant> {
        self.seldom.keeping()?.due(&self.captures, now)
    }

    /// The kept captures that have changed since the last call. Store them together with the
    /// messages so far, or after them.
    pub fn take_kept(&mut self, now: Instant) -> Vec<KeptChange> {
        let names = &self.dialogue.names;
        let keeping = self.seldom.keeping_mut();
        keeping.map_or_else(Vec::new, |keeping| {
            keeping.take(&mut self.captures, names, now)
        })
    }

    /// All kept captures, for another conversation of this name to [start with](Self::restore).
    pub fn kept(&self) -> Vec<(String, KeptValue)> {
        let keeping = self.seldom.keeping();
        keeping.map_or_else(Vec::new, |keeping| {
            keeping.all(&self.captures, &self.dialogue.names)
        })
    }

    /// Whether a message that is answered once it is [stored](Self::stored) has no
    /// [place](Self::placed) yet.
    pub fn wants_place(&self) -> bool {
        self.rules.wants_place()
    }

    /// The messages that are answered once they are stored, and had no place yet, were delivered,
    /// and are here.
    pub fn placed(&mut self, place: HistorySpan) {
        self.rules.placed(place);
    }

    /// Whether answers wait until their messages are stored.
    pub fn awaits_store(&self) -> bool {
        self.rules.awaits_store()
    }

    /// The store has delivered messages up to here: answers that waited for it are sent, in order.
    pub fn stored(&mut self, stored: Stored, here: &Here<'_>, out: &mut Vec<Reply>) {
        if self.script.is_live() {
            self.rules.stored(stored, here.now, out);
        }
    }
}
