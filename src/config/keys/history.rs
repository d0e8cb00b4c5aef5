//! `history`.

use crate::config::{
    read::table,
    values::{Kept, Size},
};
use everwire_proto::settings::HistorySettings;

table! {
    /// How many of the last incoming messages are kept for readers that resume.
    pub(in crate::config) struct HistoryTable <=> HistorySettings {
        /// How many messages are kept; 0 is none.
        messages: Kept = 0,
        /// How many payload bytes are kept. The newest message is always kept.
        bytes: Size = "256KiB",
        /// Whether they are also kept on disk, and outlive the process.
        durable: bool = false,
    }
}
