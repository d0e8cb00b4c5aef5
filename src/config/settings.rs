//! Validated settings: types that cannot be wrong. The TOML file, the library's builder and (later) the API all end here.

use std::{
    collections::BTreeMap, net::IpAddr, net::SocketAddr, num::NonZeroU32, path::PathBuf,
    time::Duration,
};

use bytes::Bytes;

use super::{
    DialPolicy, Inherited, MetricsSettings, ServiceTlsSettings, TokenSettings, UrlPattern,
    compression::Compression,
    delivery::{HistorySettings, OutboxSettings, RateSettings, SequenceSettings},
    plain_url::PlainUrl,
    proxy::Proxy,
    secret::{SecretTemplate, Template, Variable},
};
use crate::core::ConnectionName;

/// Everything that one process runs on.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// What concerns the process as a whole.
    pub service: ServiceSettings,
    /// The connections by name, those of `[fleet]` expanded.
    pub connections: BTreeMap<ConnectionName, ConnectionSettings>,
    /// What connections that are made at run time inherit.
    pub inherited: Inherited,
}

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
    /// Handshakes in flight over all names.
    pub max_handshakes: NonZeroU32,
    /// Dials over all names in a time.
    pub dial_rate: Rate,
    /// Limits of single hosts, by `host` or `host:port` as in the URL.
    pub hosts: BTreeMap<String, HostSettings>,
    /// What is logged, and how.
    pub log: LogSettings,
    /// Who may use the API; empty: all on this machine.
    pub tokens: Vec<TokenSettings>,
    /// TLS of the API.
    pub tls: Option<ServiceTlsSettings>,
    /// Where metrics are read, and how many.
    pub metrics: MetricsSettings,
    /// What the API may dial; empty: public addresses only.
    pub allow_urls: Vec<UrlPattern>,
}

/// `[service.hosts."HOST"]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct HostSettings {
    /// Dials to this host in a time.
    pub dial_rate: Rate,
    /// Handshakes in flight to this host.
    pub max_handshakes: NonZeroU32,
}

/// How often something may happen: `"200/s"`, `"300/5m"`, `"unlimited"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// No limit.
    #[default]
    Unlimited,
    /// At most `count` in any `per`.
    Limited {
        /// How many.
        count: NonZeroU32,
        /// In which time; more than zero.
        per: Duration,
    },
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
#[allow(missing_docs, reason = "the names say it all")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
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

/// One connection's settings: what stands under `[connections.NAME]`, merged and checked.
///
/// ```
/// use std::time::Duration;
/// use everwire::ConnectionSettings;
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// settings.idle_timeout = Some(Duration::from_secs(60));
/// # Ok::<(), everwire::config::InvalidUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConnectionSettings {
    /// `ws://` or `wss://`; rendered and parsed again at each dial.
    pub url: Template,
    /// What is dialled, in order, when `url` fails: the others of `urls`.
    pub failover_urls: Vec<Template>,
    /// The group whose keys this connection inherited.
    pub group: Option<String>,
    /// For the reader: filters and views.
    pub tags: Vec<String>,
    /// Whether the name is dialled when it is opened.
    pub enabled: bool,
    /// Whether the service is not ready while this name is not.
    pub required: bool,
    /// Headers of the upgrade request; names are valid. They are sent in camel case, and in no particular order.
    pub headers: Vec<(String, SecretTemplate)>,
    /// HTTP basic authentication (RFC 7617).
    pub basic_auth: Option<BasicAuth>,
    /// Subprotocols that are offered, best first; if any, the server must choose one.
    pub subprotocols: Vec<String>,
    /// The local address to dial from.
    pub source_address: Option<IpAddr>,
    /// What all dials go through; `None`: nothing.
    pub proxy: Option<Proxy>,
    /// What is sent whenever a socket opens, before anything else.
    pub on_open: Vec<Opening>,
    /// From the start of a dial to the upgrade's answer.
    pub connect_timeout: Duration,
    /// For the closing handshake, and before it for flushing the outbox.
    pub close_timeout: Duration,
    /// A socket without an application message for so long is a loss.
    pub idle_timeout: Option<Duration>,
    /// The close code that is sent on a drain.
    pub close_code: u16,
    /// The longest message that is accepted, in bytes, in both directions; of a compressed one, decompressed.
    pub max_message: usize,
    /// The longest frame that is accepted, in bytes on the wire.
    pub max_frame: usize,
    /// permessage-deflate (RFC 7692), if it is to be offered.
    pub compression: Option<Compression>,
    /// How a dead peer is found.
    pub heartbeat: Heartbeat,
    /// What happens after a loss.
    pub reconnect: Reconnect,
    /// How much may wait to be sent, and what is kept until it is confirmed.
    pub outbox: OutboxSettings,
    /// How much of what came in last can be read again.
    pub history: HistorySettings,
    /// How fast messages may go out; `None`: as fast as the peer takes them.
    pub rate: Option<RateSettings>,
    /// A socket that was ready for so long is replaced: its successor is made ready before it is closed.
    pub rotate_after: Option<Duration>,
    /// Where the peer's own numbers stand, if its messages have any.
    pub sequence: Option<SequenceSettings>,
    /// TLS, for `wss`.
    pub tls: TlsSettings,
    /// What may be dialled. No key of a file says it: it is for settings that come from elsewhere.
    pub dial_policy: DialPolicy,
    /// What may be dialled as a proxy.
    pub proxy_policy: DialPolicy,
}

