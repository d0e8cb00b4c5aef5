//! The keys of the file: their names, types and defaults.

mod access;
mod api_limits;
mod basic_auth;
mod compression;
mod connection;
mod document;
mod fleet;
mod give_up;
mod headers;
mod heartbeat;
mod history;
mod metrics;
mod opening;
mod outbox;
mod rate;
mod reconnect;
mod sequence;
mod service;
#[cfg(test)]
mod tests;

pub(super) use self::{
    access::{ServiceTlsTable, Tokens, UrlPatterns},
    api_limits::ApiLimitsTable,
    basic_auth::BasicAuthTable,
    compression::CompressionLayer,
    connection::ConnectionTable,
    document::DocumentTable,
    fleet::{FleetKeys, FleetTable},
    give_up::GiveUpOn,
    headers::Headers,
    heartbeat::{HeartbeatLayer, Kind},
    history::HistoryTable,
    metrics::MetricsTable,
    opening::OnOpen,
    outbox::OutboxTable,
    rate::{RateLayer, RateTable, buckets},
    reconnect::{ReconnectLayer, ReconnectTable},
    sequence::SequenceLayer,
    service::ServiceTable,
};
