//! Names of a process that is no node.

use everwire::{ConnectionName, ConnectionSettings, Handle, Manager, Owner, manager::OpenError};

/// Opens a name of a process that is no node.
pub fn open_alone(
    manager: &Manager,
    name: &ConnectionName,
    settings: ConnectionSettings,
    owner: Option<Owner>,
) -> Result<Handle, OpenError> {
    match owner {
        Some(owner) => manager.open_owned(name, settings, owner),
        None => manager.open(name, settings),
    }
}
