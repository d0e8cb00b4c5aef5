//! From the keys of `[nats]` to its settings, with the checks that concern more than one key.

use std::collections::BTreeMap;

use super::{
    finish::check_client_certificate,
    keys::{ConnectionTable, NatsTable, TlsFiles, check_tls_files},
    read::{Confirmed, Context, IntoField, Located, Place, Problem, backticked},
    values::FilePath,
};
use crate::{
    core::ConnectionName,
    settings::{NatsAck, NatsInSettings, NatsOutSettings, NatsSettings},
    transport::read_secret_file,
};
use everwire_proto::settings::{ConnectionSettings, Pattern};

/// The settings of `[nats]`, if there is such a table without errors; errors were reported. In a
/// cluster its servers are needed even if nothing is bridged.
pub(super) fn nats_settings(
    table: Option<Located<NatsTable>>,
    is_cluster: bool,
    context: &mut Context<'_>,
) -> Option<NatsSettings> {
    let Located {
        value: table,
        place,
    } = table?;
    check_needed(&table, place, is_cluster, context);
    if let Some(queue) = table.outbound.as_ref().filter(|_| is_cluster) {
        let problem = Problem::new(queue.place, "`out` is ignored in a cluster: nothing is taken from the queue")
            .help("a queue has one reader, and each node would be another; send over the API of any node, and remove `out` or [cluster]");
        context.problems.warn(problem);
    }
    check_credentials(&table, context);
    if let Some(Located { value: tls, .. }) = &table.tls {
        check_client_certificate(&tls.cert_file, &tls.key_file, context);
        let files = TlsFiles {
            ca_file: tls.ca_file.as_ref(),
            cert_file: tls.cert_file.as_ref(),
            key_file: tls.key_file.as_ref(),
        };
        check_tls_files(&files, context);
    }
    for file in [&table.nkey_file, &table.creds_file].into_iter().flatten() {
        check_credentials_file(file, context);
    }
    let places = Places::of(&table);
    let mut settings = NatsSettings::new(Vec::new());
    settings.servers = field(table.servers, context).unwrap_or_default();
    settings.user = field(table.user, context).flatten();
    settings.password = field(table.password, context).flatten();
    settings.nkey_file = field(table.nkey_file, context);
    settings.creds_file = field(table.creds_file, context);
    settings.tls = field(table.tls, context).unwrap_or_default();
    settings.inbound = field(table.inbound, context);
    settings.outbound = field(table.outbound, context);
    if let (Some(inbound), Some(outbound)) = (&settings.inbound, &settings.outbound) {
        check_apart(inbound, outbound, &places, context);
    }
    let outbound = settings.outbound.as_ref();
    let confirmed = outbound.filter(|outbound| outbound.ack == NatsAck::Confirmed);
    context.confirmed = confirmed
        .zip(places.ack)
        .map(|(outbound, place)| Confirmed {
            names: outbound.names.clone(),
            place,
        });
    context.bridged = places.names;
    Some(settings)
}

/// The field from a value, if it is written.
fn field<T: IntoField<F>, F>(value: Option<Located<T>>, context: &mut Context<'_>) -> Option<F> {
    value.map(|Located { value, place }| value.into_field(place, context))
}

/// The places of keys that are checked after the tables have become settings; for an absent key,
/// the place of its table.
struct Places {
    subjects: [Option<Place>; 2],
    streams: [Option<Place>; 2],
    ack: Option<Place>,
    /// The patterns that are written.
    names: Vec<(Pattern, Place)>,
}

impl Places {
    fn of(table: &NatsTable) -> Self {
        let inbound = table.inbound.as_ref();
        let outbound = table.outbound.as_ref();
        fn at<T>(key: Option<&Located<T>>, table: Option<Place>) -> Option<Place> {
            key.map(|key| key.place).or(table)
        }
        let tables = [
            inbound.map(|inbound| inbound.place),
            outbound.map(|outbound| outbound.place),
        ];
        let (inbound, outbound) = (
            inbound.map(|inbound| &inbound.value),
            outbound.map(|outbound| &outbound.value),
        );
        let names = [
            inbound.and_then(|inbound| inbound.names.as_ref()),
            outbound.and_then(|outbound| outbound.names.as_ref()),
        ];
        let names = names.into_iter().flatten();
        Self {
            subjects: [
                at(inbound.and_then(|it| it.subject.as_ref()), tables[0]),
                at(outbound.and_then(|it| it.subject.as_ref()), tables[1]),
            ],
            streams: [
                at(inbound.and_then(|it| it.stream.as_ref()), tables[0]),
                at(outbound.and_then(|it| it.stream.as_ref()), tables[1]),
            ],
            ack: at(outbound.and_then(|it| it.ack.as_ref()), tables[1]),
            names: names
                .map(|names| (names.value.0.clone(), names.place))
                .collect(),
        }
    }
}

/// A bridge has servers, and something to bridge, unless only a cluster needs it.
fn check_needed(table: &NatsTable, place: Place, is_cluster: bool, context: &mut Context<'_>) {
    if table.servers.is_none() {
        let problem = Problem::absence(place, "`nats` has no `servers`")
            .help("write servers = [\"nats://127.0.0.1:4222\"]");
        context.problems.push(problem);
    }
    if table.inbound.is_none() && table.outbound.is_none() && !is_cluster {
        let problem = Problem::absence(place, "`nats` has neither `in` nor `out`").help(
            "write in = { match = \"NAME\" } to publish what comes, out = { match = \"NAME\" } to send what is published, or both",
        );
        context.problems.push(problem);
    }
}

