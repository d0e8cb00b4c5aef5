//! `[nats]`.

use std::time::Duration;

use super::access::NamePattern;
use crate::config::{
    read::{Context, IntoField, Located, Place, Problem, table},
    units::format_duration,
    values::{
        ByteLimit, FilePath, NatsPassword, NatsServers, NatsUser, Period, Replicas, StreamName,
        SubjectPrefix,
    },
};
use crate::settings::{NatsAck, NatsInSettings, NatsOutSettings, NatsTlsSettings, StreamSettings};
use everwire_proto::settings::Pattern;

table! {
    /// The bridge to NATS JetStream.
    pub(in crate::config) struct NatsTable holds secrets {
        /// URLs of the servers of one cluster, 1 to 16: "nats://host:4222", or "tls://host:4222" with TLS required.
        servers: NatsServers,
        /// A user name, together with `password`. `${NAME}` and `${file:PATH}` are expanded.
        /// `nkey_file` and `creds_file` are alternatives: only one of the three is allowed.
        user: NatsUser,
        /// The user's password. `${NAME}` and `${file:PATH}` are expanded; a file is read again for each connection to a server.
        password: NatsPassword,
        /// A file with the seed of an nkey, read again for each connection to a server.
        nkey_file: FilePath,
        /// A credentials file with a JWT and a seed, as `nsc` writes it, read again for each connection to a server.
        creds_file: FilePath,
        /// TLS of the connections to the servers.
        tls: NatsTlsTable,
        /// From sockets to NATS: received messages are published. Without this table none are.
        inbound as "in": NatsInTable,
        /// From NATS to sockets: messages of a work queue are sent. Without this table none are.
        outbound as "out": NatsOutTable,
    }
}

table! {
    /// TLS of the connections to the servers.
    pub(in crate::config) struct NatsTlsTable => NatsTlsSettings {
        /// A PEM file of the authorities to trust instead of the system's.
        ca_file: FilePath,
        /// A PEM file of the client certificate and its chain; key_file belongs to it.
        cert_file: FilePath,
        /// A PEM file of the client certificate's key: PKCS#8, PKCS#1 or SEC1, not encrypted.
        key_file: FilePath,
    }
}

table! {
    /// From sockets to NATS: received messages are published.
    pub(in crate::config) struct NatsInTable {
        /// The connections whose messages are published, as a pattern of names.
        names as "match": NamePattern = "*",
        /// The prefix of subjects: messages of NAME go to SUBJECT.NAME, with `:` in the name
        /// written `=3A`. At most 64 bytes.
        subject: SubjectPrefix = "everwire.in",
        /// The stream for these subjects. everwire creates it if there is none.
        stream: StreamName = "EVERWIRE_IN",
        /// How long the servers recognise a message that is published twice; at least 100ms, and no more than max_age.
        duplicate_window: Period = "30s",
        /// How many bytes may wait on disk while no server can be reached; 0: none.
        spool: ByteLimit = "1GiB",
        /// The number of servers with a copy of the stream, if everwire creates it: 1, 3 or 5.
        replicas: Replicas = 1,
        /// The size limit of the stream in bytes, if everwire creates it; 0 is no limit.
        max_bytes: ByteLimit = "1GiB",
        /// How long the stream keeps a message, if everwire creates it; "0s" is for ever.
        max_age: Period = "0s",
    }
}

table! {
    /// From NATS to sockets: messages of a work queue are sent.
    pub(in crate::config) struct NatsOutTable {
        /// The connections that messages may be sent through, as a pattern of names.
        names as "match": NamePattern = "*",
        /// The prefix of subjects: messages on SUBJECT.NAME are sent through NAME, with `:` in the
        /// name written `=3A`. At most 64 bytes.
        subject: SubjectPrefix = "everwire.out",
        /// The stream for these subjects, a work queue. everwire creates it if there is none.
        stream: StreamName = "EVERWIRE_OUT",
        /// When a message leaves the queue: when it is confirmed, which needs heartbeats that can
        /// confirm; or when it is written, and then messages in flight can be lost with their
        /// socket.
        ack: NatsAck = "confirmed",
        /// The number of servers with a copy of the stream, if everwire creates it: 1, 3 or 5.
        replicas: Replicas = 1,
        /// The size limit of the stream in bytes, if everwire creates it; 0 is no limit.
        max_bytes: ByteLimit = "1GiB",
        /// How long the stream keeps a message, if everwire creates it; "0s" is for ever.
        max_age: Period = "0s",
    }
}

