//! Streams are created if they are absent, and compared with the settings if they exist.

use std::time::Duration;

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, Info, RetentionPolicy, Stream},
};
use everwire::config::StreamSettings;

use crate::error::BridgeError;

/// A request is sent again after this time: nobody answers one that was sent while a cluster elected
/// the leader of the stream.
pub const AGAIN: Duration = Duration::from_secs(2);
/// A request is sent this often.
const ATTEMPTS: usize = 4;

/// A stream, and how it differs from the settings.
#[derive(Debug)]
pub struct Found {
    /// The stream.
    pub stream: Stream,
    /// Differences, each a sentence. They are reported, and not changed.
    pub differences: Vec<String>,
}

/// The configuration that a stream is made with.
pub fn config(settings: &StreamSettings, subject: &str, retention: RetentionPolicy) -> Config {
    let bytes = settings
        .max_bytes
        .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    Config {
        name: settings.name.clone(),
        subjects: vec![format!("{subject}.>")],
        retention,
        max_bytes: bytes.unwrap_or(-1),
        max_age: settings.max_age,
        num_replicas: usize::from(settings.replicas),
        discard: DiscardPolicy::Old,
        description: Some("made by everwire".into()),
        ..Config::default()
    }
}

/// The stream, created if it is absent.
///
/// # Errors
///
/// Why there is no stream for the subject.
pub async fn find(context: &Context, wanted: Config) -> Result<Found, BridgeError> {
    let name = wanted.name.clone();
    let asking = || tokio::time::timeout(AGAIN, context.get_stream(&name));
    let stream = match insistently(asking).await {
        None => return Err(BridgeError::Silent(name)),
        Some(Ok(stream)) => stream,
        Some(Err(error)) => match error.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                make(context, wanted.clone()).await?
            }
            _ if has_elapsed(&error) => return Err(BridgeError::Silent(name)),
            _ => return Err(BridgeError::NoJetStream(error.to_string())),
        },
    };
    let found = &stream.cached_info().config;
    let subject = wanted.subjects.first().cloned().unwrap_or_default();
    if !found
        .subjects
        .iter()
        .any(|pattern| covers(pattern, &subject))
    {
        return Err(BridgeError::OtherStream {
            stream: name,
            subject,
            takes: match found.subjects.is_empty() {
                true => "none".into(),
                false => found.subjects.join(", "),
            },
        });
    }
    let differences = differences(&wanted, found);
    Ok(Found {
        stream,
        differences,
    })
}

/// Asks until there is an answer, a few times.
pub async fn insistently<T, E, F>(asking: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, E>>,
{
    for _ in 0..ATTEMPTS {
        if let Ok(answer) = asking().await {
            return Some(answer);
        }
    }
    None
}

async fn make(context: &Context, wanted: Config) -> Result<Stream, BridgeError> {
    let name = wanted.name.clone();
    context.create_stream(wanted).await.map_err(|error| {
        let text = error.to_string();
        match error.kind() {
            CreateStreamErrorKind::JetStreamUnavailable => BridgeError::NoJetStream(text),
            CreateStreamErrorKind::TimedOut => BridgeError::Silent(name),
            _ => BridgeError::StreamNotMade {
                stream: name,
                reason: text,
            },
        }
    })
}

/// Whether a request had no answer in time: a server whose disk is full may be silent.
fn has_elapsed(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .into_iter()
        .any(|error| error.is::<tokio::time::error::Elapsed>())
}

fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let mut all = Vec::new();
    let mut differ = |what: &str, expected: String, actual: String| {
        if expected != actual {
            let name = &wanted.name;
            all.push(format!(
                "{what} of the stream {name} is {actual}, and not {expected} as the settings say"
            ));
        }
    };
    let bytes = |config: &Config| match config.max_bytes {
        ..=0 => "no limit".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    let age = |config: &Config| match config.max_age.is_zero() {
        true => "no limit".to_owned(),
        false => format!("{:?}", config.max_age),
    };
    differ("max_bytes", bytes(wanted), bytes(found));
    differ("max_age", age(wanted), age(found));
    differ(
        "replicas",
        wanted.num_replicas.to_string(),
        found.num_replicas.to_string(),
    );
    differ(
        "retention",
        format!("{:?}", wanted.retention),
        format!("{:?}", found.retention),
    );
    differ(
        "discard",
        format!("{:?}", wanted.discard),
        format!("{:?}", found.discard),
    );
    if !wanted.duplicate_window.is_zero() {
        differ(
            "duplicate_window",
            format!("{:?}", wanted.duplicate_window),
            format!("{:?}", found.duplicate_window),
        );
    }
    differ(
        "no_ack",
        wanted.no_ack.to_string(),
        found.no_ack.to_string(),
    );
    all
}

/// How many messages of a name may be published at once. It is one if the server may refuse a message
/// and take the next one, or if another server may take over in between: both would leave a hole.
pub fn window(info: &Info) -> usize {
    let config = &info.config;
    let keeps_order = info.cluster.is_none()
        && config.num_replicas <= 1
        && config.discard == DiscardPolicy::Old
        && config.max_message_size <= 0;
    match keeps_order {
        true => 256,
        false => 1,
    }
}

/// Whether a pattern of subjects includes another one.
fn covers(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for of_pattern in pattern.split('.') {
        match (of_pattern, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(token)) if token != ">" => {}
            (of_pattern, Some(token)) if of_pattern == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_takes_what_its_patterns_cover() {
        for (pattern, subject, is_covered) in [
            ("everwire.in.>", "everwire.in.>", true),
            ("everwire.>", "everwire.in.>", true),
            (">", "everwire.in.>", true),
            ("*.in.>", "everwire.in.>", true),
            ("everwire.in.*", "everwire.in.>", false),
            ("everwire.in", "everwire.in.>", false),
            ("everwire.out.>", "everwire.in.>", false),
            ("everwire.in.a.>", "everwire.in.>", false),
        ] {
            assert_eq!(covers(pattern, subject), is_covered, "{pattern}");
        }
    }

    #[test]
    fn differences_are_told() {
        let settings = StreamSettings::new("S");
        let wanted = config(&settings, "s", RetentionPolicy::Limits);
        assert_eq!(differences(&wanted, &wanted), Vec::<String>::new());
        let found = Config {
            max_bytes: -1,
            num_replicas: 3,
            ..wanted.clone()
        };
        assert_eq!(
            differences(&wanted, &found),
            [
                "max_bytes of the stream S is no limit, and not 1073741824 bytes as the settings say",
                "replicas of the stream S is 3, and not 1 as the settings say",
            ]
        );
    }
}
