//! The settings of the service.

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
    /// The folder for durable outboxes and histories, and for other data that must outlive the
    /// process. It is not touched before there is something to store.
    pub state_dir: PathBuf,
    /// Whether closes by hand and epochs outlive the process, too; the store is then opened at the
    /// start. Not a key of the file: the service sets it, and a program may.
    pub remember: bool,
    /// Whether the configuration is read again when its files change.
    pub watch: bool,
    /// How long a shutdown may flush outboxes and close sockets.
    pub drain_timeout: Duration,
    /// Handshakes in flight over all names. Hosts take turns. Hosts whose handshakes hang hold at
    /// most half of the places, so that others need not wait for them:
    /// [`DialLimiter`](crate::core::DialLimiter) says how long a host may wait.
    pub max_handshakes: NonZeroU32,
    /// Dials over all names in a time.
    pub dial_rate: Rate,
    /// Limits of single hosts, by `host` or `host:port` as in the URL.
    pub hosts: BTreeMap<String, HostSettings>,
    /// The limit over all that connections keep, in bytes: histories, outboxes, unfinished
    /// messages, readers and bodies of requests. `None`: half of the machine's memory, or of the
    /// smallest limit of the process's control groups. From half of the limit on, histories drop
    /// their oldest messages. From three quarters on, readers miss events and are told. From nine
    /// tenths on, messages are rejected. Accepted messages are never dropped for it.
    pub memory: Option<usize>,
    /// The limit over the histories of all connections, in bytes, at most half of `memory`. Beyond
    /// it the longest histories drop their oldest messages, down to one level for all. Messages of
    /// the last second may exceed it.
    pub history_bytes: usize,
    /// What is logged, and how.
    pub log: LogSettings,
    /// The tokens for the API; empty: everybody on this machine has access.
    pub tokens: Vec<TokenSettings>,
    /// TLS of the API.
    pub tls: Option<ServiceTlsSettings>,
    /// The address and the size of the metrics.
    pub metrics: MetricsSettings,
    /// The public URL, if the service is behind a reverse proxy.
    pub public_url: Option<PublicUrl>,
    /// The URLs that the API may dial; empty: public addresses only.
    pub allow_urls: Vec<UrlPattern>,
    /// Upper limits for settings that come over the API.
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
    /// Errors that need attention.
    Error,
    /// Problems that pass by themselves, and things that are not as they should be.
    Warn,
    /// Events of names.
    #[default]
    Info,
    /// Details for finding faults.
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
