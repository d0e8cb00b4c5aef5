//! Explains a bridge to NATS.

use std::path::Path;

use super::{
    Line, Section, reads,
    words::{count, written},
};
use crate::{
    config::units::{format_duration, format_size},
    settings::{NatsAck, NatsInSettings, NatsOutSettings, NatsSettings, Settings, StreamSettings},
};
use everwire_proto::{language::SecretTemplate, settings::Pattern};

/// What the bridge to NATS does, in words: where its servers are, what it publishes, and what it sends. `None` where there is none.
///
/// ```
/// use everwire::config::{self, Settings};
///
/// let settings = Settings::from_toml(
///     "[nats]\nservers = ['nats://h']\nin = { match = 'a' }\n[connections.a]\nurl = 'wss://example.com/feed'",
/// )?;
/// let told = config::explain_nats(&settings).map(|section| section.lines[1].text.clone());
/// let expected = "publishes the messages of a (1 name) to everwire.in.NAME, in the stream EVERWIRE_IN";
/// assert_eq!(told.as_deref(), Some(expected));
/// # Ok::<(), config::Diagnostics>(())
/// ```
pub fn explain_nats(settings: &Settings) -> Option<Section> {
    let nats = settings.nats.as_ref()?;
    let inbound = nats.inbound.as_ref().map(|it| publishes(it, settings));
    let outbound = nats.outbound.as_ref().map(|it| sends(it, settings));
    let lines = [Some(connects(nats)), inbound, outbound];
    Some(Section {
        subject: "nats",
        lines: lines.into_iter().flatten().collect(),
    })
}

fn connects(nats: &NatsSettings) -> Line {
    let shown = |path: &Path| path.display().to_string();
    let credentials = match (&nats.user, &nats.nkey_file, &nats.creds_file) {
        (Some(user), _, _) => format!("as the user {}", written(&user.to_string())),
        (_, Some(file), _) => format!("with the nkey in {}", shown(file)),
        (_, _, Some(file)) => format!("with the credentials in {}", shown(file)),
        (None, None, None) => "without credentials".into(),
    };
    let tls = &nats.tls;
    let authorities = tls.ca_file.as_deref();
    let certificate = tls.cert_file.as_deref();
    let mut details = Vec::new();
    details.extend(authorities.map(|file| format!("trusts the authorities in {}", shown(file))));
    details.extend(certificate.map(|file| format!("shows the certificate in {}", shown(file))));
    let password = nats.password.as_ref().map(SecretTemplate::expose);
    let files = [
        &nats.nkey_file,
        &nats.creds_file,
        &tls.ca_file,
        &tls.cert_file,
        &tls.key_file,
    ];
    let files = files.into_iter().flatten().map(|path| path.as_path());
    let reads = reads::of(nats.user.iter().chain(password), files);
    details.extend(reads.into_iter().map(|line| format!("reads {}", line.text)));
    let servers = nats.servers.join(", ");
    Line {
        text: format!("connects to {servers} {credentials}"),
        details,
    }
}

fn publishes(inbound: &NatsInSettings, settings: &Settings) -> Line {
    let NatsInSettings {
        names,
        subject,
        stream,
        duplicate_window,
        spool,
    } = inbound;
    let window = format_duration(*duplicate_window);
    let waits = match spool {
        0 => "nothing waits on disk while no server can be reached".into(),
        bytes => format!(
            "up to {} wait on disk while no server can be reached",
            format_size(*bytes)
        ),
    };
    Line {
        text: format!(
            "publishes the messages of {} to {subject}.NAME, in the stream {}",
            who(names, settings),
            stream.name
        ),
        details: vec![
            waits,
            format!("servers drop what is published twice within {window}"),
            made(stream),
        ],
    }
}

fn sends(outbound: &NatsOutSettings, settings: &Settings) -> Line {
    let NatsOutSettings {
        names,
        subject,
        stream,
        ack,
    } = outbound;
    let leaves = match ack {
        NatsAck::Confirmed => "once it is confirmed",
        NatsAck::Written => "once it is written, and can be lost then",
    };
    Line {
        text: format!(
            "sends what is put on {subject}.NAME through {}; a message leaves the work queue {} {leaves}",
            who(names, settings),
            stream.name
        ),
        details: vec![made(stream)],
    }
}

/// The names of a pattern, and how many the configuration has of them.
fn who(pattern: &Pattern, settings: &Settings) -> String {
    let names = settings.connections.keys();
    let names = names.filter(|name| pattern.matches(name)).count();
    let names = count(names, "name");
    match pattern.to_string().as_str() {
        "*" => format!("all names ({names})"),
        pattern => format!("{} ({names})", written(pattern)),
    }
}

/// How a stream is made.
fn made(stream: &StreamSettings) -> String {
    let StreamSettings {
        name: _,
        replicas,
        max_bytes,
        max_age,
    } = stream;
    let bytes = match max_bytes {
        Some(bytes) => format!("holds up to {}", format_size(*bytes)),
        None => "holds as much as the servers allow".into(),
    };
    let age = match max_age.is_zero() {
        true => "for ever".into(),
        false => format!("for {}", format_duration(*max_age)),
    };
    let servers = count(usize::from(*replicas), "server");
    format!("the stream, where there is none yet, is made on {servers} and {bytes}, {age}")
}
