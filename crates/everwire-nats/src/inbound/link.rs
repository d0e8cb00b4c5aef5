//! The stream that messages are published to, and its answers.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Message, Subscriber,
    jetstream::{
        self, Context, ErrorCode,
        stream::{LastRawMessageErrorKind, RetentionPolicy, Stream},
    },
};
use everwire::{
    ConnectionName,
    config::{NatsInSettings, NatsSettings},
};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

use crate::{
    connection::{Connection, Happened, Reader},
    error::BridgeError,
    header,
    lanes::{LaneId, Last},
    link::Link,
    part::Part,
    report::Observer,
    status::Shared,
    stream::{self, AGAIN},
    subject::subject_of,
};

/// How long the stream may take to be found or made, beyond the connection.
const FIND_DEADLINE: Duration = Duration::from_secs(20);

/// A change of the connection or the stream.
pub(super) enum Change {
    /// There is a connection, on which this many messages of a lane may be in flight.
    Up(usize),
    /// The connection is lost.
    Down,
    /// An answer to a published message, or a status in its place.
    Answer(Message),
    /// The stream's last message of a name.
    Last(LaneId, Result<Option<Last>, String>),
    /// The stream does not answer which message of a name is its last.
    Silent(LaneId),
    /// The server does not let messages of this subject through.
    Denied(String, String),
}

/// A connection with its stream.
pub(super) struct Up {
    connection: Connection,
    stream: Stream,
    name: String,
    answers: Subscriber,
    /// Answers arrive on subjects below this.
    inbox: String,
    asks: FuturesUnordered<Asking>,
    differences: Vec<String>,
    window: usize,
}

/// Asks the stream for the last message of a name.
type Asking = BoxFuture<'static, (LaneId, Result<Option<Last>, AskError>)>;

/// Why the stream's last message of a name is unknown.
enum AskError {
    /// The stream is gone: it is created again on the next connection.
    Gone,
    /// It does not answer.
    Silent,
    /// Anything else.
    Other(String),
}

/// The link to the stream.
pub(super) type InLink = Link<Up>;

/// Begins to connect.
pub(super) fn link(
    nats: Arc<NatsSettings>,
    settings: NatsInSettings,
    status: Shared,
    observer: Observer,
) -> InLink {
    let reader = Reader::default();
    Link::new(Part::In, status, observer, move || {
        Box::pin(open(Arc::clone(&nats), settings.clone(), reader.clone()))
    })
}

/// The next change. Cancel safe.
pub(super) async fn next(link: &mut InLink) -> Change {
    let is_new = link.connected().await;
    let Some(up) = link.up() else {
        return Change::Down;
    };
    if is_new {
        let (window, server) = (up.window, up.connection.server());
        let differences = up.differences.clone();
        link.tell_up(server, differences);
        return Change::Up(window);
    }
    let lost = tokio::select! {
        biased;
        Some((lane, last)) = up.asks.next(), if !up.asks.is_empty() => {
            match last {
                Ok(last) => return Change::Last(lane, Ok(last)),
                Err(AskError::Other(text)) => return Change::Last(lane, Err(text)),
                Err(AskError::Silent) => return Change::Silent(lane),
                Err(AskError::Gone) => BridgeError::StreamGone(up.name.clone()),
            }
        }
        answer = up.answers.next() => match answer {
            Some(answer) => return Change::Answer(answer),
            None => BridgeError::Lost("the client has ended".into()),
        },
        happened = up.connection.happened() => match happened {
            Happened::Denied(denied) if !denied.subject.starts_with('$') => {
                return Change::Denied(denied.subject, denied.text);
            }
            Happened::Denied(denied) => BridgeError::Refused(denied.text),
            Happened::Lost(error) => error,
        },
    };
    link.give_up(lost);
    Change::Down
}

impl Up {
    /// The reply subject for a message.
    pub fn reply(&self, lane: LaneId, number: u64) -> String {
        format!("{}.{lane}.{number}", self.inbox)
    }

    /// The lane and the number in the subject of an answer.
    pub fn answered(&self, subject: &str) -> Option<(LaneId, u64)> {
        let rest = subject.strip_prefix(&self.inbox)?.strip_prefix('.')?;
        let (lane, number) = rest.split_once('.')?;
        Some((lane.parse().ok()?, number.parse().ok()?))
    }

    /// The client to publish with.
    pub fn client(&self) -> &async_nats::Client {
        &self.connection.client
    }

    /// Asks the leader of the stream for the last message of a name.
    pub fn ask(&mut self, lane: LaneId, prefix: &str, name: &ConnectionName) {
        let stream = self.stream.clone();
        let subject = subject_of(prefix, name);
        self.asks.push(Box::pin(async move {
            let asking = || {
                let asked = stream.get_last_raw_message_by_subject(&subject);
                tokio::time::timeout(AGAIN, asked)
            };
            let asked = stream::insistently(asking);
            let last = match asked.await {
                Some(Ok(message)) => Ok(Some(Last {
                    place: header::place(&message.headers),
                    sequence: message.sequence,
                })),
                Some(Err(error)) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    Ok(None)
                }
                Some(Err(error)) => Err(match error.kind() {
                    LastRawMessageErrorKind::JetStream(error)
                        if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                    {
                        AskError::Gone
                    }
                    _ => AskError::Other(error.to_string()),
                }),
                None => Err(AskError::Silent),
            };
            (lane, last)
        }));
    }
}

async fn open(
    nats: Arc<NatsSettings>,
    settings: NatsInSettings,
    reader: Reader,
) -> Result<Up, BridgeError> {
    let mut connection = Connection::open(nats, reader).await?;
    let mut config = stream::config(&settings.stream, &settings.subject, RetentionPolicy::Limits);
    config.duplicate_window = settings.duplicate_window;
    let context: Context = jetstream::new(connection.client.clone());
    let finding = stream::find(&context, config);
    let found = tokio::select! {
        found = tokio::time::timeout(FIND_DEADLINE, finding) => match found {
            Ok(found) => found?,
            Err(_) => return Err(BridgeError::Silent(settings.stream.name)),
        },
        error = connection.failed() => return Err(error),
    };
    let inbox = connection.client.new_inbox();
    let subscribing = connection.client.subscribe(format!("{inbox}.*.*"));
    let answers = subscribing
        .await
        .map_err(|error| BridgeError::Lost(error.to_string()))?;
    Ok(Up {
        window: stream::window(found.stream.cached_info()),
        stream: found.stream,
        name: settings.stream.name,
        differences: found.differences,
        connection,
        answers,
        inbox,
        asks: FuturesUnordered::new(),
    })
}
