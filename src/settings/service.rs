//! What concerns the process as a whole.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use everwire_proto::settings::{HostSettings, Rate, UrlPattern};

use super::{ApiLimits, MetricsSettings, PublicUrl, ServiceTlsSettings, TokenSettings};

/// `[service]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServiceSettings {
    /// Where the HTTP API listens.
    pub listen: SocketAddr,
    /// Arbiter threads for connections; 0: one per core.
    pub workers: usize,
    /// Where durable outboxes and histories are kept, and what else must outlive the process. It is not touched before
    /// something is to be kept.
    pub state_dir: PathBuf,
    /// Whether closes by hand and epochs outlive the process too: then the store is opened at the start. No key of the
    /// file: the service does, a program may.
    pub remember: bool,
    /// Whether the configuration is read again when its files change.
    pub watch: bool,
    /// How long a shutdown may flush outboxes and close sockets.
    pub drain_timeout: Duration,
    /// Handshakes in flight over all names. Hosts take turns; those whose handshakes hang hold at most half of the places, so that the
    /// others do not wait for them: [`DialLimiter`](crate::core::DialLimiter) says for how long a host may wait.
    pub max_handshakes: NonZeroU32,
    /// Dials over all names in a time.
    pub dial_rate: Rate,
    /// Limits of single hosts, by `host` or `host:port` as in the URL.
    pub hosts: BTreeMap<String, HostSettings>,
    /// One bound over what all connections keep, in bytes: histories, outboxes, unfinished messages, readers and bodies of requests. `None`:
    /// half of what the machine, or the least of the control groups around the process, has. From half of it on histories let go of their
    /// oldest, from three quarters on readers miss events and are told, from nine tenths on messages are rejected; nothing that was
    /// accepted is dropped.
    pub memory: Option<usize>,
    /// One bound over the histories of all connections, in bytes, of which no more count than half of `memory`. Above it those that hold
    /// most let go of their oldest, down to one level for all; what came in within the last second may exceed it.
    pub history_bytes: usize,
    /// What is logged, and how.
    pub log: LogSettings,
    /// Who may use the API; empty: all on this machine.
    pub tokens: Vec<TokenSettings>,
    /// TLS of the API.
    pub tls: Option<ServiceTlsSettings>,
    /// Where metrics are read, and how many.
    pub metrics: MetricsSettings,
    /// Where users find the service, where that is behind a reverse proxy.
    pub public_url: Option<PublicUrl>,
    /// What the API may dial; empty: public addresses only.
    pub allow_urls: Vec<UrlPattern>,
    /// Upper limits of what comes over the API.
    pub api_limits: ApiLimits,
}

/// `service.log`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogSettings {
    /// The least severe level that is written.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
    /// Whether each message is logged too.
    pub messages: bool,
}

/// The least severe level that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// What somebody has to see to.
    Error,
    /// What will come right by itself, or is not as it should be.
    Warn,
    /// What happens to names.
    #[default]
    Info,
    /// What it takes to find a fault.
    Debug,
    /// Everything.
    Trace,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For a person.
    Pretty,
    /// One JSON object per line.
    Json,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9180)),
            workers: 0,
            state_dir: PathBuf::from("everwire-state"),
            remember: false,
            watch: false,
            drain_timeout: Duration::from_secs(25),
            max_handshakes: const { NonZeroU32::new(64).unwrap() },
            dial_rate: Rate::Unlimited,
            hosts: BTreeMap::new(),
            memory: None,
            history_bytes: 256 << 20,
            log: LogSettings::default(),
            tokens: Vec::new(),
            tls: None,
            metrics: MetricsSettings::default(),
            public_url: None,
            allow_urls: Vec::new(),
            api_limits: ApiLimits::default(),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            format: LogFormat::Auto,
            messages: false,
        }
    }
}
