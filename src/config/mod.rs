//! From the text of a TOML file to [`Settings`] that cannot be wrong, with all errors at once.
//!
//! ```text
//! text ─► tree with places (read) ─► typed tables (keys, values) ─► layers merged (assemble, finish) ─► Settings
//!                      └──────────── what is wrong, each thing once ────────────┴─► Diagnostics
//! ```
//!
//! A table is declared once; its reader, its merging and its part of the JSON [`schema`] come from that declaration.
//! Files and variables come through a [`Source`], so that everything here can be tested without either.

mod access;
mod api_limits;
mod assemble;
mod changes;
mod combine;
mod common;
mod compression;
mod dead_rules;
mod delivery;
mod diagnostics;
mod dial_policy;
mod finish;
mod fleet;
mod json;
mod keys;
mod layers;
mod load;
mod masked;
mod members;
mod no_proxy;
mod order;
mod plain_url;
mod plan;
pub(crate) mod proxy;
mod public_url;
mod read;
mod schema;
mod secret;
mod service;
mod settings;
mod source;
mod units;
pub mod url;
mod values;

pub use access::{MetricsSettings, Scope, ServiceTlsSettings, TokenSettings};
pub use api_limits::ApiLimits;
pub use changes::Changes;
pub(crate) use common::{CommonSettings, NameSettings};
pub use compression::Compression;
pub use delivery::{
    Fsync, HistorySettings, OutboxSettings, RateSettings, Resend, SequenceSettings, WhenFull,
};
pub use diagnostics::{Diagnostic, Diagnostics, Related};
pub(crate) use dial_policy::Reach;
pub use dial_policy::{DialPolicy, InvalidUrlPattern, UrlPattern};
pub use json::{Inherited, InvalidJson, KeyError};
pub(crate) use plain_url::PlainUrl;
pub use plan::{Changed, Plan};
pub use proxy::{EnvironmentProxies, InvalidProxy, InvalidProxyVariable, Proxy, ProxyUrl};
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use schema::schema;
pub use secret::{Part, Secret, SecretMissing, SecretTemplate, Subprotocol, Template, Variable};
pub use settings::{
    AuthEncoding, Backoff, BasicAuth, ConnectionSettings, GiveUpRule, Heartbeat, HostSettings,
    InvalidUrl, Jitter, LogFormat, LogLevel, LogSettings, Opening, Rate, Reconnect,
    ServiceSettings, Settings, TlsSettings,
};
pub use source::{Source, System};
pub use units::parse_duration;
