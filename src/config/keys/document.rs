//! The keys at the top of a file.

use super::{
    BucketTable, ClusterTable, ConnectionTable, FleetTable, NatsTable, PrepareTable, ServiceTable,
};
use crate::config::{
    read::{Context, Keys, Named, Node, Read, Section, table},
    values::SchemaVersion,
};

table! {
    /// A configuration of everwire.
    pub(in crate::config) struct DocumentTable {
        /// The version of this format.
        schema_version: SchemaVersion = 1,
        /// Settings of the process as a whole.
        service: ServiceTable,
        /// The bridge to NATS JetStream. It needs a program with the feature "nats".
        nats: NatsTable,
        /// The cluster that shares names with other processes. It needs [nats], and a program with
        /// the feature "nats".
        cluster: ClusterTable,
        /// Buckets that connections with rate = "KEY" share.
        rates: Named<BucketTable>,
        /// Steps before dials, for all connections with prepare = "KEY".
        prepare: Named<PrepareTable>,
        /// Any key of a connection; every connection inherits it.
        defaults: ConnectionTable,
        /// Any key of a connection, for the connections with this group.
        groups: Named<GroupTable>,
        /// The connections, by name. A name has 1 to 128 of A-Z a-z 0-9 . _ : - and a dotted one is quoted.
        connections: Named<ConnectionTable>,
        /// Many connections from one template.
        fleet: Named<FleetTable>,
    }
}

/// The keys that the connections of a group inherit.
#[derive(Clone, Debug)]
pub(in crate::config) struct GroupTable(pub ConnectionTable);

impl From<GroupTable> for ConnectionTable {
    fn from(group: GroupTable) -> Self {
        group.0
    }
}

impl Read for GroupTable {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let mut table = ConnectionTable::read(node, context)?;
        if let Some(group) = table.group.take() {
            context.wrong(
                group.place,
                "a group cannot belong to a group",
                "put the keys into both groups, or into [defaults]",
            );
        }
        Some(Self(table))
    }

    fn schema() -> serde_json::Value {
        ConnectionTable::schema()
    }
}

impl Section for GroupTable {
    const SECTION: &'static str = "groups";
    const WHAT: &'static str = "group";
    const KEYS: &'static [&'static [&'static str]] =
        &[ConnectionTable::NAMES, ConnectionTable::LATER];
}