/// `basic_auth`.
#[derive(Clone, Debug, PartialEq)]
pub struct BasicAuth {
    /// The user name; without a colon.
    pub user: Template,
    /// The password.
    pub password: SecretTemplate,
    /// How both become bytes.
    pub encoding: AuthEncoding,
}

/// How the user name and the password of [`BasicAuth`] become bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthEncoding {
    /// UTF-8 (RFC 7617 §2.1).
    #[default]
    Utf8,
    /// ISO 8859-1; other characters are refused at the dial.
    Latin1,
}

/// A message of `on_open`.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening {
    /// A text message; secrets are read again for each dial.
    Text(Template),
    /// A binary message.
    Binary(Bytes),
}

/// How a dead peer is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Heartbeat {
    /// No heartbeat: only TCP and `idle_timeout` find a dead peer.
    Off,
    /// Ping frames (RFC 6455 §5.5.2) with a payload of our own.
    Protocol {
        /// Between pings.
        interval: Duration,
        /// From a ping to its pong; after that the socket is lost.
        timeout: Duration,
    },
    /// Text messages that the server answers with a text message.
    Text {
        /// Between pings.
        interval: Duration,
        /// From a ping to its pong; after that the socket is lost.
        timeout: Duration,
        /// What is sent.
        ping: String,
        /// What the server answers, the whole message.
        pong: String,
        /// Whether the server answers in order, so that an answer confirms what was written before its ping.
        fence: bool,
        /// Whether subscribers see the answers too.
        deliver: bool,
    },
}

/// What happens after a loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconnect {
    /// The first loss is final: the name fails.
    Never,
    /// Dial again, after a delay.
    Backoff(Backoff),
}

/// The delays between dials: uniform in `[min, cap]`, `cap = min(max, initial × factor^attempt)`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Backoff {
    /// No delay is shorter.
    pub min: Duration,
    /// The first cap; at least `min`.
    pub initial: Duration,
    /// No cap is longer; at least `initial`.
    pub max: Duration,
    /// How fast the cap grows; at least 1.
    pub factor: f64,
    /// How a delay is drawn below the cap.
    pub jitter: Jitter,
    /// A socket must be up so long before the attempts count from zero again.
    pub stable_after: Duration,
    /// Give up after so many failed attempts in a row.
    pub max_attempts: Option<NonZeroU32>,
    /// Causes after which there is no further attempt.
    pub give_up_on: Vec<GiveUpRule>,
}

/// How a delay is drawn below the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Uniform in `[min, cap]`.
    #[default]
    Full,
    /// The cap itself.
    None,
}

/// A cause after which there is no further attempt. `Display` gives the text of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiveUpRule {
    /// `status:401` or `status:400-499`: the handshake's HTTP status.
    Status(std::ops::RangeInclusive<u16>),
    /// `close:4010-4014`: the close code that the peer sent.
    Close(std::ops::RangeInclusive<u16>),
    /// `cause:refused`: one of [`Cause::KINDS`](crate::core::Cause::KINDS).
    Cause(&'static str),
}

