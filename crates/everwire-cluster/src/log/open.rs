//! Opening the log: whether it still is what was read.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        self, ErrorCode,
        consumer::{AckPolicy, DeliverPolicy, push},
        stream::{Config, DiscardPolicy, Info, RawMessageErrorKind, RetentionPolicy, Stream},
    },
};
use everwire_nats::{
    BridgeError,
    connection::{Connection, Reader},
    stream::{self, Found},
};
use tokio::time::timeout;

use super::{
    leader::{ANSWER, Leader, changed, info, silent},
    place::{LogSettings, Place, STREAM, SUBJECT},
    reading::{Begun, Reading},
};

/// How long it may take beyond the connection.
const DEADLINE: Duration = Duration::from_secs(20);
/// A server without messages for a reader says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A reader that is gone for so long is forgotten by the server.
const INACTIVE: Duration = Duration::from_secs(30);
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
    let context = jetstream::new(client.clone());
    let Found {
        stream,
        differences,
    } = stream::find(&context, config(replicas)).await?;
    let before = info(&stream).await?;
    if let Some(moved) = compare(&stream, &before, place).await? {
        return Ok(Err(moved));
    }
    let next = place.last.as_ref().map(|last| last.number + 1);
    let from = next.unwrap_or(place.from).max(1);
    let inbox = client.new_inbox();
    let lost = |error: async_nats::SubscribeError| BridgeError::Lost(error.to_string());
    let answers = client.subscribe(format!("{inbox}.*")).await.map_err(lost)?;
    let consumer = stream.create_consumer(push::Config {
        deliver_subject: client.new_inbox(),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: from,
        },
        ack_policy: AckPolicy::None,
        idle_heartbeat: HEARTBEAT,
        inactive_threshold: INACTIVE,
        memory_storage: true,
        num_replicas: 1,
        ..push::Config::default()
    });
    let refused = |error: String| BridgeError::Refused(error);
    let consumer = consumer.await.map_err(|error| refused(error.to_string()))?;
    let messages = consumer.messages().await;
    let messages = messages.map_err(|error| refused(error.to_string()))?;
    // The comparison above is worth nothing if the leader has changed since.
    let after = info(&stream).await?;
    let leader = Leader::of(&after);
    if leader != Leader::of(&before) {
        return Err(changed());
    }
    let last = after.state.last_sequence;
    // Without any record, the next one comes behind the last that there was.
    let is_empty = after.state.messages == 0;
    let next = next.or_else(|| is_empty.then(|| last.saturating_add(1)));
    Ok(Ok(Begun {
        stream,
        leader,
        last,
        messages,
        next,
        answers,
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
