//! What happens in a cluster, for the service that opens names.

use std::fmt;

use everwire_nats::BridgeError;
use everwire_proto::placement::{EndReason, Report, ShardId, Term};

/// What this node has to do, or what an operator wants to know. It is told on the cluster's thread, and
/// must not block: what is written after [`Event::Lose`] or [`Event::Ended`] is told may be written
/// twice.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Open the shard's names, with epochs of this token.
    Hold {
        /// The shard.
        shard: ShardId,
        /// The token.
        term: Term,
    },
    /// Abandon the shard's names: another node holds it, or nobody.
    Lose(ShardId),
    /// Close the shard's names in order. Then call [`Cluster::given`](crate::Cluster::given).
    Give {
        /// The shard.
        shard: ShardId,
        /// The node that gets it.
        to: Box<str>,
    },
    /// Abandon all names: this node holds nothing any more. Then call
    /// [`Cluster::abandoned`](crate::Cluster::abandoned): until then nothing may be written, even if
    /// this node has joined anew.
    Ended(EndReason),
    /// Abandon all names: the cluster's thread has ended by a fault of its own.
    Panicked,
    /// Something that an operator wants to know.
    Report(Report),
    /// The log can be read.
    LogUp {
        /// The server.
        server: String,
        /// Differences between the stream and the settings.
        differences: Vec<String>,
    },
    /// The log cannot be read now. Told once per reason.
    LogDown(BridgeError),
    /// The log does not take a record.
    Refused(String),
    /// The `state_dir` can neither be written nor cleared: this node leaves.
    StateLost(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { shard, term } => write!(f, "shard {shard} is held, with token {term}"),
            Self::Lose(shard) => write!(f, "shard {shard} is lost"),
            Self::Give { shard, to } => write!(f, "shard {shard} goes to {to}"),
            Self::Ended(reason) => write!(f, "{reason}"),
            Self::Panicked => f.write_str(
                "the cluster's thread has ended by a fault of its own: restart everwire, and report the fault",
            ),
            Self::Report(report) => show(report, f),
            Self::LogUp {
                server,
                differences,
            } => {
                write!(f, "the log is read from {server}")?;
                differences
                    .iter()
                    .try_for_each(|text| write!(f, "; {text}"))
            }
            Self::LogDown(error) => write!(f, "the log cannot be read: {error}"),
            Self::Refused(text) => write!(f, "the log does not take a record: {text}"),
            Self::StateLost(text) => write!(
                f,
                "the state_dir can neither be written nor cleared, so this node leaves: {text}"
            ),
        }
    }
}

fn show(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match report {
        Report::NodeTaken(boot) => write!(
            f,
            "another process with this node's name is alive, boot {boot}: give each node a name of its own, or wait until its lease has run out"
        ),
        Report::Refused(void) => write!(f, "this node cannot join: {void}"),
        Report::SnapshotDiffers => f.write_str(
            "a snapshot in the log differs from what this node has computed: it is void, and one of the nodes has a fault",
        ),
        Report::NoPlace(labels) => write!(
            f,
            "nobody holds the names with place = {labels}: the cluster has no room for another place"
        ),
    }
}
