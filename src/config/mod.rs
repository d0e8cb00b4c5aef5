//! From the text of a TOML file to [`Settings`] that cannot be wrong, with all errors at once.
//!
//! ```text
//! text ─► tree with places (read) ─► typed tables (keys, values) ─► layers merged (assemble, finish) ─► Settings
//!                      └──────────── what is wrong, each thing once ────────────┴─► Diagnostics
//! ```
//!
//! A table is declared once (`keys`): its reader, its merging, its part of the JSON [`schema`], the step into the settings and the
//! [`masked`] view come from that declaration. What a type of values becomes and how it is shown stands beside the type (`values`).
//! Files and variables come through a [`Source`], so that everything here can be tested without either.

mod api_limits;
mod assemble;
mod combine;
mod dead_rules;
mod diagnostics;
mod environment;
mod finish;
mod fleet;
mod invalid_json;
mod json;
mod keys;
mod layers;
mod load;
mod masked;
mod members;
mod order;
mod read;
mod schema;
mod service;
mod units;
mod values;

pub(crate) mod proxy {
    pub(crate) use everwire_proto::settings::{ProxyKind, ProxyParts, parse_proxy as parse};
}

pub use self::{
    diagnostics::Diagnostics,
    environment::proxies_from,
    invalid_json::{InvalidJson, KeyError},
    masked::masked,
    schema::schema,
    units::parse_duration,
};
pub use crate::settings::{
    ApiLimits, Changed, Diagnostic, Inherited, InvalidPublicUrl, LogFormat, LogLevel, LogSettings,
    MetricsSettings, Plan, PublicUrl, Related, Scope, ServiceSettings, ServiceTlsSettings,
    Settings, Source, System, TokenSettings,
};
pub(crate) use crate::settings::{CommonSettings, NameSettings};
pub(crate) use everwire_proto::settings::{PlainUrl, ProxyParts, Reach};
pub use everwire_proto::{
    language::{Part, Secret, SecretMissing, SecretTemplate, Template, Variable},
    settings::{
        AuthEncoding, Backoff, BasicAuth, Changes, Compression, ConnectionSettings, DialPolicy,
        EnvironmentProxies, Fsync, GiveUpRule, Heartbeat, HistorySettings, HostSettings,
        InvalidProxy, InvalidProxyVariable, InvalidUrl, InvalidUrlPattern, Jitter, Opening,
        OutboxSettings, Proxy, ProxyUrl, Rate, RateSettings, Reconnect, Resend, SequenceSettings,
        Subprotocol, TlsSettings, UrlPattern, WhenFull, url,
    },
};
