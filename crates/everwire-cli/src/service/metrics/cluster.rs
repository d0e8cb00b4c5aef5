//! The metrics of a node of a cluster.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use super::{
    super::cluster::ClusterStatus,
    encoding::{describe, family},
};

/// Writes them.
pub fn encode(status: &ClusterStatus, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let shards = status.nodes.iter().map(|node| {
        let shards = i64::try_from(node.shards).unwrap_or(i64::MAX);
        ([("node", node.node.as_str())], ConstGauge::new(shards))
    });
    let help = "Shards that each node of the cluster holds, as this node sees it";
    family(encoder, "shards", help, MetricType::Gauge, shards)?;
    let free = ConstGauge::new(i64::try_from(status.free).unwrap_or(i64::MAX));
    let help = "Shards that no node of the cluster holds, as this node sees it";
    free.encode(describe(encoder, "shards_free", help, MetricType::Gauge)?)?;
    let lease = ConstGauge::new(status.lease_seconds.unwrap_or(0.0));
    let help = "For how many more seconds this node may write, 0 if it may not";
    lease.encode(describe(encoder, "lease_seconds", help, MetricType::Gauge)?)?;
    let up = ConstGauge::new(i64::from(status.log.server.is_some()));
    let help = "1 while this node reads the log of the cluster, 0 otherwise";
    up.encode(describe(
        encoder,
        "cluster_log_up",
        help,
        MetricType::Gauge,
    )?)?;
    let moved = status.moved;
    let reasons = [
        ("join", moved.join),
        ("drain", moved.drain),
        ("leave", moved.leave),
        ("lost", moved.lost),
    ];
    let reasons = reasons
        .into_iter()
        .map(|(reason, count)| ([("reason", reason)], ConstCounter::new(count)));
    let help = "Shards that came to this node from another one, by why they came";
    family(encoder, "moves", help, MetricType::Counter, reasons)
}
