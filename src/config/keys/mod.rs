//! The keys of the file: their names, types and defaults.

mod compression;
mod connection;
mod document;
mod fleet;
mod give_up;
mod headers;
mod heartbeat;
mod opening;
mod reconnect;
mod service;

pub(super) use self::{
    compression::CompressionLayer,
    connection::{BasicAuthTable, ConnectionTable, OutboxTable, TlsTable},
    document::DocumentTable,
    fleet::{FleetKeys, FleetTable},
    headers::Headers,
    heartbeat::{HeartbeatLayer, Kind},
    opening::OnOpen,
    reconnect::{ReconnectLayer, ReconnectTable},
    service::ServiceTable,
};
