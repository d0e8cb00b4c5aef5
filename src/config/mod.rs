//! From the text of a TOML file to [`Settings`] that cannot be wrong, with all errors at once.

mod diagnostics;
mod load;
mod schema;
mod secret;
mod settings;
mod source;
pub mod url;

pub use diagnostics::{Diagnostic, Diagnostics};
pub use schema::schema;
pub use secret::{Part, Secret, SecretMissing, Template};
pub use settings::{
    AuthEncoding, Backoff, BasicAuth, ConnectionSettings, GiveUpRule, Heartbeat, HostSettings,
    InvalidUrl, Jitter, LogFormat, LogLevel, LogSettings, Opening, OutboxSettings, Rate, Reconnect,
    ServiceSettings, Settings, TlsSettings, WhenFull,
};
pub use source::{Source, System};
