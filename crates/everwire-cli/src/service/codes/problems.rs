//! Why the service refuses a request.

use super::code::Code;

/// `reason` of a problem.
pub const REASONS: [Code; 24] = [
    Code {
        code: "full",
        meaning: "There is no room: the outbox, the requests of the connection, its subscriptions, or the memory of the service.",
        remedy: "Ask again later, as `Retry-After` says, or raise the limit that the detail names.",
    },
    Code {
        code: "closed",
        meaning: "The connection is closed by hand, has given up, or is being removed, so it takes nothing.",
        remedy: "`everwire connect NAME` opens it again.",
    },
    Code {
        code: "too_large",
        meaning: "The message is longer than `max_message`.",
        remedy: "Send less at once, or raise `max_message`.",
    },
    Code {
        code: "sessions_only",
        meaning: "The connection keeps no socket of its own, so nothing can be sent over it.",
        remedy: "Use its raw bridge, `GET /v1/connections/NAME/raw`, or unset `sessions_only`.",
    },
    Code {
        code: "not_text",
        meaning: "The body is sent as a text message, and is not UTF-8.",
        remedy: "Send it with `Content-Type: application/octet-stream` if it is binary.",
    },
    Code {
        code: "not_stored",
        meaning: "The store could not take it: of a message, it was not accepted; of a change, it was made and will be gone after a restart.",
        remedy: "Free disk space in `state_dir`, then ask again.",
    },
    Code {
        code: "store_outage",
        meaning: "The store cannot be opened, so what it holds is not known.",
        remedy: "Ask again later. The log says what is wrong with `state_dir`.",
    },
    Code {
        code: "feature_missing",
        meaning: "The settings need a part that this build of everwire was made without. `feature` and `key` say which.",
        remedy: "Use a build with that feature, or leave out the key.",
    },
    Code {
        code: "other_item",
        meaning: "The subscription is held already, with another item.",
        remedy: "Release it everywhere first, or take another key for the other item.",
    },
    Code {
        code: "too_long",
        meaning: "The key of the subscription is too long.",
        remedy: "The detail has the limit.",
    },
    Code {
        code: "no_subscribe",
        meaning: "The connection has no `subscribe`, so everwire does not know how to ask the server for a subscription.",
        remedy: "Write `subscribe` into the settings of the connection.",
    },
    Code {
        code: "idle",
        meaning: "The connection is not enabled, and nobody has connected it.",
        remedy: "`everwire connect NAME`, or set `enabled = true`.",
    },
    Code {
        code: "failed",
        meaning: "The connection has given up. `cause` says why.",
        remedy: "Mend the cause, then `everwire retry NAME`.",
    },
    Code {
        code: "unreachable",
        meaning: "No socket to the server could be opened for this client. `cause` says why.",
        remedy: "See the entry of that cause.",
    },
    Code {
        code: "no_turn",
        meaning: "Too many dials were waiting, and this one did not get its turn in time.",
        remedy: "Ask again, as `Retry-After` says, or raise the dial budget of the host.",
    },
    Code {
        code: "reconfigured",
        meaning: "The settings of the connection changed while a socket was opened for this client.",
        remedy: "Ask again.",
    },
    Code {
        code: "unavailable",
        meaning: "The connection cannot take it now.",
        remedy: "Ask again later.",
    },
    Code {
        code: "key_used",
        meaning: "The `Idempotency-Key` was used for another body.",
        remedy: "Take a new key for each message, and the same key only to send the same message again.",
    },
    Code {
        code: "no_fence",
        meaning: "`confirmed` was asked for, and this connection can confirm nothing: the server answers no pings, and no heartbeat is set.",
        remedy: "Set a heartbeat that the server answers, or wait for `written`.",
    },
    Code {
        code: "moved",
        meaning: "The connection is not open on this node of the cluster, and the request cannot be passed on: no node has it now, or it is a WebSocket, which only `node` takes.",
        remedy: "Ask `node`. If it is null, ask again, as `Retry-After` says; `everwire where NAME` says when others take the name.",
    },
    Code {
        code: "not_in_log",
        meaning: "The log of the cluster has not taken the change in time. It may still come.",
        remedy: "Ask for the state, and ask again if it has not changed. `everwire nodes` says how the log is read.",
    },
    Code {
        code: "cluster",
        meaning: "A node of a cluster cannot do this: its names are those of the configuration, which all nodes share.",
        remedy: "Change the configuration of all nodes, then reload it.",
    },
    Code {
        code: "node_away",
        meaning: "The connection is on another node of the cluster, which was not asked: it does not listen, or no server of NATS answers.",
        remedy: "Nothing was done. Ask again, or ask that node itself; `everwire nodes` says how the cluster is.",
    },
    Code {
        code: "node_silent",
        meaning: "The connection is on another node of the cluster, which was asked, and gave no answer: it is gone, or slow.",
        remedy: "It may have done what was asked: look at the state of the connection before you ask again.",
    },
];
