//! From the tables of the file to settings: layers are merged, names are checked against each other.

use std::collections::{BTreeMap, HashMap};

use super::{
    ConnectionSettings, HostSettings, LogSettings, ServiceSettings, Settings,
    finish::finish,
    fleet::expand_entry,
    keys::{Buckets, ConnectionTable, DocumentTable, FleetTable, ServiceTable},
    members::{Member, Members, Origin, members},
    order::check_order,
    read::{Context, Entry, Item, Named, Place, Problem, backticked, read_entries, similar},
};
use crate::core::ConnectionName;

/// The settings of a configuration; what is wrong has been told when this returns.
pub(super) fn assemble(document: DocumentTable, context: &mut Context<'_>) -> Settings {
    let service = document.service.map(|table| table.value);
    let defaults = document.defaults.map(|table| table.value);
    let rates = document.rates.map(|table| table.value);
    let groups = document.groups.map(|table| table.value);
    let fleets = document.fleet.map(|table| table.value);
    let connections = document.connections.map(|table| table.value);

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
    }
}

/// What connections inherit.
struct Layers {
    defaults: ConnectionTable,
    /// The defaults and the keys of a group, by the group's name.
    groups: HashMap<String, ConnectionTable>,
}

impl Layers {
    fn new<G: Into<ConnectionTable>>(
        defaults: ConnectionTable,
        groups: Named<G>,
        context: &mut Context<'_>,
    ) -> Self {
        check_order(&defaults, false, context);
        let mut layers = Self {
            groups: HashMap::with_capacity(groups.0.len()),
            defaults,
        };
        for group in groups.0 {
            let mut base = layers.defaults.clone();
            base.overlay_nearer(group.value.into());
            check_order(&base, false, context);
            layers.groups.insert(group.name, base);
        }
        layers
    }

    fn settings(
        &self,
        fleets: &[Item<FleetTable>],
        members: Members,
        buckets: &Buckets,
        context: &mut Context<'_>,
    ) -> BTreeMap<ConnectionName, ConnectionSettings> {
        // What all connections of a fleet inherit and share is merged once.
        let bases: Vec<ConnectionTable> = fleets
            .iter()
            .map(|fleet| self.inherit(fleet.value.fixed.clone(), context))
            .collect();
        let mut settings = Vec::with_capacity(members.len());
        for (name, Member { place, origin }) in members {
            let table = match origin {
                Origin::Single(table) => self.inherit(*table, context),
                Origin::Fleet {
                    fleet,
                    row,
                    changes,
                } => {
                    context.problems.subject = Some(name.to_string());
                    let FleetTable { fixed, varying, .. } = &fleets[fleet].value;
                    let varying: Vec<Entry> = varying
                        .iter()
                        .map(|entry| expand_entry(entry, &row, name.as_str()))
                        .collect();
                    let mut own: ConnectionTable = read_entries(&varying, context);
                    if let Some(changes) = changes {
                        own.overlay_nearer(*changes);
                    }
                    if own.group.is_some() {
                        let mut table = fixed.clone();
                        table.overlay_nearer(own);
                        self.inherit(table, context)
                    } else {
                        let mut table = bases[fleet].clone();
                        table.overlay_nearer(own);
                        table
                    }
                }
            };
            settings.push((name, finish(table, place, buckets, context)));
            context.problems.subject = None;
        }
        settings.into_iter().collect()
    }

    /// A connection's own keys over those of its group, or over the defaults.
    fn inherit(&self, own: ConnectionTable, context: &mut Context<'_>) -> ConnectionTable {
        let mut base = self.base(&own, context).clone();
        base.overlay_nearer(own);
        base
    }

    fn base(&self, own: &ConnectionTable, context: &mut Context<'_>) -> &ConnectionTable {
        let Some(group) = own.group.as_ref().or(self.defaults.group.as_ref()) else {
            return &self.defaults;
        };
        let name = group.value.0.as_str();
        if let Some(base) = self.groups.get(name) {
            return base;
        }
        let help = match similar(name, self.groups.keys().map(String::as_str)) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => format!("write [groups.{name}], or remove it"),
        };
        let message = format!("there is no group {}", backticked(name));
        context
            .problems
            .push(Problem::absence(group.place, message).help(help));
        &self.defaults
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