/// Servers refuse a shorter `duplicate_window` or `max_age`.
const SHORTEST: Duration = Duration::from_millis(100);

impl IntoField<NatsInSettings> for NatsInTable {
    fn into_field(self, _: Place, context: &mut Context<'_>) -> NatsInSettings {
        check_times(
            self.duplicate_window.as_ref(),
            self.max_age.as_ref(),
            context,
        );
        let Self {
            names,
            subject,
            stream,
            duplicate_window,
            spool,
            replicas,
            max_bytes,
            max_age,
        } = self;
        let mut settings = NatsInSettings::new(Pattern::all());
        put(names, &mut settings.names, context);
        put(subject, &mut settings.subject, context);
        put(duplicate_window, &mut settings.duplicate_window, context);
        put(spool, &mut settings.spool, context);
        put_stream(
            (stream, replicas, max_bytes, max_age),
            &mut settings.stream,
            context,
        );
        settings
    }
}

impl IntoField<NatsOutSettings> for NatsOutTable {
    fn into_field(self, _: Place, context: &mut Context<'_>) -> NatsOutSettings {
        check_age(self.max_age.as_ref(), context);
        let Self {
            names,
            subject,
            stream,
            ack,
            replicas,
            max_bytes,
            max_age,
        } = self;
        let mut settings = NatsOutSettings::new(Pattern::all());
        put(names, &mut settings.names, context);
        put(subject, &mut settings.subject, context);
        put(ack, &mut settings.ack, context);
        put_stream(
            (stream, replicas, max_bytes, max_age),
            &mut settings.stream,
            context,
        );
        settings
    }
}

/// Sets a field to what is written, if anything is.
fn put<T: IntoField<F>, F>(value: Option<Located<T>>, field: &mut F, context: &mut Context<'_>) {
    if let Some(Located { value, place }) = value {
        *field = value.into_field(place, context);
    }
}

/// The keys of a stream: its name, replicas, bytes and age.
type StreamKeys = (
    Option<Located<StreamName>>,
    Option<Located<Replicas>>,
    Option<Located<ByteLimit>>,
    Option<Located<Period>>,
);

fn put_stream(
    (name, replicas, max_bytes, max_age): StreamKeys,
    stream: &mut StreamSettings,
    context: &mut Context<'_>,
) {
    put(name, &mut stream.name, context);
    put(replicas, &mut stream.replicas, context);
    put(max_bytes, &mut stream.max_bytes, context);
    put(max_age, &mut stream.max_age, context);
}

/// A server refuses to recognise messages for longer than it holds them.
fn check_times(
    window: Option<&Located<Period>>,
    age: Option<&Located<Period>>,
    context: &mut Context<'_>,
) {
    let window_is_right = window
        .is_none_or(|window| check_shortest("duplicate_window", window, "100ms or more", context));
    let age_is_right = check_age(age, context);
    let defaults = NatsInSettings::new(Pattern::all());
    let (window_time, said) = match window {
        Some(window) => (window.value.0, ""),
        None => (defaults.duplicate_window, ", the default"),
    };
    let Some(age) = age.filter(|age| !age.value.0.is_zero()) else {
        return;
    };
    if !(window_is_right && age_is_right) || window_time <= age.value.0 {
        return;
    }
    let shown = format_duration(window_time);
    let most = format_duration(age.value.0);
    let message = format!("invalid duplicate_window {shown}{said}: max_age is {most}");
    let problem = match window {
        Some(window) => Problem::new(window.place, message).related(age.place, "max_age is here"),
        None => Problem::new(age.place, message),
    };
    let help = format!("write a duplicate_window of {most} or less, or a longer max_age");
    context.problems.push(problem.help(help));
}

/// Tells about an age that servers refuse; false then.
fn check_age(age: Option<&Located<Period>>, context: &mut Context<'_>) -> bool {
    let age = age.filter(|age| !age.value.0.is_zero());
    let right = "100ms or more, or 0s for ever";
    age.is_none_or(|age| check_shortest("max_age", age, right, context))
}

fn check_shortest(
    key: &str,
    time: &Located<Period>,
    right: &str,
    context: &mut Context<'_>,
) -> bool {
    let is_long_enough = time.value.0 >= SHORTEST;
    if !is_long_enough {
        let shown = format_duration(time.value.0);
        let message = format!("invalid {key} {shown}: servers take no less than 100ms");
        context.wrong(time.place, message, format!("write {right}"));
    }
    is_long_enough
}
