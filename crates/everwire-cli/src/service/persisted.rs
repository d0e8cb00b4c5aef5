//! What the API was given and what must outlive the process: connections and secrets.

use std::{collections::HashMap, sync::atomic::Ordering};

use everwire::{
    ConnectionName, ConnectionSettings, Manager, Owner,
    config::{InvalidJson, Secret},
};

use super::http::{Api, Rules};

const CONNECTION: &str = "connection/";
const SECRET: &str = "secret/";
/// Of connections. One without it is of the owner whose name is empty: it was put by an earlier version, or without tokens.
const OWNER: &str = "owner/";
/// Of secrets, in the same way.
const SECRET_OWNER: &str = "secret_owner/";

/// Keeps a new connection: whose it is, and its settings as they were given.
pub fn new_connection(manager: &Manager, name: &ConnectionName, owner: &Owner, json: &[u8]) {
    // First: should the process die in between, nothing is without its owner.
    manager.keep(format!("{OWNER}{name}"), kept_owner(owner));
    connection(manager, name, json);
}

/// Keeps the settings of a connection as they were given; its owner stays.
pub fn connection(manager: &Manager, name: &ConnectionName, json: &[u8]) {
    manager.keep(format!("{CONNECTION}{name}"), Some(json));
}

/// Forgets a connection.
pub fn forget_connection(manager: &Manager, name: &ConnectionName) {
    manager.keep(format!("{CONNECTION}{name}"), None);
    manager.keep(format!("{OWNER}{name}"), None);
}

/// Keeps a new secret: whose it is, and its value.
pub fn new_secret(manager: &Manager, id: &ConnectionName, owner: &Owner, value: &[u8]) {
    manager.keep(format!("{SECRET_OWNER}{id}"), kept_owner(owner));
    secret(manager, id, value);
}

/// Keeps the value of a secret; its owner stays.
pub fn secret(manager: &Manager, id: &ConnectionName, value: &[u8]) {
    manager.keep(format!("{SECRET}{id}"), Some(value));
}

/// Forgets a secret.
pub fn forget_secret(manager: &Manager, id: &ConnectionName) {
    manager.keep(format!("{SECRET}{id}"), None);
    manager.keep(format!("{SECRET_OWNER}{id}"), None);
}

fn kept_owner(owner: &Owner) -> Option<&[u8]> {
    Some(owner.as_str().as_bytes()).filter(|owner| !owner.is_empty())
}

/// It is changed, and lost if the process ends before the store can write.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is done, and not on disk: the store cannot write; it is written as soon as the store can"
)]
pub struct NotOnDisk;

/// Waits until what was changed is safe on disk, so that no answer tells of what a kill would undo. A store that fails does not keep what
/// works from being changed.
///
/// # Errors
///
/// [`NotOnDisk`].
pub async fn written(manager: &Manager) -> Result<(), NotOnDisk> {
    if manager.written().await {
        return Ok(());
    }
    tracing::error!(
        "the store does not write: what is changed now is lost if the process dies before it does"
    );
    Err(NotOnDisk)
}

/// The store is open, which can be long after the start: what earlier processes have kept is there.
pub fn store_is_open(api: &Api) {
    if let Some(damage) = api.manager.store_damage() {
        tracing::error!(damage, "the store was damaged");
    }
    restore(api);
    api.knows_kept.store(true, Ordering::Release);
}

/// Gives the manager what earlier processes have kept. What cannot be used any more is told, and stays kept.
fn restore(api: &Api) {
    let (manager, rules) = (&api.manager, api.rules());
    let kept = manager.take_kept();
    // What is dialled below may need them.
    let mut owners = Owners::of(&kept, SECRET_OWNER);
    for (key, value) in &kept {
        if let Some(id) = key.strip_prefix(SECRET) {
            tell(id, restore_secret(api, id, owners.take(id), value));
        }
    }
    owners.forget(manager);
    let mut owners = Owners::of(&kept, OWNER);
    for (key, json) in &kept {
        if let Some(name) = key.strip_prefix(CONNECTION) {
            let owner = owners.take(name);
            tell(name, restore_connection(manager, &rules, name, owner, json));
        }
    }
    owners.forget(manager);
}

/// The owners that earlier processes have kept of something.
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

    /// Forgets those that nobody has taken: the process died before what they own was kept.
    fn forget(self, manager: &Manager) {
        for name in self.owners.keys() {
            manager.keep(format!("{}{name}", self.prefix), None);
        }
    }
}

fn restore_secret(api: &Api, id: &str, owner: Owner, value: &[u8]) -> Result<(), String> {
    let id = ConnectionName::new(id).map_err(|error| error.to_string())?;
    let value = std::str::from_utf8(value).map_err(|_| "it is not UTF-8".to_owned())?;
    // A share that is smaller now takes nothing away.
    let put = api
        .secrets
        .put(&api.manager, &id, Secret::new(value), owner, None);
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
        // The file has taken the name over.
        forget_connection(manager, &name);
        return Ok(());
    }
    let settings = accepted_settings(rules, &name, json).map_err(|invalid| invalid.to_string())?;
    let opened = manager.open_owned(&name, settings, owner);
    opened.map(drop).map_err(|error| error.to_string())
}

/// The settings as they were accepted: limits that are lower now do not take a name down, and hold from its next change on.
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
        tracing::warn!(%name, text, "settings are beyond limits that are lower now, and stay as they are");
        Ok(accepted)
    })
}

/// All that is wrong, in a line.
fn reasons(invalid: &InvalidJson) -> String {
    match invalid {
        InvalidJson::Keys { errors, .. } => {
            let errors = errors.iter().map(|error| error.message.as_str());
            errors.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn tell(name: &str, restored: Result<(), String>) {
    if let Err(text) = restored {
        tracing::error!(
            name,
            text,
            "what was kept of an earlier process cannot be used"
        );
    }
}
