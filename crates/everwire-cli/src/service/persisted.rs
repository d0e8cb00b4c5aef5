//! What was changed over the API and must outlive the process: connections, secrets and
//! subscriptions.

use everwire::{ConnectionName, Manager, Owner};

/// The prefix of the keys of connections.
pub const CONNECTION: &str = "connection/";
/// The prefix of secrets.
pub const SECRET: &str = "secret/";
/// The prefix of the owners of connections. A connection without an owner belongs to the owner with
/// an empty name: it was created by an earlier version, or without tokens.
pub const OWNER: &str = "owner/";
/// The prefix of the owners of secrets, with the same rule.
pub const SECRET_OWNER: &str = "secret_owner/";

/// The prefix of the subscriptions that callers hold, followed by the name, a slash, and the key.
pub const SUBSCRIPTION: &str = "subscription/";

/// Stores the subscription of a caller, as it was given.
pub fn subscription(manager: &Manager, name: &ConnectionName, key: &str, json: &[u8]) {
    manager.keep(format!("{SUBSCRIPTION}{name}/{key}"), Some(json));
}

/// Deletes the subscription of a caller.
pub fn forget_subscription(manager: &Manager, name: &ConnectionName, key: &str) {
    manager.keep(format!("{SUBSCRIPTION}{name}/{key}"), None);
}

/// Stores a new connection: its owner, and its settings as they were given.
pub fn new_connection(manager: &Manager, name: &ConnectionName, owner: &Owner, json: &[u8]) {
    // The owner is first: if the process dies in between, nothing is without an owner.
    manager.keep(format!("{OWNER}{name}"), kept_owner(owner));
    connection(manager, name, json);
}

/// Stores the settings of a connection as they were given. Its owner stays.
pub fn connection(manager: &Manager, name: &ConnectionName, json: &[u8]) {
    manager.keep(format!("{CONNECTION}{name}"), Some(json));
}

/// Deletes a connection.
pub fn forget_connection(manager: &Manager, name: &ConnectionName) {
    manager.keep(format!("{CONNECTION}{name}"), None);
    manager.keep(format!("{OWNER}{name}"), None);
}

/// Stores a new secret: its owner and its value.
pub fn new_secret(manager: &Manager, id: &ConnectionName, owner: &Owner, value: &[u8]) {
    manager.keep(format!("{SECRET_OWNER}{id}"), kept_owner(owner));
    secret(manager, id, value);
}

/// Stores the value of a secret. Its owner stays.
pub fn secret(manager: &Manager, id: &ConnectionName, value: &[u8]) {
    manager.keep(format!("{SECRET}{id}"), Some(value));
}

/// Deletes a secret.
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
    "the change is made, but not on disk: the store cannot write at present, and writes it as soon as it can"
)]
pub struct NotOnDisk;

/// Waits until all changes are durable, so that no reported change is lost if the process is
/// killed. A failing store does not prevent changes.
///
/// # Errors
///
/// [`NotOnDisk`].
pub async fn written(manager: &Manager) -> Result<(), NotOnDisk> {
    if manager.written().await {
        return Ok(());
    }
    tracing::error!("the store cannot write: changes are lost if the process ends before it can");
    Err(NotOnDisk)
}
