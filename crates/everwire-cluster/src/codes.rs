//! The stable codes of why a node holds nothing any more.

use everwire_proto::placement::EndReason;

/// The cluster's thread has ended by a fault of its own.
pub(crate) const PANICKED: &str = "cluster_panicked";

/// The service does not take what it has to do.
pub(crate) const UNHEARD: &str = "cluster_unheard";

/// All codes that [`ClusterStatus::ended`](crate::ClusterStatus::ended) can have.
pub const CODES: [&str; 9] = [
    "cluster_lease_lapsed",
    "cluster_ended_by_log",
    "cluster_log_went_back",
    "cluster_behind",
    "cluster_newer_version",
    "cluster_left",
    "cluster_other_shards",
    PANICKED,
    UNHEARD,
];

/// The code of a reason.
pub(crate) fn of(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Lapsed => "cluster_lease_lapsed",
        EndReason::Ended(_) => "cluster_ended_by_log",
        EndReason::WentBack => "cluster_log_went_back",
        EndReason::Behind => "cluster_behind",
        EndReason::Newer(_) => "cluster_newer_version",
        EndReason::Leaving => "cluster_left",
        EndReason::OtherShards(_) => "cluster_other_shards",
    }
}

#[cfg(test)]
mod tests {
    use everwire_proto::placement::{EndedBy, OtherShards};

    use super::*;

    #[test]
    fn each_reason_has_a_code_that_is_listed() {
        let shards = OtherShards {
            cluster: 1,
            node: 2,
        };
        let reasons = [
            EndReason::Lapsed,
            EndReason::Ended(EndedBy::Itself),
            EndReason::WentBack,
            EndReason::Behind,
            EndReason::Newer(2),
            EndReason::Leaving,
            EndReason::OtherShards(shards),
        ];
        assert!(
            reasons
                .map(of)
                .into_iter()
                .chain([PANICKED, UNHEARD])
                .eq(CODES)
        );
    }
}
