//! `ids`.

use crate::config::{read::table, values::FirstId};

table! {
    /// The numbers of what we send.
    #[derive(PartialEq)]
    pub(in crate::config) struct IdsTable {
        /// The first number on each socket: where callers number their own sends, ours begin elsewhere.
        from: FirstId = 1,
    }
}
