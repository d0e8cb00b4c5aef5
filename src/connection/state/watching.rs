//! The watcher of a conversation.

use crate::{connection::status::watch::Watcher, transport::Secrets};

/// The watcher of a conversation, with the state that it needs.
pub(super) struct Watching {
    pub watcher: Watcher,
    /// The files and stored secrets that were read for its dial.
    pub secrets: Secrets,
}
