//! From the tables of the file to settings: layers are merged, names are checked against each other.

use super::{
    HostSettings, Inherited, LogSettings, ServiceSettings, Settings,
    keys::{Buckets, DocumentTable, ServiceTable},
    layers::Layers,
    members::members,
    read::{Context, Place},
};

/// The settings of a configuration; what is wrong has been told when this returns.
pub(super) fn assemble(document: DocumentTable, context: &mut Context<'_>) -> Settings {
    let service = document.service.map(|table| table.value);
    let defaults = document.defaults.map(|table| table.value);
    let rates = document.rates.map(|table| table.value);
    let groups = document.groups.map(|table| table.value);
    let fleets = document.fleet.map(|table| table.value);
    let connections = document.connections.map(|table| table.value);

    let inherits = defaults.is_some() || rates.is_some() || groups.is_some();
    let buckets = Buckets::new(rates.unwrap_or_default(), context);
    let layers = Layers::new(
        defaults.unwrap_or_default(),
        groups.unwrap_or_default(),
        context,
    );
    let fleets = fleets.unwrap_or_default().0;
    let members = members(&fleets, connections.unwrap_or_default(), context);
    Settings {
        service: service_settings(service.unwrap_or_default(), context),
        connections: layers.settings(&fleets, members, &buckets, context),
        inherited: match inherits {
            true => Inherited::new(layers, buckets),
            false => Inherited::default(),
        },
    }
}

/// The settings of `[service]`: what is not written keeps its default.
fn service_settings(table: ServiceTable, context: &Context<'_>) -> ServiceSettings {
    let mut service = ServiceSettings::default();
    // The default is a relative path too, and starts where one that is written would.
    let first_file = Place::new(0, 0..0);
    service.state_dir = context.resolve(first_file, &service.state_dir.to_string_lossy());
    if let Some(listen) = table.listen {
        service.listen = listen.value.0;
    }
    if let Some(workers) = table.workers {
        service.workers = workers.value.0;
    }
    if let Some(folder) = table.state_dir {
        service.state_dir = folder.value.0;
    }
    if let Some(timeout) = table.drain_timeout {
        service.drain_timeout = timeout.value.0;
    }
    if let Some(count) = table.max_handshakes {
        service.max_handshakes = count.value.0;
    }
    if let Some(rate) = table.dial_rate {
        service.dial_rate = rate.value;
    }
    for host in table.hosts.into_iter().flat_map(|hosts| hosts.value.0) {
        let mut settings = HostSettings::default();
        if let Some(rate) = host.value.dial_rate {
            settings.dial_rate = rate.value;
        }
        if let Some(count) = host.value.max_handshakes {
            settings.max_handshakes = count.value.0;
        }
        service.hosts.insert(host.name, settings);
    }
    if let Some(log) = table.log {
        let defaults = LogSettings::default();
        let log = log.value;
        service.log = LogSettings {
            level: log.level.map_or(defaults.level, |level| level.value),
            format: log.format.map_or(defaults.format, |format| format.value),
            messages: log
                .messages
                .map_or(defaults.messages, |messages| messages.value),
        };
    }
    service
}
