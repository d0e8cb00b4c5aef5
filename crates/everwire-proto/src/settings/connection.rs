//! The settings of one connection.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Compression, DialPolicy, Heartbeat, HistorySettings, InvalidUrl, Labels, OutboxSettings,
    PlainUrl, ProtocolFactory, Proxy, RateSettings, Reconnect, SequenceSettings, Subprotocol,
    dialogue::Dialogue, url,
};
use crate::decode::Decoding;
use crate::language::{MessageTemplate, SecretTemplate, Template, Variable};

/// One connection's settings: the keys of `[connections.NAME]`, merged and checked.
///
/// ```
/// use std::time::Duration;
/// use everwire_proto::settings::ConnectionSettings;
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// settings.idle_timeout = Some(Duration::from_secs(60));
/// # Ok::<(), everwire_proto::settings::InvalidUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSettings {
    /// `ws://` or `wss://`; rendered and parsed again at each dial.
    pub url: Template,
    /// The other URLs of `urls`, dialled in order when `url` fails.
    pub failover_urls: Vec<Template>,
    /// The group whose keys this connection inherited.
    pub group: Option<String>,
    /// Labels for filters and views.
    pub tags: Vec<String>,
    /// What a node of a cluster must have, to be given the name. Without a cluster it is ignored.
    pub place: Labels,
    /// Whether the name is dialled when it is opened.
    pub enabled: bool,
    /// Whether the service is not ready while this name is not.
    pub required: bool,
    /// Whether the name has no socket of its own, and is only for sessions. It is `idle` while
    /// sessions may be opened, and accepts no messages (`Rejected::SessionsOnly`).
    pub sessions_only: bool,
    /// Headers of the upgrade request, with valid names. They are sent unchanged, in this order;
    /// `Host` is always the first.
    pub headers: Vec<(String, SecretTemplate)>,
    /// HTTP basic authentication (RFC 7617).
    pub basic_auth: Option<BasicAuth>,
    /// Subprotocols to offer, best first. If there are any, the server must choose one.
    pub subprotocols: Vec<Subprotocol>,
    /// The local address to dial from.
    pub source_address: Option<IpAddr>,
    /// The proxy for all dials; `None`: direct dials.
    pub proxy: Option<Proxy>,
    /// Messages that are sent first whenever a socket opens.
    pub on_open: Vec<Opening>,
    /// The conversation on the socket; `None`: only `on_open` and the heartbeat.
    pub dialogue: Option<Arc<Dialogue>>,
    /// A conversation in code, instead of `dialogue`: a connection has at most one of the two. Not
    /// a key of a file.
    pub protocol: Option<ProtocolFactory>,
    /// The time limit from the start of a dial to the answer to the upgrade.
    pub connect_timeout: Duration,
    /// The time limit for the closing handshake, and before it for flushing the outbox.
    pub close_timeout: Duration,
    /// A socket without an application message for this long is lost.
    pub idle_timeout: Option<Duration>,
    /// The close code on a drain.
    pub close_code: u16,
    /// The longest message in bytes, in both directions; for a compressed message, its decompressed
    /// size.
    pub max_message: usize,
    /// The longest frame that is accepted, in bytes on the wire.
    pub max_frame: usize,
    /// permessage-deflate (RFC 7692), if it is to be offered.
    pub compression: Option<Compression>,
    /// How the peer's messages are decoded; `None`: not at all. Messages of sessions are not
    /// decoded.
    pub decode: Option<Decoding>,
    /// How a dead peer is detected.
    pub heartbeat: Heartbeat,
    /// What happens after a loss.
    pub reconnect: Reconnect,
    /// How many messages may wait, and whether they are kept until they are confirmed.
    pub outbox: OutboxSettings,
    /// How many of the last incoming messages are kept for readers that resume.
    pub history: HistorySettings,
    /// The rate limits for outgoing messages: a message waits for all of them at once. Empty: no
    /// limit.
    pub rate: Vec<RateSettings>,
    /// A socket that was ready for this long is replaced: its successor is made ready before it is
    /// closed.
    pub rotate_after: Option<Duration>,
    /// How it is replaced, for whatever reason.
    pub rotation: RotationMode,
    /// Where the peer's own numbers are, if its messages have any.
    pub sequence: Option<SequenceSettings>,
    /// TLS, for `wss`.
    pub tls: TlsSettings,
    /// What may be dialled. Not a key of a file: it is for settings that come from elsewhere.
    pub dial_policy: DialPolicy,
    /// What may be dialled as a proxy.
    pub proxy_policy: DialPolicy,
}

/// How a socket is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RotationMode {
    /// Its successor is made ready before it is closed.
    #[default]
    Overlap,
    /// It is closed before its successor is dialled, for servers that allow one session per client.
    Replace,
}

/// `basic_auth`.
#[derive(Clone, Debug, PartialEq)]
pub struct BasicAuth {
    /// The user name; without a colon.
    pub user: Template,
    /// The password.
    pub password: SecretTemplate,
    /// The encoding of both.
    pub encoding: AuthEncoding,
}

/// The encoding of the user name and the password of [`BasicAuth`].
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

/// `tls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate, with its chain. It and `key_file` belong together.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the client certificate's key: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key_file: Option<PathBuf>,
    /// The DNS name or IP address for SNI and verification, instead of the URL's host.
    pub server_name: Option<String>,
    /// Whether any certificate of the server is accepted.
    pub insecure: bool,
}

impl ConnectionSettings {
    /// The defaults, with this URL. Nothing in the text is expanded.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] when the text is not an absolute `ws://` or `wss://` URL with a host, or has
    /// a fragment (RFC 6455 §3).
    pub fn new(url: impl AsRef<str>) -> Result<Self, InvalidUrl> {
        let url = url.as_ref();
        if PlainUrl::of(url).is_none() {
            url::parse(url)?;
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
        let dialogue = self.dialogue.iter();
        let dialogue = dialogue.flat_map(|dialogue| dialogue.templates());
        self.urls()
            .chain(headers)
            .chain(auth)
            .chain(self.subprotocols.iter().map(Subprotocol::template))
            .chain(self.proxy.iter().flat_map(Proxy::templates))
            .chain(openings)
            .flat_map(Template::variables)
            .chain(dialogue.flat_map(MessageTemplate::variables))
            .filter_map(|variable| match variable {
                Variable::Stored(id) => Some(id),
                Variable::File(_) => None,
            })
    }

    /// The defaults, with a template that [`url::parse`] checks when it is rendered.
    pub fn with_url(url: Template) -> Self {
        Self {
            url,
            failover_urls: Vec::new(),
            group: None,
            tags: Vec::new(),
            place: Labels::default(),
            enabled: true,
            required: false,
            sessions_only: false,
            headers: Vec::new(),
            basic_auth: None,
            subprotocols: Vec::new(),
            source_address: None,
            proxy: None,
            on_open: Vec::new(),
            dialogue: None,
            protocol: None,
            connect_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            idle_timeout: None,
            close_code: 1001,
            max_message: 16 << 20,
            max_frame: 16 << 20,
            compression: None,
            decode: None,
            heartbeat: Heartbeat::default(),
            reconnect: Reconnect::default(),
            outbox: OutboxSettings::default(),
            history: HistorySettings::default(),
            rate: Vec::new(),
            rotate_after: None,
            rotation: RotationMode::default(),
            sequence: None,
            tls: TlsSettings::default(),
            dial_policy: DialPolicy::Any,
            proxy_policy: DialPolicy::Any,
        }
    }
}
