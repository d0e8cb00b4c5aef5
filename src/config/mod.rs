//! From the text of a TOML file to valid [`Settings`], with all errors at once.
//!
//! ```text
//! text ─► tree with places (read) ─► typed tables (keys, values) ─► layers merged (assemble, finish) ─► Settings
//!                      └──────────── what is wrong, each thing once ────────────┴─► Diagnostics
//! ```
//!
//! A table is declared once (`keys`): its reader, its merging, its part of the JSON [`schema()`],
//! the conversion into settings and the [`masked()`] view come from that declaration. Each type of
//! values (`values`) defines its own conversion and display. Files and variables come through a
//! [`Source`], so that everything here can be tested without them.
//!
//! Without the feature `config` only the types of the settings are here.

#[cfg(feature = "config")]
mod api_limits;
#[cfg(feature = "config")]
mod assemble;
#[cfg(feature = "config")]
mod base;
#[cfg(feature = "config")]
mod cluster;
#[cfg(feature = "config")]
mod combine;
#[cfg(feature = "config")]
mod dead_rules;
#[cfg(feature = "config")]
mod diagnostics;
#[cfg(feature = "config")]
mod dialogue;
mod environment;
#[cfg(feature = "config")]
mod explain;
#[cfg(feature = "config")]
mod finish;
#[cfg(feature = "config")]
mod fleet;
mod hold;
#[cfg(feature = "config")]
mod invalid_json;
#[cfg(feature = "config")]
mod json;
#[cfg(feature = "config")]
mod keys;
#[cfg(feature = "config")]
mod layers;
#[cfg(feature = "config")]
mod load;
#[cfg(feature = "config")]
mod masked;
#[cfg(feature = "config")]
mod members;
#[cfg(feature = "config")]
mod nats;
#[cfg(feature = "config")]
mod order;
#[cfg(not(feature = "config"))]
mod plain_subscription;
#[cfg(feature = "config")]
mod read;
#[cfg(feature = "config")]
mod schema;
#[cfg(feature = "config")]
mod service;
#[cfg(feature = "config")]
mod units;
#[cfg(feature = "config")]
mod values;

#[cfg(feature = "config")]
use self::dialogue::compile_subscription;
#[cfg(not(feature = "config"))]
use self::plain_subscription::compile_subscription;

pub use self::environment::proxies_from;
#[cfg(feature = "config")]
pub use self::{
    base::Base,
    diagnostics::Diagnostics,
    explain::{Explanation, Line, Section, explain, explain_nats},
    invalid_json::{InvalidJson, KeyError},
    masked::masked,
    schema::schema,
    units::parse_duration,
};
pub use crate::settings::{
    ApiLimits, Changed, ClusterSettings, Diagnostic, Inherited, InvalidPublicUrl,
    InvalidSubscription, LeaseGuard, LogFormat, LogLevel, LogSettings, MetricsSettings, NatsAck,
    NatsInSettings, NatsOutSettings, NatsSettings, NatsTlsSettings, Plan, PublicUrl, Related,
    Scope, ServiceSettings, ServiceTlsSettings, Settings, Source, StreamSettings, SubscriptionWish,
    System, TokenSettings, WithoutLease, WriteLease, boot_clock, shard_key,
};
pub use everwire_proto::{
    language::{Part, Secret, SecretMissing, SecretTemplate, Template, Variable},
    placement::{InvalidLease, LeaseSettings},
    settings::{
        AuthEncoding, Backoff, BasicAuth, Changes, Compression, ConnectionSettings, DialPolicy,
        EnvironmentProxies, Fsync, GiveUpRule, Heartbeat, HistorySettings, HostSettings,
        InvalidProxy, InvalidProxyVariable, InvalidUrl, InvalidUrlPattern, Jitter, Labels,
        MAX_LABELS, Opening, OutboxSettings, Proxy, ProxyUrl, Rate, RateSettings, Reconnect,
        Resend, RotationMode, SequenceSettings, Subprotocol, TlsSettings, UrlPattern, WhenFull,
        url,
    },
};