impl std::fmt::Display for GiveUpRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, range) = match self {
            Self::Status(range) => ("status", range),
            Self::Close(range) => ("close", range),
            Self::Cause(cause) => return write!(f, "cause:{cause}"),
        };
        match (range.start(), range.end()) {
            (first, last) if first == last => write!(f, "{kind}:{first}"),
            (first, last) => write!(f, "{kind}:{first}-{last}"),
        }
    }
}

/// `tls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSettings {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate, with its chain. It and `key_file` belong together.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the client certificate's key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key_file: Option<PathBuf>,
    /// The DNS name or IP address to ask for (SNI) and to verify, instead of the URL's host.
    pub server_name: Option<String>,
    /// Whether any certificate of the server is accepted.
    pub insecure: bool,
}

/// The text is no URL that can be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is no WebSocket URL: {reason}")]
pub struct InvalidUrl {
    /// The offending text.
    pub url: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl ConnectionSettings {
    /// The defaults, for this URL. Nothing in the text is expanded.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] when the text is no absolute `ws://` or `wss://` URL with a host, or has a fragment (RFC 6455 §3).
    pub fn new(url: impl AsRef<str>) -> Result<Self, InvalidUrl> {
        let url = url.as_ref();
        if PlainUrl::of(url).is_none() {
            super::url::parse(url)?;
        }
        Ok(Self::with_url(Template::literal(url)))
    }

    /// All URLs, `url` first.
    pub fn urls(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.url).chain(&self.failover_urls)
    }

    /// The ids of all `${secret:ID}` in these settings.
    pub fn secret_ids(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().map(|(_, value)| value.expose());
        let auth = self.basic_auth.iter();
        let auth = auth.flat_map(|auth| [&auth.user, auth.password.expose()]);
        let openings = self.on_open.iter().filter_map(|opening| match opening {
            Opening::Text(text) => Some(text),
            Opening::Binary(_) => None,
        });
        self.urls()
            .chain(headers)
            .chain(auth)
            .chain(self.proxy.iter().flat_map(Proxy::templates))
            .chain(openings)
            .flat_map(Template::variables)
            .filter_map(|variable| match variable {
                Variable::Stored(id) => Some(id),
                Variable::File(_) => None,
            })
    }

    /// The defaults, for a template that [`super::url::parse`] checks when it is rendered.
    pub fn with_url(url: Template) -> Self {
        Self {
            url,
            failover_urls: Vec::new(),
            group: None,
            tags: Vec::new(),
            enabled: true,
            required: false,
            headers: Vec::new(),
            basic_auth: None,
            subprotocols: Vec::new(),
            source_address: None,
            proxy: None,
            on_open: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            idle_timeout: None,
            close_code: 1001,
            max_message: 16 << 20,
            max_frame: 16 << 20,
            compression: None,
            heartbeat: Heartbeat::default(),
            reconnect: Reconnect::default(),
            outbox: OutboxSettings::default(),
            history: HistorySettings::default(),
            rate: None,
            rotate_after: None,
            sequence: None,
            tls: TlsSettings::default(),
            dial_policy: DialPolicy::Any,
            proxy_policy: DialPolicy::Any,
        }
    }
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
            log: LogSettings::default(),
            tokens: Vec::new(),
            tls: None,
            metrics: MetricsSettings::default(),
            allow_urls: Vec::new(),
        }
    }
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            dial_rate: Rate::Unlimited,
            max_handshakes: const { NonZeroU32::new(16).unwrap() },
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

impl Heartbeat {
    /// Between pings, unless the settings say otherwise.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

    /// From a ping to its pong, unless the settings say otherwise.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

    /// Whether its answers confirm what was written before them.
    pub fn can_fence(&self) -> bool {
        match self {
            Self::Off => false,
            // TCP and RFC 6455 §5.5.3 keep the order.
            Self::Protocol { .. } => true,
            Self::Text { fence, .. } => *fence,
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::Protocol {
            interval: Self::DEFAULT_INTERVAL,
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::Backoff(Backoff::default())
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(100),
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            factor: 2.0,
            jitter: Jitter::Full,
            stable_after: Duration::from_secs(10),
            max_attempts: None,
            give_up_on: Vec::new(),
        }
    }
}
