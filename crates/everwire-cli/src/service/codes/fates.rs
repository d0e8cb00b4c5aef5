//! The fates of messages that only problems report.

use super::code::Code;

/// The fates of messages that only problems report.
pub const FATES: [Code; 4] = [
    Code {
        code: "rejected",
        meaning: "The message was not accepted. It was not sent, and never will be.",
        remedy: "`reason` says why.",
    },
    Code {
        code: "failed",
        meaning: "The server answered the request, and the answer is an error: `request.fail` matched.",
        remedy: "The server's answer is in `text` or `base64`.",
    },
    Code {
        code: "not_sent",
        meaning: "The time for the request ran out before it was sent.",
        remedy: "It is safe to ask again. `everwire why NAME` says why nothing could be sent.",
    },
    Code {
        code: "unanswered",
        meaning: "The request was sent, and no answer came in time. The server may have acted on it.",
        remedy: "Find out what the server did before you ask again, unless asking twice does no harm.",
    },
];
