//! What the API was given and what must outlive the process: connections and secrets.

use everwire::{
    ConnectionName, ConnectionSettings, Manager,
    config::{InvalidJson, Secret},
};

use super::http::Rules;

const CONNECTION: &str = "connection/";
const SECRET: &str = "secret/";

/// Keeps the settings of a connection as they were given; `None` forgets them.
pub fn connection(manager: &Manager, name: &ConnectionName, json: Option<&[u8]>) {
    manager.keep(format!("{CONNECTION}{name}"), json);
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
    for (key, json) in &kept {
        if let Some(name) = key.strip_prefix(CONNECTION) {
            tell(name, restore_connection(manager, rules, name, json));
        }
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
    json: &[u8],
) -> Result<(), String> {
    let name = ConnectionName::new(name).map_err(|error| error.to_string())?;
    if rules.owned.contains(&name) {
        // The file has taken the name over.
        connection(manager, &name, None);
        return Ok(());
    }
    let settings = accepted_settings(rules, &name, json).map_err(|invalid| invalid.to_string())?;
    let opened = manager.open(&name, settings);
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
