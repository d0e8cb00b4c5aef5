//! The settings of one connection: valid by construction.
//!
//! A reader of files, a builder or an API produces them. The settings of a whole process are not
//! known here.

mod changes;
mod compression;
mod connection;
mod delivery;
mod dial_policy;
mod dial_rate;
pub mod dialogue;
mod heartbeat;
mod labels;
mod name;
mod no_proxy;
mod pattern;
mod plain_url;
mod protocol;
mod proxy;
mod reconnect;
mod subprotocol;
pub mod url;

pub use self::{
    changes::Changes,
    compression::Compression,
    connection::{AuthEncoding, BasicAuth, ConnectionSettings, Opening, RotationMode, TlsSettings},
    delivery::{
        Fsync, HistorySettings, OutboxSettings, RateSettings, Resend, SequenceSettings, WhenFull,
    },
    dial_policy::{DialPolicy, InvalidUrlPattern, Reach, UrlPattern},
    dial_rate::{HostSettings, Rate},
    heartbeat::Heartbeat,
    labels::{Labels, MAX_LABELS},
    name::{ConnectionName, InvalidName, MAX_NAME},
    no_proxy::NoProxy,
    pattern::{InvalidPattern, Pattern},
    plain_url::PlainUrl,
    protocol::ProtocolFactory,
    proxy::{
        EnvironmentProxies, InvalidProxy, InvalidProxyVariable, Proxy, ProxyKind, ProxyParts,
        ProxyUrl, parse_proxy,
    },
    reconnect::{Backoff, GiveUpRule, Jitter, Reconnect},
    subprotocol::Subprotocol,
    url::InvalidUrl,
};
