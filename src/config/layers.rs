//! Inheritance: what connections inherit, and how their own keys override it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    cluster::{Shards, Written},
    dead_rules::check_rules,
    dialogue::Dialogues,
    finish::finish,
    fleet::{Share, expand_entry},
    keys::{ConnectionTable, FleetTable},
    members::{Member, Members, Origin},
    nats::check_fence,
    order::check_order,
    read::{Buckets, Context, Entry, Item, Named, Problem, backticked, read_entries, similar},
    values::Subprotocols,
};
use crate::core::ConnectionName;
use everwire_proto::settings::ConnectionSettings;

/// What connections that are opened at run time inherit, and what they share with others.
#[derive(Default)]
pub(super) struct InheritedTables {
    pub layers: Layers,
    pub buckets: Arc<Buckets>,
    /// What the names of the file share, if there is a cluster.
    pub shards: Option<Shards>,
}

/// What connections inherit.
#[derive(Default)]
pub(super) struct Layers {
    defaults: ConnectionTable,
    /// The defaults merged with each group's keys, by the group's name.
    groups: HashMap<String, ConnectionTable>,
}

impl Layers {
    /// Merges the defaults into each group.
    pub fn new<G: Into<ConnectionTable>>(
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

    /// The settings of all members.
    pub fn settings(
        &self,
        fleets: &[Item<FleetTable>],
        members: Members,
        mut shards: Option<&mut Shards>,
        context: &mut Context<'_>,
    ) -> BTreeMap<ConnectionName, ConnectionSettings> {
        // The common part of a fleet is merged once.
        let bases: Vec<ConnectionTable> = fleets
            .iter()
            .map(|fleet| self.inherit(fleet.value.fixed.clone(), context))
            .collect();
        let mut settings = Vec::with_capacity(members.len());
        let mut dialogues = Dialogues::default();
        for (name, Member { place, origin }) in members {
            let table = match origin {
                Origin::Single(table) => self.inherit(*table, context),
                Origin::Fleet {
                    fleet,
                    row,
                    turn,
                    changes,
                } => {
                    context.problems.subject = Some(name.to_string());
                    let Item {
                        name: fleet_name,
                        value,
                        ..
                    } = &fleets[fleet];
                    let FleetTable {
                        fixed,
                        varying,
                        keys,
                    } = value;
                    let varying: Vec<Entry> = varying
                        .iter()
                        .map(|entry| expand_entry(entry, &row, name.as_str()))
                        .collect();
                    let mut own: ConnectionTable = read_entries(&varying, context);
                    if let Some(changes) = changes {
                        own.overlay_nearer(*changes);
                    }
                    let mut table = if own.group.is_some() {
                        let mut table = fixed.clone();
                        table.overlay_nearer(own);
                        self.inherit(table, context)
                    } else {
                        let mut table = bases[fleet].clone();
                        table.overlay_nearer(own);
                        table
                    };
                    if let Some(spread) = &keys.spread {
                        let share = Share {
                            fleet: fleet_name,
                            spread,
                            turn,
                        };
                        share.give(&mut table, &row, name.as_str(), context);
                    }
                    table
                }
            };
            self.check_rules(&table, context);
            check_fence(&table, &name, context);
            let written = Written::of(&table, place);
            let own = finish(table, place, &mut dialogues, context);
            if let Some(shards) = &mut shards {
                shards.check(Some(&name), &own, &written, context);
            }
            settings.push((name, own));
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

    /// Keys from an API over those that they may inherit: without those that decide where to dial,
    /// or that may be secret.
    pub fn inherit_harmless(
        &self,
        own: ConnectionTable,
        context: &mut Context<'_>,
    ) -> ConnectionTable {
        let mut base = self.base(&own, context).clone();
        (base.url, base.urls) = (None, None);
        (base.headers, base.basic_auth, base.on_open) = (None, None, None);
        (base.lets, base.open_script, base.capture) = (None, None, None);
        (base.rules, base.ids, base.prepare) = (None, None, None);
        (base.periodic, base.close_script) = (None, None);
        (base.subscribe, base.subscriptions) = (None, None);
        // Templates may contain secrets, too, and read names that are not inherited.
        base.heartbeat
            .take_if(|heartbeat| heartbeat.value.has_templates());
        base.idle_timeout
            .take_if(|time| time.value.template().is_some());
        if let Some(tls) = &mut base.tls {
            (tls.value.cert_file, tls.value.key_file) = (None, None);
        }
        if let Some(subprotocols) = &mut base.subprotocols {
            let Subprotocols(list) = &mut subprotocols.value;
            list.retain(|subprotocol| !subprotocol.template.has_variables());
        }
        base.overlay_nearer(own);
        base
    }

    /// Reports the connection's own rules that can never match.
    pub fn check_rules(&self, table: &ConnectionTable, context: &mut Context<'_>) {
        let group = table.group.as_ref();
        let group = group.and_then(|group| self.groups.get(&group.value.0));
        check_rules(table, group.unwrap_or(&self.defaults), context);
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
        let message = format!("unknown group {}", backticked(name));
        context
            .problems
            .push(Problem::absence(group.place, message).help(help));
        &self.defaults
    }
}
