//! Compares the files with the running names.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use everwire::{
    ConnectionName, ConnectionSettings, Manager, Pattern,
    config::{DialPolicy, Plan},
};

use crate::service::state::AppState;

/// The plan for all names, and the work for each.
pub fn plan(
    state: &AppState,
    mut names: BTreeMap<ConnectionName, ConnectionSettings>,
    owned: &BTreeSet<ConnectionName>,
    policy: &DialPolicy,
) -> (BTreeMap<ConnectionName, ConnectionSettings>, Plan) {
    // In a cluster, names of other nodes are planned, too: all nodes have the same file.
    let old = state.cluster.settings();
    let old = old.unwrap_or_else(|| settings_of_all(&state.manager));
    add_those_of_the_api(&mut names, &old, owned, policy);
    let plan = Plan::between(&old, &names);
    (names, plan)
}

fn settings_of_all(manager: &Manager) -> BTreeMap<ConnectionName, ConnectionSettings> {
    let handles = manager.list(&Pattern::all()).into_iter();
    handles
        .filter_map(|handle| {
            let settings = manager.settings(handle.name())?;
            Some((handle.name().clone(), Arc::unwrap_or_clone(settings)))
        })
        .collect()
}

/// Connections that the API created stay, except for what they may dial.
fn add_those_of_the_api(
    names: &mut BTreeMap<ConnectionName, ConnectionSettings>,
    old: &BTreeMap<ConnectionName, ConnectionSettings>,
    owned: &BTreeSet<ConnectionName>,
    policy: &DialPolicy,
) {
    for (name, settings) in old.iter().filter(|(name, _)| !owned.contains(*name)) {
        names.entry(name.clone()).or_insert_with(|| {
            let mut settings = settings.clone();
            allow(&mut settings, policy);
            settings
        });
    }
}

/// Lets a connection of the API dial what this policy allows.
pub fn allow(settings: &mut ConnectionSettings, policy: &DialPolicy) {
    settings.dial_policy = policy.clone();
    // An inherited proxy may be dialled, whatever the API allows.
    if settings.proxy_policy != DialPolicy::Any {
        settings.proxy_policy = policy.clone();
    }
}
