//! `[cluster]`.

use crate::config::{
    read::{Context, IntoField, Located, Place, Problem, table},
    units::format_duration,
    values::{Choice, MoveRate, NodeLabels, NodeName, Replicas, ShardCount, Timeout, Weight},
};
use crate::settings::{ClusterSettings, LeaseGuard, WithoutLease};
use everwire_proto::placement::LeaseSettings;

table! {
    /// The cluster in which several processes share names over NATS. It needs [nats], whose servers
    /// keep its log.
    pub(in crate::config) struct ClusterTable {
        /// The name of this node, which no other node of the cluster has: like that of a
        /// connection.
        node: NodeName,
        /// How many shards there are for each place, in all nodes alike. It is fixed when the
        /// cluster is made.
        shards: ShardCount = 256,
        /// After so long without a sign of life, and margin, others take this node's names over.
        /// lease - margin must be at least lease / 3 + 10s.
        lease: Timeout = "30s",
        /// So long before the end of the lease this node stops writing.
        margin: Timeout = "2s",
        /// What ends the process at the end of the lease: "none", or "kill", a timer of the kernel.
        lease_guard: LeaseGuard = "none",
        /// What becomes of sockets without a lease: "close", or "listen", which only answers pings.
        without_lease: WithoutLease = "close",
        /// How many names may move from this node to others: at least "1/s".
        moves: MoveRate = "50/s",
        /// Names that have not moved after this time are closed here before they are opened there.
        move_timeout: Timeout = "30s",
        /// What this node has, for names with a place. At most 256 bytes, with 6 for each label.
        labels: NodeLabels = {},
        /// This node's share of the names, compared with that of others.
        weight: Weight = 1,
        /// The number of servers with a copy of the cluster's streams, if everwire creates them: 1, 3 or 5.
        replicas: Replicas = 1,
    }
}

impl IntoField<ClusterSettings> for ClusterTable {
    fn into_field(self, _: Place, context: &mut Context<'_>) -> ClusterSettings {
        refuse_later("lease_guard", self.lease_guard.as_ref(), context);
        refuse_later("without_lease", self.without_lease.as_ref(), context);
        let mut settings = ClusterSettings::new("");
        settings.lease = lease(self.lease.as_ref(), self.margin.as_ref(), context);
        let Self {
            node,
            shards,
            lease: _,
            margin: _,
            lease_guard,
            without_lease,
            moves,
            move_timeout,
            labels,
            weight,
            replicas,
        } = self;
        put(node, &mut settings.node, context);
        put(shards, &mut settings.shards, context);
        put(lease_guard, &mut settings.lease_guard, context);
        put(without_lease, &mut settings.without_lease, context);
        put(moves, &mut settings.moves, context);
        put(move_timeout, &mut settings.move_timeout, context);
        put(labels, &mut settings.labels, context);
        put(weight, &mut settings.weight, context);
        put(replicas, &mut settings.replicas, context);
        settings
    }
}

/// Sets a field to what is written, if anything is.
fn put<T: IntoField<F>, F>(value: Option<Located<T>>, field: &mut F, context: &mut Context<'_>) {
    if let Some(Located { value, place }) = value {
        *field = value.into_field(place, context);
    }
}

/// Reports a word that this version knows, and cannot do.
fn refuse_later<T: Choice + Default>(
    key: &str,
    written: Option<&Located<T>>,
    context: &mut Context<'_>,
) {
    let Some(Located { value, place }) = written else {
        return;
    };
    if *value != T::default() {
        let message = format!("`{key} = {:?}` is not supported yet", value.word());
        let help = format!("write {:?}", T::default().word());
        context.wrong(*place, message, help);
    }
}

/// The lease: one that leaves no time to renew it is reported.
fn lease(
    lease: Option<&Located<Timeout>>,
    margin: Option<&Located<Timeout>>,
    context: &mut Context<'_>,
) -> LeaseSettings {
    let defaults = LeaseSettings::default();
    let time = lease.map_or(defaults.lease(), |lease| lease.value.0);
    let margin_time = margin.map_or(defaults.margin(), |margin| margin.value.0);
    let error = match LeaseSettings::new(time, margin_time) {
        Ok(lease) => return lease,
        Err(error) => error,
    };
    let related = margin.filter(|_| lease.is_some());
    let Some(place) = lease
        .map(|lease| lease.place)
        .or(margin.map(|margin| margin.place))
    else {
        return defaults;
    };
    let least = format_duration(error.least);
    let mut problem = Problem::new(place, error.to_string()).help(format!(
        "write lease = {least:?} or more, or a shorter margin"
    ));
    if let Some(margin) = related {
        problem = problem.related(margin.place, "margin is here");
    }
    context.problems.push(problem);
    defaults
}
