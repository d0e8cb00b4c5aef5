//! Why the bridge to NATS carries nothing, and why it drops a message.

use super::code::Code;

/// `nats.error.code` of the status, in the order of `everwire_nats::BridgeError::CODES`.
pub const BRIDGE: [Code; 13] = [
    Code {
        code: "nats_unreachable",
        meaning: "No server of `nats.servers` answers.",
        remedy: "Start the server, or correct `servers`. Messages wait in memory and on disk meanwhile.",
    },
    Code {
        code: "nats_credentials",
        meaning: "The servers do not accept the credentials, or have withdrawn them.",
        remedy: "Correct the credentials, or the server's users.",
    },
    Code {
        code: "nats_secret_missing",
        meaning: "A file of credentials is missing, cannot be read, or holds no seed of a user.",
        remedy: "Make the file readable by everwire, and look at what it holds.",
    },
    Code {
        code: "nats_tls",
        meaning: "TLS with the servers failed, or one of its files cannot be read.",
        remedy: "Correct `nats.tls`: the authority, the certificate, or its key.",
    },
    Code {
        code: "nats_no_jetstream",
        meaning: "JetStream is off on the server, or for this account.",
        remedy: "Enable JetStream on the server, and for the account.",
    },
    Code {
        code: "nats_stream_not_made",
        meaning: "A stream, or the consumer of the queue, cannot be made.",
        remedy: "Read the reason: its subjects may belong to another stream, or the account may have no room.",
    },
    Code {
        code: "nats_stream_gone",
        meaning: "The stream was deleted or made anew, or JetStream was turned off.",
        remedy: "A stream that is gone is made again. Find out who deletes it.",
    },
    Code {
        code: "nats_other_stream",
        meaning: "A stream of this name does not take the subjects of the bridge.",
        remedy: "Choose another `stream` or `subject`.",
    },
    Code {
        code: "nats_queue_taken",
        meaning: "Another process takes messages from the queue.",
        remedy: "Give each everwire its own `out.stream` and `out.subject`.",
    },
    Code {
        code: "nats_panicked",
        meaning: "The bridge has ended by a fault of its own. The connections go on without it.",
        remedy: "Restart everwire, and report the fault with the log.",
    },
    Code {
        code: "nats_lost",
        meaning: "The connection to the servers was lost.",
        remedy: "The next one follows by itself. If it is lost again and again, look at the server's log.",
    },
    Code {
        code: "nats_silent",
        meaning: "The server answers nothing for the stream.",
        remedy: "Look at the server's disk and its log.",
    },
    Code {
        code: "nats_refused",
        meaning: "The server refuses a request of the bridge; the text names it.",
        remedy: "Compare the user's permissions with those in `docs/nats.md`.",
    },
];

/// `reason` of `everwire_nats_dropped_total`, and of what the log says about it, in the order of
/// `everwire_nats::DropReason::ALL`.
pub const BRIDGE_DROPS: [Code; 5] = [
    Code {
        code: "spool_full",
        meaning: "The servers were away for so long that neither memory nor the spool had room.",
        remedy: "Raise `in.spool`, or find out why the servers were away.",
    },
    Code {
        code: "spool_error",
        meaning: "The spool could not be written, or a row of it could not be read.",
        remedy: "Look at the disk of `state_dir`; the log names the file and the error.",
    },
    Code {
        code: "too_large",
        meaning: "The stream or the server does not take messages of this size.",
        remedy: "Raise `max_payload` of the server, or the stream's limit.",
    },
    Code {
        code: "stale_epoch",
        meaning: "The stream has later places of the name: the `state_dir` was lost, or is an old copy.",
        remedy: "Nothing: the name's epoch is raised, and what follows is published.",
    },
    Code {
        code: "refused",
        meaning: "The stream refused the message and took a later one of the name.",
        remedy: "Read the stream's answer in the log or in `why`: a limit of the stream may be reached.",
    },
];
