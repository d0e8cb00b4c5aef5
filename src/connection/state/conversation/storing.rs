//! What the conversation of a socket has to do with the store: captures that are kept over restarts, and answers that wait until their
//! messages are stored.

use std::time::Instant;

use everwire_proto::dialogue::{HistorySpan, KeptChange, KeptValue, Stored};

use super::{LiveConversation, Surroundings};
use crate::core::Cursor;

impl LiveConversation {
    /// Puts in what is kept of earlier conversations of the name.
    pub fn restore(&mut self, kept: &[(String, KeptValue)]) {
        let kept = kept.iter().map(|(name, value)| (name.as_str(), value));
        if let Some(declared) = self.engine.declared_mut() {
            declared.restore(kept);
        }
    }

    /// All that is kept, for another conversation of the name.
    pub(super) fn kept(&self) -> Vec<(String, KeptValue)> {
        let declared = self.engine.declared();
        declared.map_or_else(Vec::new, |declared| declared.kept())
    }

    /// When [`take_kept`](Self::take_kept) has something to hand out.
    pub fn keeps_at(&self, now: Instant) -> Option<Instant> {
        self.engine.declared()?.keeps_at(now)
    }

    /// What has changed of what is kept over restarts.
    pub fn take_kept(&mut self, now: Instant) -> Vec<KeptChange> {
        let declared = self.engine.declared_mut();
        declared.map_or_else(Vec::new, |declared| declared.take_kept(now))
    }

    /// Messages that are answered once they are stored lie behind this place of the history.
    pub fn begin_places(&mut self, behind: Cursor) {
        self.seldom.set_unplaced_behind(behind);
    }

    /// Whether a message is answered once it is stored, of which it is not known where it lies.
    pub fn wants_place(&self) -> bool {
        let declared = self.engine.declared();
        declared.is_some_and(|declared| declared.wants_place())
    }

    /// The messages so far that are answered once they are stored lie at this place of the history, or before it.
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

    /// The store has so much of the history.
    pub fn stored(&mut self, stored: Stored, at: Surroundings<'_>) {
        let here = at.here(self.is_handover());
        if let Some(declared) = self.engine.declared_mut() {
            declared.stored(stored, &here, &mut self.replies.open());
        }
    }
}
