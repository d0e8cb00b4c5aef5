//! Replaces a socket, for servers that allow one at a time.

use std::time::Instant;

use crate::{
    connection::state::{ActorState, policy},
    transport::PreparedDial,
    wire::CloseFrame,
};

impl ActorState {
    /// Closes the current socket and dials another. `prepared`: the preparation that was done for
    /// that dial.
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

    /// The old socket has ended. The preparation is only valid for that one dial.
    pub(in crate::connection) fn forget_prepared(&mut self) {
        if let Some(serving) = &mut self.serving {
            serving.forget_prepared();
        }
    }

    /// Whether the next dial is of a URL that the peer has named. The old socket is then left
    /// without a close script.
    fn dials_named_next(&self) -> bool {
        let serving = self.serving.as_ref();
        serving.is_some_and(|serving| serving.next_url().is_some())
    }
}
