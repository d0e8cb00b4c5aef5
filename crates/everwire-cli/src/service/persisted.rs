//! What the API was given and what must outlive the process: connections, secrets and subscriptions.

use everwire::{ConnectionName, Manager, Owner};

/// What the keys of connections begin with.
pub const CONNECTION: &str = "connection/";
/// Of secrets.
pub const SECRET: &str = "secret/";
/// Of the owners of connections. One without it is of the owner whose name is empty: it was put by an earlier version, or without tokens.
pub const OWNER: &str = "owner/";
/// Of the owners of secrets, in the same way.
pub const SECRET_OWNER: &str = "secret_owner/";

/// Of the subscriptions that callers hold: behind it come the name, a slash, and the key.
pub const SUBSCRIPTION: &str = "subscription/";

/// Keeps what a caller holds of a connection, as it was given.
pub fn subscription(manager: &Manager, name: &ConnectionName, key: &str, json: &[u8]) {
    manager.keep(format!("{SUBSCRIPTION}{name}/{key}"), Some(json));
}

/// Forgets what a caller held.
pub fn forget_subscription(manager: &Manager, name: &ConnectionName, key: &str) {
    manager.keep(format!("{SUBSCRIPTION}{name}/{key}"), None);
}

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
    "the change is made, but not on disk: the store cannot write at present, and writes it as soon as it can"
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
    tracing::error!("the store cannot write: changes are lost if the process ends before it can");
    Err(NotOnDisk)
}
