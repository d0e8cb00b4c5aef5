//! How a socket gives way to the next one, where a server allows one at a time.

use std::time::Instant;

use crate::{
    connection::state::{ActorState, policy},
    transport::PreparedDial,
    wire::CloseFrame,
};

impl ActorState {
    /// The socket that serves is closed, and another one is dialled in its place. `prepared`: what was done ahead of that dial.
    pub(in crate::connection) fn give_way(
        &mut self,
        prepared: Option<Box<PreparedDial>>,
        now: Instant,
    ) {
        if let (Some(prepared), Some(serving), Some(dialogue)) =
            (prepared, &mut self.serving, &self.settings.dialogue)
        {
            serving.set_prepared(dialogue, prepared);
        }
        let frame = CloseFrame::new(self.settings.close_code, "");
        let close_script = self.has_close_script() && !self.dials_named_next();
        let policy = policy(&self.settings);
        self.life
            .give_way(frame, close_script, policy, now, &mut self.effects);
        self.show_state();
    }

    /// The socket that was to give way has ended, and what was done ahead of the next dial is of use to that dial alone.
    pub(in crate::connection) fn forget_prepared(&mut self) {
        if let Some(serving) = &mut self.serving {
            serving.forget_prepared();
        }
    }

    /// Whether the next dial is of a URL that the peer has named: then the socket before it is left without a word.
    fn dials_named_next(&self) -> bool {
        let serving = self.serving.as_ref();
        serving.is_some_and(|serving| serving.next_url().is_some())
    }
}
