//! From the text of a TOML file to [`Settings`] that cannot be wrong, with all errors at once.
//!
//! ```text
//! text ─► tree with places (read) ─► typed tables (keys, values) ─► layers merged (assemble, finish) ─► Settings
//!                      └──────────── what is wrong, each thing once ────────────┴─► Diagnostics
//! ```
//!
//! A table is declared once; its reader, its merging and its part of the JSON [`schema`] come from that declaration.
//! Files and variables come through a [`Source`], so that everything here can be tested without either.

mod assemble;
mod combine;
mod common;
mod compression;
mod diagnostics;
mod finish;
mod fleet;
mod keys;
mod load;
mod masked;
mod members;
mod no_proxy;
mod order;
mod plain_url;
pub(crate) mod proxy;
mod read;
mod schema;
mod secret;
mod settings;
mod source;
mod units;
pub mod url;
mod values;

pub(crate) use common::{CommonSettings, NameSettings};
pub use compression::Compression;
pub use diagnostics::{Diagnostic, Diagnostics, Related};
pub(crate) use plain_url::PlainUrl;
pub use proxy::{EnvironmentProxies, InvalidProxy, InvalidProxyVariable, Proxy, ProxyUrl};
pub use schema::schema;
pub use secret::{Part, Secret, SecretMissing, Template};
pub use settings::{
    AuthEncoding, Backoff, BasicAuth, ConnectionSettings, GiveUpRule, Heartbeat, HostSettings,
    InvalidUrl, Jitter, LogFormat, LogLevel, LogSettings, Opening, OutboxSettings, Rate, Reconnect,
    ServiceSettings, Settings, TlsSettings, WhenFull,
};
pub use source::{Source, System};
