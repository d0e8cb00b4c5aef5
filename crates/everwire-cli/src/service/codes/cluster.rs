//! Why a node of a cluster holds nothing any more.

use super::code::Code;

/// `ended.code` of `GET /v1/cluster`, in the order of `everwire_cluster::CODES`.
pub const CLUSTER: [Code; 9] = [
    Code {
        code: "cluster_lease_lapsed",
        meaning: "The lease ran out: for too long the node saw no renewal of its own in the log. It stopped writing before others could take over.",
        remedy: "The node joins again by itself. Find out why the log was away: `everwire nodes` says how it is read, the log of everwire has the error. A machine that was stopped or suspended ends so, too.",
    },
    Code {
        code: "cluster_ended_by_log",
        meaning: "The log says that this life of the node has ended: another node saw no renewal of it in time, or a process with the same `cluster.node` has begun.",
        remedy: "The node joins again by itself. If it happens again and again, look for a second process with this `node`, and at the way to NATS.",
    },
    Code {
        code: "cluster_log_went_back",
        meaning: "The log ends below what the node has read, or has other records: a power cut took records, or the stream was restored or made anew.",
        remedy: "The node joins again by itself. Find out what happened to the stream `EVERWIRE_PLACES`; three replicas on different machines survive a power cut of one.",
    },
    Code {
        code: "cluster_behind",
        meaning: "Records of the log were deleted before the node had read them: it was away, or slow, for longer than a thousand records took.",
        remedy: "The node reads the log anew and joins again by itself. If it happens again and again, look at its way to NATS.",
    },
    Code {
        code: "cluster_newer_version",
        meaning: "The log has records of a newer version than this everwire can read, so it has left the cluster.",
        remedy: "Upgrade everwire on this node, then restart it.",
    },
    Code {
        code: "cluster_left",
        meaning: "The node has left the cluster in order, because its process ends, or because its state could not be written to `state_dir`.",
        remedy: "Nothing if the process was to end. Else look at the log and at the disk of `state_dir`, then restart everwire.",
    },
    Code {
        code: "cluster_other_shards",
        meaning: "The cluster was made with another number of shards than this node has in `cluster.shards`, so the node has left.",
        remedy: "Write the number that the text names, in all nodes alike, then restart everwire.",
    },
    Code {
        code: "cluster_panicked",
        meaning: "The cluster's part of the program has ended by a fault of its own. Nothing is written any more, and others take over.",
        remedy: "Restart everwire, and report the fault with the log.",
    },
    Code {
        code: "cluster_unheard",
        meaning: "The program was given more to open and to close than it does, some hundred thousand shards' worth, so the node has left before it held names that nobody opens.",
        remedy: "Restart everwire, and report the fault with the log: a part of the program hangs.",
    },
];
