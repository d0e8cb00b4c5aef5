//! Who watches a conversation.

use crate::{connection::status::watch::Watcher, transport::Secrets};

/// Who watches a conversation, and what that takes.
pub(super) struct Watching {
    pub watcher: Watcher,
    /// The files and stored secrets that were read for its dial.
    pub secrets: Secrets,
}
