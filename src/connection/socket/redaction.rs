//! What a dial sent, since its peer may repeat it.

use std::sync::Arc;

use crate::{
    connection::state::ActorState,
    settings::{ConnectionSettings, Template},
    transport::{Secrets, masked},
    wire::CloseFrame,
};

/// Settings, URLs and secrets of one socket's dial. The name's own may change meanwhile.
pub(super) struct Sent {
    settings: Arc<ConnectionSettings>,
    urls: Arc<[Template]>,
    secrets: Secrets,
}

impl Sent {
    /// The name's settings and secrets for the dial that has just come up.
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

    /// The peer's text with secrets masked; `None` if it contains none.
    pub fn masked(&self, text: &str) -> Option<String> {
        masked(text, &self.settings, &self.urls, &self.secrets)
    }

    /// The close frame with secrets in its reason masked.
    pub fn taken_out_of(&self, mut frame: CloseFrame) -> CloseFrame {
        if let Some(masked) = self.masked(&frame.reason) {
            frame.reason = masked.into();
        }
        frame
    }
}
