//! The keys of a connection.

use std::net::IpAddr;

use super::{
    BasicAuthTable, CaptureLayer, CompressionLayer, DecodeLayer, Headers, HeartbeatLayer,
    HistoryTable, IdsTable, OnOpen, OutboxTable, Periodic, PrepareLayer, RateLayer, ReconnectLayer,
    RequestTable, Rules, Script, SequenceLayer, StepTable, SubscribeLayer, Subscriptions,
    tls_files::TlsFiles,
};
use crate::config::{
    read::{Entries, Keys, Read, Section, table},
    values::{
        CloseCode, FilePath, Period, PlaceLabels, ProxySetting, Rotation, ServerName, Size,
        Subprotocols, Tags, TemplateText, Templated, Text, Timeout, Url, Urls,
    },
};
use everwire_proto::settings::{ConnectionSettings, RotationMode, TlsSettings};

table! {
    /// A connection, or the keys that connections inherit.
    pub(in crate::config) struct ConnectionTable <=> ConnectionSettings {
        /// The URL to connect to: `ws://host/path` or `wss://host/path`. `${NAME}` and
        /// `${file:PATH}` are expanded, and shown as they are written. Anything else is shown in
        /// statuses and the log, so a secret must not be written here literally.
        url: Url,
        /// Several URLs instead of url, in the order of preference. When one fails, the next is
        /// dialled within `reconnect.initial`. Each has its own backoff, and waits for its own
        /// Retry-After. After a stable socket the first URL whose time has come is preferred again.
        urls: Urls => failover_urls,
        /// The group whose keys this connection inherits.
        group: Text,
        /// Labels for filters and views.
        tags: Tags = [],
        /// The labels that a node of the cluster must have, to be given the connection:
        /// { region = "eu" }. "" removes an inherited one. At most 256 bytes, with 6 for each label.
        /// Without [cluster] it is ignored.
        place: PlaceLabels = {},
        /// Whether it is dialled at start.
        enabled: bool = true,
        /// Whether the service is not ready (`/readyz`) while this connection is not.
        required: bool = false,
        /// Whether the connection has no socket of its own: its settings are only for sessions that
        /// clients open through the raw bridge.
        sessions_only: bool = false,
        /// Headers of the upgrade request. "" removes an inherited one. `${NAME}` and
        /// `${file:PATH}` are expanded.
        headers: Headers = {},
        /// HTTP basic authentication (RFC 7617).
        basic_auth: BasicAuthTable,
        /// Subprotocols to offer, the best first. If there are any, the server must choose one.
        /// `${NAME}` and `${file:PATH}` are expanded.
        subprotocols: Subprotocols = [],
        /// The local IP address to dial from.
        source_address: IpAddr,
        /// The proxy for dials: `http://`, `https://`, `socks5://` or `socks5h://`, with
        /// `user:password@` if needed; "env" for HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY;
        /// or "none". `${NAME}` and `${file:PATH}` are expanded.
        proxy: ProxySetting = "none",
        /// Messages that are sent first whenever the socket opens. `${NAME}`, `${file:PATH}` and
        /// expressions are expanded.
        on_open: OnOpen = [],
        /// The time limit from the start of a dial to the answer to the upgrade.
        connect_timeout: Timeout = "10s",
        /// The time limit for the closing handshake, and before it for flushing the outbox and for
        /// the close script.
        close_timeout: Timeout = "5s",
        /// A socket without an application message for this long is lost; "0s" is off. A template
        /// such as "${beat}s" takes effect when it first has a value.
        idle_timeout: Templated<Period> = "0s",
        /// The close code on a drain (RFC 6455 §7.4).
        close_code: CloseCode = 1001,
        /// The longest message in either direction.
        max_message: Size = "16MiB",
        /// The longest frame that is accepted.
        max_frame: Size = "16MiB",
        /// permessage-deflate (RFC 7692): whether it is offered, or a table with the details.
        compression: CompressionLayer = false,
        /// How incoming messages are decoded before anything else sees them: "gzip", "zlib",
        /// "deflate" (each binary message), "zlib-stream" (all of a socket), { split = "\u001e" },
        /// a list of these, or "none".
        decode: DecodeLayer = "none",
        /// How a dead peer is detected: a table, or only its kind.
        heartbeat: HeartbeatLayer,
        /// What happens after a loss: a table, or "never".
        reconnect: ReconnectLayer,
        /// How many messages may wait, and whether they are kept until they are confirmed.
        outbox: OutboxTable,
        /// How many of the last incoming messages are kept for readers that resume.
        history: HistoryTable,
        /// The rate limit for outgoing messages: a table, the KEY of a bucket in [rates], several
        /// KEYs that all apply, or "unlimited".
        rate: RateLayer = "unlimited",
        /// A socket that was ready for this long is replaced: its successor is made ready before it
        /// is closed. "0s" is off.
        rotate_after: Rotation = "0s",
        /// How a socket is replaced: "overlap" makes its successor ready before it is closed; "replace" closes it first, for servers that
        /// allow one session per client.
        rotation: RotationMode = "overlap",
        /// Where the peer's own numbers are in its text messages, to detect holes and duplicates.
        /// Or "none".
        sequence: SequenceLayer = "none",
        /// TLS, for `wss`.
        tls: TlsTable,
    }
    compiled {
        /// Templates under names that expressions read. Each is rendered when it is used, once per
        /// step.
        lets as "let": Entries<TemplateText> = {},
        /// Steps before each dial: HTTP calls and programs, whose answers are captured. Or the KEY
        /// of a [prepare.KEY] that connections share.
        prepare: PrepareLayer = [],
        /// Steps that must pass before the connection is ready; on_open is its short form.
        open_script: Script = [],
        /// Steps that are repeated while the connection is ready, one at a time. A failed step is a
        /// loss.
        periodic: Periodic = [],
        /// Steps before our close frame: on a close by hand, a drain or a removal, and on the old
        /// socket of a rotation. It takes at most close_timeout.
        close_script: Script = [],
        /// Values that are captured from each message, under names that expressions read: an
        /// expression, or a table.
        capture: Entries<CaptureLayer> = {},
        /// Reactions to messages and losses: the first rule that matches acts.
        rules: Rules = [],
        /// How the requests of callers are numbered, and how their answers are found.
        request: RequestTable,
        /// How subscriptions are asked for and answered.
        subscribe: SubscribeLayer,
        /// The subscriptions on each socket: a list of texts, each of which is key and item; or a
        /// table of KEY = item, or of KEY = { item = …, on = … }.
        subscriptions: Subscriptions = [],
        /// The numbers of our messages.
        ids: IdsTable,
    }
    no key { dialogue, protocol, dial_policy, proxy_policy }
}

