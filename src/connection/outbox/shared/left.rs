//! The outbox of a name that another node holds now.

use std::{mem, sync::Arc};

use super::SharedOutbox;
use crate::{core::Removed, settings::ConnectionSettings};

impl SharedOutbox {
    /// Another node holds the name, and its socket is gone: nothing is sent from here any more.
    /// Messages that are not durable end. Durable ones stay in the store, so their fate is not
    /// waited for. Returns how many have ended; nothing if this was called before.
    pub fn leave(self: &Arc<Self>) -> Removed {
        self.with(|locked| {
            locked.outbox.set_open(false);
            if mem::replace(&mut locked.is_left, true) {
                return Removed::default();
            }
            locked.outbox.lost();
            locked.outbox.cancel()
        })
    }

    /// Whether another node holds the name.
    pub fn is_left(&self) -> bool {
        self.locked.lock().is_left
    }

    /// The name is opened here again, with these settings.
    pub fn take_up(self: &Arc<Self>, settings: &ConnectionSettings, is_closed: bool) {
        self.history().configure(settings.history);
        self.with(|locked| {
            locked.is_left = false;
            let outbox = &mut locked.outbox;
            outbox.configure(settings.outbox, settings.max_message);
            outbox.set_sessions_only(settings.sessions_only);
            outbox.set_open(!is_closed);
        });
    }
}
