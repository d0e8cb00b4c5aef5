//! `ids`.

use crate::config::{read::table, values::FirstId};

table! {
    /// The numbers of our messages.
    #[derive(PartialEq)]
    pub(in crate::config) struct IdsTable {
        /// The first number on each socket. Set it if callers number their own messages, to avoid
        /// the same numbers.
        from: FirstId = 1,
    }
}
