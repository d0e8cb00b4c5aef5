//! `history`.

use crate::config::{
    read::table,
    values::{Kept, Size},
};
use everwire_proto::settings::HistorySettings;

table! {
    /// How much of what came in last can be read again.
    pub(in crate::config) struct HistoryTable {
        /// How many messages are kept; 0 is none.
        messages: Kept = 100,
        /// How many payload bytes are kept.
        bytes: Size = "1MiB",
        /// Whether they are kept on disk too, and outlive the process.
        durable: bool = false,
    }
}

impl HistoryTable {
    /// The settings: what is not written keeps its default.
    pub fn settings(self) -> HistorySettings {
        let defaults = HistorySettings::default();
        HistorySettings {
            messages: self
                .messages
                .map_or(defaults.messages, |count| count.value.0),
            bytes: self.bytes.map_or(defaults.bytes, |size| size.value.0),
            durable: self
                .durable
                .map_or(defaults.durable, |durable| durable.value),
        }
    }
}
