//! The keys of the file: their names, types and defaults.

mod access;
mod api_limits;
mod basic_auth;
mod cluster;
mod compression;
mod connection;
mod decode;
mod dialogue;
mod document;
mod fleet;
mod give_up;
mod headers;
mod heartbeat;
mod history;
mod metrics;
mod nats;
mod opening;
mod outbox;
mod pong;
mod rate;
mod reconnect;
mod sequence;
mod service;
#[cfg(test)]
mod tests;
mod tls_files;

pub(super) use self::{
    access::{ServiceTlsTable, Tokens, UrlPatterns},
    api_limits::ApiLimitsTable,
    basic_auth::BasicAuthTable,
    cluster::ClusterTable,
    compression::CompressionLayer,
    connection::ConnectionTable,
    decode::DecodeLayer,
    dialogue::{
        AgainTable, AskLayer, CaptureLayer, CaptureNames, CaptureTable, Exec, HttpTable, IdsTable,
        LimitsTable, LongForm, Periodic, PeriodicTable, PrepareLayer, PrepareStepTable,
        PrepareTable, RequestTable, RouteTable, RuleTable, Rules, Script, SendLayer, Spread,
        StepTable, SubscribeLayer, SubscriptionLayer, Subscriptions, WordsTable, check_key,
        without_expect,
    },
    document::DocumentTable,
    fleet::{FleetKeys, FleetTable, SCRIPT, URLS},
    give_up::GiveUpOn,
    headers::Headers,
    heartbeat::{HeartbeatLayer, HeartbeatTable, Kind},
    history::HistoryTable,
    metrics::MetricsTable,
    nats::NatsTable,
    opening::{OnOpen, OpenMessage},
    outbox::OutboxTable,
    pong::PongLayer,
    rate::{BucketTable, RateKeys, RateLayer, buckets, show_rates},
    reconnect::{ReconnectLayer, ReconnectTable},
    sequence::SequenceLayer,
    service::ServiceTable,
    tls_files::{TlsFiles, check_tls_files},
};
