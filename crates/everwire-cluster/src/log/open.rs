//! Opening the log: whether it still is what was read.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        ErrorCode,
        context::ContextBuilder,
        stream::{Config, DiscardPolicy, Info, RawMessageErrorKind, RetentionPolicy, Stream},
    },
};
use everwire_nats::{
    BridgeError,
    connection::{Connection, Reader},
    stream::{self, Found},
};
use tokio::time::{sleep, timeout};

use super::{
    leader::{ANSWER, Leader, changed, info, silent},
    place::{LogSettings, Place, STREAM, SUBJECT},
    reading::{Begun, Reading},
};

/// How long it may take beyond the connection.
const DEADLINE: Duration = Duration::from_secs(20);
/// A log of several servers has gone back only if that is so for this long.
const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The log is purged behind its snapshots, so it stays far below this.
const MAX_BYTES: i64 = 256 << 20;

/// What was found.
pub(super) enum Opened {
    /// The log goes on where the reading had stopped.
    Reading(Box<Reading>),
    /// It ends below what was read, or is another one.
    WentBack,
    /// What comes next was deleted.
    Behind,
}

/// Connects, finds or makes the stream, and looks whether it still is what was read.
pub(super) async fn open(
    settings: LogSettings,
    reader: Reader,
    place: Place,
) -> Result<Opened, BridgeError> {
    let mut connection = Connection::open(settings.nats, reader).await?;
    let client = connection.client.clone();
    let opening = timeout(DEADLINE, find(client, settings.replicas, &place));
    let found = tokio::select! {
        found = opening => found.map_err(|_| silent())??,
        error = connection.failed() => return Err(error),
    };
    Ok(match found {
        Ok(begun) => Opened::Reading(Box::new(Reading::new(connection, begun))),
        Err(moved) => moved,
    })
}

async fn find(
    client: Client,
    replicas: u8,
    place: &Place,
) -> Result<Result<Begun, Opened>, BridgeError> {
    // Nobody answers what was asked while servers chose a leader: better ask again soon.
    let context = ContextBuilder::new().timeout(ANSWER).build(client.clone());
    let Found {
        stream,
        differences,
    } = stream::find(&context, config(replicas)).await?;
    let mut attempts = 0;
    let before = loop {
        let before = info(&stream).await?;
        match compare(&stream, &before, place).await? {
            None => break before,
            // A server that has just become the leader of several may lag behind for a moment.
            Some(Opened::WentBack) if before.cluster.is_some() && attempts < LOOKS => {
                attempts += 1;
                sleep(BETWEEN_LOOKS).await;
            }
            Some(moved) => return Ok(Err(moved)),
        }
    };
    let inbox = client.new_inbox();
    let lost = |error: async_nats::SubscribeError| BridgeError::Lost(error.to_string());
    let answers = client.subscribe(format!("{inbox}.*")).await.map_err(lost)?;
    let hints = client.subscribe(SUBJECT).await.map_err(lost)?;
    // The comparison above is worth nothing if the leader has changed since.
    let after = info(&stream).await?;
    let leader = Leader::of(&after);
    if leader != Leader::of(&before) {
        return Err(changed());
    }
    let state = &after.state;
    let begin = state.first_sequence.max(place.from).max(1);
    let next = place.last.as_ref().map_or(begin, |last| last.number + 1);
    Ok(Ok(Begun {
        leader,
        // Without any record, the next one comes behind the last that there was.
        next: match state.messages {
            0 => next.max(state.last_sequence.saturating_add(1)),
            _ => next,
        },
        last: state.last_sequence,
        stream,
        answers,
        hints,
        inbox,
        differences,
    }))
}

/// Whether the stream still has what was read, and what comes next.
async fn compare(
    stream: &Stream,
    info: &Info,
    place: &Place,
) -> Result<Option<Opened>, BridgeError> {
    let Some(last) = &place.last else {
        return Ok(None);
    };
    let state = &info.state;
    if place.made != Some(info.created) || state.last_sequence < last.number {
        return Ok(Some(Opened::WentBack));
    }
    if state.first_sequence > last.number {
        return Ok(Some(Opened::Behind));
    }
    let asking = || timeout(ANSWER, stream.get_raw_message(last.number));
    match stream::insistently(asking).await {
        None => Err(silent()),
        Some(Ok(found)) => {
            let is_same = found.payload == last.bytes && found.time == last.at;
            Ok((!is_same).then_some(Opened::WentBack))
        }
        Some(Err(error)) => match error.kind() {
            RawMessageErrorKind::NoMessageFound => Ok(Some(Opened::WentBack)),
            RawMessageErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::NO_MESSAGE_FOUND =>
            {
                Ok(Some(Opened::WentBack))
            }
            _ => Err(BridgeError::Refused(error.to_string())),
        },
    }
}

fn config(replicas: u8) -> Config {
    Config {
        name: STREAM.into(),
        subjects: vec![SUBJECT.into()],
        retention: RetentionPolicy::Limits,
        // A full log refuses what is new: it must not lose what is old.
        discard: DiscardPolicy::New,
        max_bytes: MAX_BYTES,
        num_replicas: usize::from(replicas),
        description: Some("made by everwire: who holds which names".into()),
        ..Config::default()
    }
}
