//! The conversation's part in the store: captures that outlive restarts, and answers that wait
//! until their messages are stored.

use std::time::Instant;

use everwire_proto::dialogue::{HistorySpan, KeptChange, KeptValue, Stored};

use super::{LiveConversation, Surroundings};
use crate::core::Cursor;

impl LiveConversation {
    /// Restores the kept captures of earlier conversations.
    pub fn restore(&mut self, kept: &[(String, KeptValue)]) {
        let kept = kept.iter().map(|(name, value)| (name.as_str(), value));
        if let Some(declared) = self.engine.declared_mut() {
            declared.restore(kept);
        }
    }

    /// All kept captures, for another conversation of the name.
    pub(super) fn kept(&self) -> Vec<(String, KeptValue)> {
        let declared = self.engine.declared();
        declared.map_or_else(Vec::new, |declared| declared.kept())
    }

    /// When [`take_kept`](Self::take_kept) has something to return.
    pub fn keeps_at(&self, now: Instant) -> Option<Instant> {
        self.engine.declared()?.keeps_at(now)
    }

    /// Takes the changes of kept captures.
    pub fn take_kept(&mut self, now: Instant) -> Vec<KeptChange> {
        let declared = self.engine.declared_mut();
        declared.map_or_else(Vec::new, |declared| declared.take_kept(now))
    }

    /// Messages that are answered once they are stored come after this place of the history.
    pub fn begin_places(&mut self, behind: Cursor) {
        self.seldom.set_unplaced_behind(behind);
    }

    /// Whether such a message has no place in the history yet.
    pub fn wants_place(&self) -> bool {
        let declared = self.engine.declared();
        declared.is_some_and(|declared| declared.wants_place())
    }

    /// Such messages so far are at or before this place of the history.
    pub fn placed(&mut self, through: Cursor) {
        let after = self.seldom.unplaced_behind();
        self.seldom.set_unplaced_behind(through);
        if let Some(declared) = self.engine.declared_mut() {
            declared.placed(HistorySpan { after, through });
        }
    }

    /// Whether answers wait until their messages are stored.
    pub fn awaits_store(&self) -> bool {
        let declared = self.engine.declared();
        declared.is_some_and(|declared| declared.awaits_store())
    }

    /// The store has the history up to here.
    pub fn stored(&mut self, stored: Stored, at: Surroundings<'_>) {
        let here = at.here(self.is_handover());
        if let Some(declared) = self.engine.declared_mut() {
            declared.stored(stored, &here, &mut self.replies.open());
        }
    }
}
