//! `request`.

use crate::config::{
    read::table,
    values::{ExpressionText, InFlight, Pointer, Timeout},
};

table! {
    /// How the requests of callers are numbered, and how their answers are found.
    #[derive(PartialEq)]
    pub(in crate::config) struct RequestTable {
        /// Where a request has its number or text, as a JSON Pointer (RFC 6901): "/id". It is
        /// replaced by our number, and put back into the answer.
        id: Pointer,
        /// An expression that is true for an answer. `id` is the number of a waiting request: a
        /// text if the caller's own is a text.
        answer: ExpressionText,
        /// Which answers are refusals.
        fail: ExpressionText,
        /// How long a caller waits by default, from when the request was accepted.
        within: Timeout = "10s",
        /// How many of our messages may await an answer by their number: requests, steps and
        /// heartbeats. Others wait.
        in_flight: InFlight = 1024,
    }
}
