//! What a dial was sent with, which its peer may repeat.

use std::sync::Arc;

use crate::{
    connection::state::ActorState,
    settings::{ConnectionSettings, Template},
    transport::{Secrets, masked},
    wire::CloseFrame,
};

/// Settings, URLs and secrets as they were for the dial of one socket. The name's own may change under it.
pub(super) struct Sent {
    settings: Arc<ConnectionSettings>,
    urls: Arc<[Template]>,
    secrets: Secrets,
}

impl Sent {
    /// What the name's settings and these secrets made of the dial that has just come up.
    pub fn new(act: &ActorState, secrets: Secrets) -> Self {
        Self {
            settings: Arc::clone(&act.settings),
            urls: Arc::clone(&act.urls),
            secrets,
        }
    }

    /// The settings as they were for the dial.
    pub fn settings(&self) -> &Arc<ConnectionSettings> {
        &self.settings
    }

    /// The secrets that were read for the dial.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The peer's text without what of it is secret; `None` if there is nothing.
    pub fn masked(&self, text: &str) -> Option<String> {
        masked(text, &self.settings, &self.urls, &self.secrets)
    }

    /// A close frame whose reason holds none of it that is secret.
    pub fn taken_out_of(&self, mut frame: CloseFrame) -> CloseFrame {
        if let Some(masked) = self.masked(&frame.reason) {
            frame.reason = masked.into();
        }
        frame
    }
}
