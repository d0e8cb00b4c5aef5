//! Restores in the manager what earlier processes have stored, once the store is open.

use std::{collections::HashMap, sync::atomic::Ordering};

use actix_web::web::Data;
use everwire::{
    ConnectionName, ConnectionSettings, Manager, Owner,
    config::{InvalidJson, Secret},
};

use super::{
    hold_again,
    persisted::{CONNECTION, OWNER, SECRET, SECRET_OWNER, forget_connection},
    rules::Rules,
    state::AppState,
};

/// Called when the store is open, which may be long after the start.
pub fn store_is_open(state: &Data<AppState>) {
    if let Some(damage) = state.manager.store_damage() {
        tracing::error!(damage, "the store was damaged");
    }
    restore(state);
    hold_again::settle(state, false);
    state.knows_kept.store(true, Ordering::Release);
}

/// Restores what earlier processes have stored. Entries that cannot be used any more are reported,
/// and stay in the store.
fn restore(state: &AppState) {
    let (manager, rules) = (&state.manager, state.rules());
    let kept = manager.take_kept();
    // The connections below may need the secrets.
    let mut owners = Owners::of(&kept, SECRET_OWNER);
    for (key, value) in &kept {
        if let Some(id) = key.strip_prefix(SECRET) {
            log_unusable(id, restore_secret(state, id, owners.take(id), value));
        }
    }
    owners.forget(manager);
    // The connections below have these from the first socket on.
    hold_again::recall(state, &kept);
    let mut owners = Owners::of(&kept, OWNER);
    for (key, json) in &kept {
        if let Some(name) = key.strip_prefix(CONNECTION) {
            let owner = owners.take(name);
            let restored = match state.cluster.takes_part() {
                // Another node may have it, too.
                true => Err("names of the API are not supported in a cluster yet: write it into the file of all nodes".to_owned()),
                false => restore_connection(manager, &rules, name, owner, json),
            };
            log_unusable(name, restored);
        }
    }
    owners.forget(manager);
}

/// The owners of stored entries.
struct Owners<'a> {
    prefix: &'static str,
    owners: HashMap<&'a str, &'a [u8]>,
}

impl<'a> Owners<'a> {
    fn of(kept: &'a [(String, Vec<u8>)], prefix: &'static str) -> Self {
        let owners = kept.iter();
        let owners =
            owners.filter_map(|(key, owner)| Some((key.strip_prefix(prefix)?, owner.as_slice())));
        Self {
            prefix,
            owners: owners.collect(),
        }
    }

    fn take(&mut self, name: &str) -> Owner {
        let owner = self.owners.remove(name).unwrap_or_default();
        Owner::new(String::from_utf8_lossy(owner))
    }

    /// Deletes owners without an entry: the process died before it stored the entry.
    fn forget(self, manager: &Manager) {
        for name in self.owners.keys() {
            manager.keep(format!("{}{name}", self.prefix), None);
        }
    }
}

fn restore_secret(state: &AppState, id: &str, owner: Owner, value: &[u8]) -> Result<(), String> {
    let id = ConnectionName::new(id).map_err(|error| error.to_string())?;
    let value = std::str::from_utf8(value).map_err(|_| "it is not UTF-8".to_owned())?;
    // A share that is smaller now does not remove existing entries.
    let put = state
        .secrets
        .put(&state.manager, &id, Secret::new(value), owner, None);
    put.map(drop).map_err(|full| full.to_string())
}

fn restore_connection(
    manager: &Manager,
    rules: &Rules,
    name: &str,
    owner: Owner,
    json: &[u8],
) -> Result<(), String> {
    let name = ConnectionName::new(name).map_err(|error| error.to_string())?;
    if rules.owned.contains(&name) {
        // The name is now in the file.
        forget_connection(manager, &name);
        return Ok(());
    }
    let settings = accepted_settings(rules, &name, json).map_err(|invalid| invalid.to_string())?;
    let opened = manager.open_owned(&name, settings, owner);
    opened.map(drop).map_err(|error| error.to_string())
}

/// The settings as they were accepted. Lower limits do not take a name down; they apply from its
/// next change on.
fn accepted_settings(
    rules: &Rules,
    name: &ConnectionName,
    json: &[u8],
) -> Result<ConnectionSettings, InvalidJson> {
    let inherited = &rules.inherited;
    let within = inherited.connection_within(json, &rules.policy, &rules.limits);
    within.or_else(|beyond| {
        let accepted = inherited.connection(json, &rules.policy)?;
        let text = reasons(&beyond);
        tracing::warn!(%name, text, "the stored settings exceed the present limits, and stay as they are");
        Ok(accepted)
    })
}

/// All errors in one line.
fn reasons(invalid: &InvalidJson) -> String {
    match invalid {
        InvalidJson::Keys { errors, .. } => {
            let errors = errors.iter().map(|error| error.message.as_str());
            errors.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn log_unusable(name: &str, restored: Result<(), String>) {
    if let Err(text) = restored {
        tracing::error!(
            name,
            text,
            "stored data of an earlier process cannot be used"
        );
    }
}
