//! `request`.

use crate::config::{
    read::table,
    values::{ExpressionText, InFlight, Pointer, Timeout},
};

table! {
    /// How the requests of callers are numbered, and how their answers are found.
    #[derive(PartialEq)]
    pub(in crate::config) struct RequestTable {
        /// Where a request has its number or text, as a JSON Pointer (RFC 6901): "/id". Ours replaces it, and it is put back into the
        /// answer.
        id: Pointer,
        /// What is an answer: an expression that is true of it. `id` is the number of a request that awaits one: a text where the
        /// caller's own is a text.
        answer: ExpressionText,
        /// What of the answers is a refusal.
        fail: ExpressionText,
        /// How long a caller waits that does not say so itself, from when the request was accepted.
        within: Timeout = "10s",
        /// So many messages of ours may await an answer by their number: requests, steps and heartbeats. Others wait.
        in_flight: InFlight = 1024,
    }
}
