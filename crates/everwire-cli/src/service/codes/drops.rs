//! Why messages left the outbox unsent.

use super::code::Code;

/// In the order of [`DropReason::ALL`](everwire::events::DropReason::ALL).
pub const DROPS: [Code; 4] = [
    Code {
        code: "expired",
        meaning: "They waited in the outbox for longer than `outbox.ttl`.",
        remedy: "Raise `outbox.ttl` if late messages are better than none, and see with `everwire why NAME` why the connection was down.",
    },
    Code {
        code: "evicted",
        meaning: "The outbox was full, and newer messages took their room (`outbox.when_full = \"drop_oldest\"`).",
        remedy: "Raise `outbox.messages` or `outbox.bytes`, or send less while the connection is down.",
    },
    Code {
        code: "cancelled",
        meaning: "The connection was closed by hand, removed, or gave up while they waited; or the service shut down, and they were not durable.",
        remedy: "Set `outbox.durable = true` if they must survive a restart.",
    },
    Code {
        code: "moved",
        meaning: "Another node of the cluster holds the connection now, and they waited in the outbox of the node that held it before.",
        remedy: "Send them again, or send through the work queue of the bridge, which moves with the connection.",
    },
];