/// A file of credentials can be read, if the configuration is only checked.
fn check_credentials_file(file: &Located<FilePath>, context: &mut Context<'_>) {
    let path = &file.value.0;
    let read = || read_secret_file(path).map(drop);
    if let Some(wrong) = context.look_at_later_files("secret", vec![path.clone()], read) {
        let help = "write the path of the file; a relative one starts at the folder of this file";
        context.wrong(file.place, wrong, help);
    }
}

/// There is one kind of credentials at most, and a user has a password.
fn check_credentials(table: &NatsTable, context: &mut Context<'_>) {
    let user = table.user.as_ref().map(|user| user.place);
    let password = table.password.as_ref().map(|password| password.place);
    for (key, written, other, missing) in [
        ("user", user, "password", password.is_none()),
        ("password", password, "user", user.is_none()),
    ] {
        if let Some(place) = written
            && missing
        {
            let problem = Problem::new(place, format!("`{key}` has no `{other}`"))
                .help("write user = \"…\" and password = \"${file:nats.password}\"");
            context.problems.push(problem);
        }
    }
    let user = user.map(|place| ("user", place));
    let user = user.or(password.map(|place| ("password", place)));
    let nkey = table
        .nkey_file
        .as_ref()
        .map(|file| ("nkey_file", file.place));
    let creds = table
        .creds_file
        .as_ref()
        .map(|file| ("creds_file", file.place));
    let mut kinds: Vec<_> = [user, nkey, creds].into_iter().flatten().collect();
    kinds.sort_by_key(|(_, place)| *place);
    let Some(((first, at), others)) = kinds.split_first() else {
        return;
    };
    for (other, place) in others {
        let problem = Problem::new(
            *place,
            format!("`{first}` and `{other}` exclude each other"),
        )
        .related(*at, format!("{first} is here"))
        .help("write one of them: user with password, nkey_file, or creds_file");
        context.problems.push(problem);
    }
}

/// Published messages must not return as messages to send, and a subject belongs to one stream.
fn check_apart(
    inbound: &NatsInSettings,
    outbound: &NatsOutSettings,
    places: &Places,
    context: &mut Context<'_>,
) {
    if let [Some(first), Some(second)] = places.subjects
        && overlap(&inbound.subject, &outbound.subject)
    {
        let message = format!(
            "the subjects of `in` and `out` overlap: {} and {}",
            backticked(&inbound.subject),
            backticked(&outbound.subject)
        );
        let problem = Problem::new(second, message)
            .related(first, "that of `in` is here")
            .help("write two of which neither begins with the other's tokens: \"everwire.in\" and \"everwire.out\"");
        context.problems.push(problem);
    }
    if let [Some(first), Some(second)] = places.streams
        && inbound.stream.name == outbound.stream.name
    {
        let name = backticked(&inbound.stream.name);
        let problem = Problem::new(second, format!("`in` and `out` have one stream: {name}"))
            .related(first, "that of `in` is here")
            .help("write two streams: the one of `out` is a work queue, whose messages go when they are acknowledged");
        context.problems.push(problem);
    }
}

/// Whether one subject is the other, or begins with the other's tokens.
fn overlap(one: &str, other: &str) -> bool {
    one.split('.')
        .zip(other.split('.'))
        .all(|(one, other)| one == other)
}

/// Acknowledging confirmed messages requires a heartbeat that confirms.
pub(super) fn check_fence(
    table: &ConnectionTable,
    name: &ConnectionName,
    context: &mut Context<'_>,
) {
    let Some(Confirmed { names, place }) = &context.confirmed else {
        return;
    };
    // A name without a socket of its own sends nothing.
    let sends = table.sessions_only.as_ref().is_none_or(|only| !only.value);
    let heartbeat = table.heartbeat.as_ref().map(|heartbeat| &heartbeat.value);
    let Some(heartbeat) = heartbeat.filter(|heartbeat| !heartbeat.can_fence()) else {
        return;
    };
    // Without a kind it is the protocol's, which can.
    let Some(kind) = heartbeat
        .0
        .kind
        .as_ref()
        .filter(|_| sends && names.matches(name))
    else {
        return;
    };
    let message = "`nats.out` needs a heartbeat that confirms messages, and this one never does";
    let problem = Problem::new(kind.place, message)
        .related(*place, "nats.out is here")
        .help("write heartbeat.kind = \"protocol\"; or \"text\" with fence = true, if the server answers in order; or leave the name out of nats.out.match; or nats.out.ack = \"written\", and messages can be lost");
    // Names that inherit one heartbeat are reported once.
    let before = context.problems.subject.replace(name.to_string());
    context.problems.push(problem);
    context.problems.subject = before;
}

/// Warns of a pattern that selects none of the names.
pub(super) fn warn_of_unused(
    connections: &BTreeMap<ConnectionName, ConnectionSettings>,
    context: &mut Context<'_>,
) {
    for (pattern, place) in std::mem::take(&mut context.bridged) {
        if connections.keys().any(|name| pattern.matches(name)) {
            continue;
        }
        let message = format!(
            "no connection of the configuration matches {}",
            backticked(&pattern.to_string())
        );
        let help = "names that the API makes later are bridged if it matches them; `*` is any run of characters";
        context
            .problems
            .warn(Problem::new(place, message).help(help));
    }
}
