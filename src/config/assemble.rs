//! From the tables of the file to settings: merges layers, and checks names against each other.

use std::sync::Arc;

use super::{
    cluster::cluster_settings,
    dialogue::shared_preparations,
    keys::{ConnectionTable, DocumentTable, buckets},
    layers::{InheritedTables, Layers},
    members::members,
    nats::{nats_settings, warn_of_unused},
    read::Context,
    service::service_settings,
};
use crate::settings::{Inherited, Settings};

/// The settings of a configuration over a base below its `[defaults]`. Errors are reported to the
/// context.
pub(super) fn assemble(
    document: DocumentTable,
    base: Option<ConnectionTable>,
    context: &mut Context<'_>,
) -> Settings {
    let service = document.service.map(|table| table.value);
    let defaults = document.defaults.map(|table| table.value);
    let rates = document.rates.map(|table| table.value);
    let prepare = document.prepare.map(|table| table.value);
    let groups = document.groups.map(|table| table.value);
    let fleets = document.fleet.map(|table| table.value);
    let connections = document.connections.map(|table| table.value);

    let inherits = base.is_some() || defaults.is_some() || rates.is_some() || groups.is_some();
    context.buckets = Arc::new(buckets(rates.unwrap_or_default(), context));
    let preparations = shared_preparations(prepare.unwrap_or_default(), context);
    context.preparations = Arc::new(preparations);
    let mut inherited = base.unwrap_or_default();
    inherited.overlay_nearer(defaults.unwrap_or_default());
    let layers = Layers::new(inherited, groups.unwrap_or_default(), context);
    let service = service_settings(service.unwrap_or_default(), context);
    context.allow_urls = service.allow_urls.as_slice().into();
    let has_nats = document.nats.is_some();
    let nats = nats_settings(document.nats, document.cluster.is_some(), context);
    let cluster = cluster_settings(document.cluster, has_nats, context);
    let (cluster, mut shards) = cluster.unzip();
    let fleets = fleets.unwrap_or_default().0;
    let members = members(&fleets, connections.unwrap_or_default(), context);
    let connections = layers.settings(&fleets, members, shards.as_mut(), context);
    if let Some(shards) = &shards {
        shards.check_places(context);
    }
    warn_of_unused(&connections, context);
    Settings {
        write_lease: None,
        service,
        connections,
        nats,
        cluster,
        warnings: Vec::new(),
        inherited: match inherits {
            true => Inherited::new(InheritedTables {
                layers,
                buckets: context.buckets.clone(),
                shards,
            }),
            false => Inherited::default(),
        },
    }
}
