//! What the API was given and what must outlive the process: connections and secrets.

use std::collections::HashMap;

use everwire::{
    ConnectionName, ConnectionSettings, Manager, Owner,
    config::{InvalidJson, Secret},
};

use super::http::Rules;

const CONNECTION: &str = "connection/";
const SECRET: &str = "secret/";
/// Of connections. One without it is of the owner whose name is empty: it was put by an earlier version, or without tokens.
const OWNER: &str = "owner/";

/// Keeps a new connection: whose it is, and its settings as they were given.
pub fn new_connection(manager: &Manager, name: &ConnectionName, owner: &Owner, json: &[u8]) {
    let owner = Some(owner.as_str().as_bytes()).filter(|owner| !owner.is_empty());
    // First: should the process die in between, nothing is without its owner.
    manager.keep(format!("{OWNER}{name}"), owner);
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

/// Keeps the value of a secret; `None` forgets it.
pub fn secret(manager: &Manager, id: &ConnectionName, value: Option<&[u8]>) {
    manager.keep(format!("{SECRET}{id}"), value);
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

/// Gives the manager what earlier processes have kept. What cannot be used any more is told, and stays kept.
pub fn restore(manager: &Manager, rules: &Rules) {
    let kept = manager.take_kept();
    // What is dialled below may need them.
    for (key, value) in &kept {
        if let Some(id) = key.strip_prefix(SECRET) {
            tell(id, restore_secret(manager, id, value));
        }
    }
    let mut owners: HashMap<_, _> = kept
        .iter()
        .filter_map(|(key, owner)| Some((key.strip_prefix(OWNER)?, owner)))
        .collect();
    for (key, json) in &kept {
        if let Some(name) = key.strip_prefix(CONNECTION) {
            let owner = owners.remove(name).map_or(&[][..], Vec::as_slice);
            let owner = Owner::new(String::from_utf8_lossy(owner));
            tell(name, restore_connection(manager, rules, name, owner, json));
        }
    }
    // The process died before their connections were kept.
    for name in owners.into_keys() {
        manager.keep(format!("{OWNER}{name}"), None);
    }
}

fn restore_secret(manager: &Manager, id: &str, value: &[u8]) -> Result<(), String> {
    let id = ConnectionName::new(id).map_err(|error| error.to_string())?;
    let value = std::str::from_utf8(value).map_err(|_| "it is not UTF-8".to_owned())?;
    let put = manager.put_secret(id, Secret::new(value));
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
