//! Settings for access to the service.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use everwire_proto::{language::Secret, settings::Pattern};

/// A scope of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Status, settings, events.
    Read,
    /// Messages.
    Send,
    /// Everything that changes a connection.
    Control,
}

/// `[[service.tokens]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSettings {
    /// The name in the log.
    pub name: String,
    /// The token, sent as `Authorization: Bearer`.
    pub secret: Secret,
    /// Its scopes.
    pub scopes: BTreeSet<Scope>,
    /// The names that it reaches.
    pub names: Pattern,
}

/// `[service.tls]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceTlsSettings {
    /// PEM file of the certificate with its chain.
    pub cert_file: PathBuf,
    /// PEM file of the certificate's key.
    pub key_file: PathBuf,
    /// A PEM file of authorities: clients need a certificate of one of them. `None`: no client
    /// certificates are requested.
    pub client_ca_file: Option<PathBuf>,
}

/// `service.metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// A separate address; `None`: that of the API.
    pub listen: Option<SocketAddr>,
    /// Whether a token is needed, one that may read all names.
    pub token: bool,
    /// How many names have series of their own.
    pub max_names: usize,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Read, Self::Send, Self::Control];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Control => "control",
        }
    }
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            listen: None,
            token: false,
            max_names: 10_000,
        }
    }
}
