//! `history`.

use crate::config::{
    read::table,
    values::{Kept, Size},
};
use everwire_proto::settings::HistorySettings;

table! {
    /// How much of what came in last can be read again.
    pub(in crate::config) struct HistoryTable <=> HistorySettings {
        /// How many messages are kept; 0 is none.
        messages: Kept = 0,
        /// How many payload bytes are kept; the newest message is kept whatever its size.
        bytes: Size = "256KiB",
        /// Whether they are kept on disk too, and outlive the process.
        durable: bool = false,
    }
}
