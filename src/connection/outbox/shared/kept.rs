//! Captures that outlive the process. They are here because they outlive the actor, too.

use std::sync::Arc;

use everwire_proto::{
    dialogue::{KeptChange, KeptValue},
    settings::dialogue::Dialogue,
};

use super::SharedOutbox;

impl SharedOutbox {
    /// Restores the captures of earlier processes.
    pub fn restore_kept(&self, captures: Vec<(String, KeptValue)>) {
        if !captures.is_empty() {
            let mut locked = self.locked.lock();
            let kept = locked.kept.get_or_insert_default();
            kept.restore(captures);
        }
    }

    /// Stores changed captures, together with the messages delivered so far or after them.
    pub fn keep(self: &Arc<Self>, changes: Vec<KeptChange>) {
        if changes.is_empty() {
            return;
        }
        {
            let mut locked = self.locked.lock();
            let kept = locked.kept.get_or_insert_default();
            changes.into_iter().for_each(|change| kept.apply(change));
        }
        self.history_grew();
    }

    /// The values with which a conversation of these settings begins. Values that are no longer
    /// kept are forgotten.
    pub fn kept_for(self: &Arc<Self>, dialogue: Option<&Dialogue>) -> Vec<(String, KeptValue)> {
        let (values, forgets) = {
            let mut locked = self.locked.lock();
            let Some(kept) = &mut locked.kept else {
                return Vec::new();
            };
            let forgets = kept.retain(|name| dialogue.is_some_and(|dialogue| dialogue.keeps(name)));
            (kept.all(), forgets)
        };
        if forgets {
            self.history_grew();
        }
        values
    }
}
