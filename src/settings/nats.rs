//! The bridge to NATS JetStream: where the servers are, and what is bridged.

use std::{path::PathBuf, time::Duration};

use everwire_proto::{
    language::{SecretTemplate, Template},
    settings::Pattern,
};

/// `[nats]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatsSettings {
    /// URLs of the servers of one cluster: `nats://host:4222`, or `tls://` with TLS required. They
    /// carry no credentials.
    pub servers: Vec<String>,
    /// A user name; `password` belongs to it.
    pub user: Option<Template>,
    /// The user's password. Files that it names are read again for each connection.
    pub password: Option<SecretTemplate>,
    /// A file with the seed of an nkey, read again for each connection.
    pub nkey_file: Option<PathBuf>,
    /// A credentials file with a JWT and a seed, read again for each connection.
    pub creds_file: Option<PathBuf>,
    /// TLS of the connection to the servers.
    pub tls: NatsTlsSettings,
    /// From sockets to a stream; `None`: nothing.
    pub inbound: Option<NatsInSettings>,
    /// What is taken from a work queue and sent; `None`: nothing.
    pub outbound: Option<NatsOutSettings>,
}

/// `nats.tls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatsTlsSettings {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate with its chain.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the client certificate's key.
    pub key_file: Option<PathBuf>,
}

/// `nats.in`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatsInSettings {
    /// The names whose messages are published: the key `match`.
    pub names: Pattern,
    /// What subjects begin with: messages of NAME go to `SUBJECT.NAME`.
    pub subject: String,
    /// The stream that takes the subjects.
    pub stream: StreamSettings,
    /// How long the server recognises a message that is published twice.
    pub duplicate_window: Duration,
    /// How many bytes of messages may wait on disk while the servers cannot take them.
    pub spool: u64,
}

/// `nats.out`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatsOutSettings {
    /// The names that are sent to: the key `match`.
    pub names: Pattern,
    /// What subjects begin with: what is put on `SUBJECT.NAME` is sent through NAME.
    pub subject: String,
    /// The work queue that takes the subjects.
    pub stream: StreamSettings,
    /// When a message is acknowledged, and leaves the queue.
    pub ack: NatsAck,
}

/// A stream: its name, and its limits if everwire creates it. The limits of an existing stream are
/// not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamSettings {
    /// The stream's name: the key `stream`.
    pub name: String,
    /// On how many servers it is kept: 1, 3 or 5.
    pub replicas: u8,
    /// How many bytes it may hold; `None`: as many as the server allows.
    pub max_bytes: Option<u64>,
    /// How long it holds a message; zero: for ever.
    pub max_age: Duration,
}

/// When a message that came over NATS is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatsAck {
    /// When the peer has confirmed it, or at another final fate: nothing is lost.
    #[default]
    Confirmed,
    /// When it is written: what is on its way when a socket dies can be lost.
    Written,
}

impl NatsSettings {
    /// Of the servers, with no credentials and nothing to bridge.
    pub fn new(servers: Vec<String>) -> Self {
        Self {
            servers,
            user: None,
            password: None,
            nkey_file: None,
            creds_file: None,
            tls: NatsTlsSettings::default(),
            inbound: None,
            outbound: None,
        }
    }
}

impl NatsInSettings {
    /// All messages of these names, by the defaults of the file.
    pub fn new(names: Pattern) -> Self {
        Self {
            names,
            subject: "everwire.in".into(),
            stream: StreamSettings::new("EVERWIRE_IN"),
            duplicate_window: Duration::from_secs(30),
            spool: 1 << 30,
        }
    }
}

impl NatsOutSettings {
    /// Messages to these names, by the defaults of the file.
    pub fn new(names: Pattern) -> Self {
        Self {
            names,
            subject: "everwire.out".into(),
            stream: StreamSettings::new("EVERWIRE_OUT"),
            ack: NatsAck::default(),
        }
    }
}

impl StreamSettings {
    /// One replica, at most 1 GiB, no limit of age.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            replicas: 1,
            max_bytes: Some(1 << 30),
            max_age: Duration::ZERO,
        }
    }
}