table! {
    /// TLS, for `wss`.
    pub(in crate::config) struct TlsTable <=> TlsSettings {
        /// A PEM file of the authorities to trust instead of the system's.
        ca_file: FilePath,
        /// A PEM file of the client certificate and its chain; needs key_file. It is read again
        /// when it changes.
        cert_file: FilePath,
        /// A PEM file of the client certificate's key: PKCS#8, PKCS#1 or SEC1, not encrypted.
        key_file: FilePath,
        /// The name for SNI and verification instead of the URL's host: a DNS name or an IP
        /// address.
        server_name: ServerName,
        /// Accepts any certificate: anyone on the path can read and change everything. Status and
        /// log show it.
        insecure: bool = false,
    }
}

impl TlsTable {
    /// The files that a dial reads.
    pub fn files(&self) -> TlsFiles<'_> {
        let is_insecure = self
            .insecure
            .as_ref()
            .is_some_and(|insecure| insecure.value);
        TlsFiles {
            // Where any certificate will do, the authorities are not asked.
            ca_file: self.ca_file.as_ref().filter(|_| !is_insecure),
            cert_file: self.cert_file.as_ref(),
            key_file: self.key_file.as_ref(),
        }
    }
}

impl ConnectionTable {
    /// All steps of its scripts.
    pub fn steps(&self) -> impl Iterator<Item = &StepTable> {
        let periodic = self.periodic.iter().flat_map(|periodic| &periodic.value.0);
        let scripts = [&self.open_script, &self.close_script];
        let steps = scripts
            .into_iter()
            .flatten()
            .flat_map(|script| &script.value.0);
        let steps = steps.chain(periodic.map(|periodic| &periodic.step));
        steps.map(|step| &step.value)
    }

    /// Merges a nearer layer. Of `url` and `urls` the nearer one wins, and of `on_open` and
    /// `open_script`.
    pub fn overlay_nearer(&mut self, nearer: Self) {
        if nearer.url.is_some() || nearer.urls.is_some() {
            self.url = None;
            self.urls = None;
        }
        if nearer.on_open.is_some() || nearer.open_script.is_some() {
            self.on_open = None;
            self.open_script = None;
        }
        self.overlay(nearer);
    }
}

impl Section for ConnectionTable {
    const SECTION: &'static str = "connections";
    const WHAT: &'static str = "connection";
    const KEYS: &'static [&'static [&'static str]] = &[Self::NAMES, Self::LATER];
}
