//! The connection to the work queue: deliveries, reads and acknowledgements.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Message, Subscriber,
    jetstream::{
        self, Context, ErrorCode,
        consumer::{AckPolicy, Consumer, pull},
        stream::{ConsumerErrorKind, DiscardPolicy, RawMessageErrorKind, RetentionPolicy, Stream},
    },
};
use everwire::{
    ConnectionName,
    config::{NatsOutSettings, NatsSettings},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::deliveries::Deliveries;
use crate::{
    connection::{Connection, Happened, Reader},
    error::BridgeError,
    link::Link,
    part::Part,
    report::Observer,
    status::Shared,
    stream::{self, AGAIN},
    subject::subject_of,
};

/// How long the stream and the consumer may take to be found or made, beyond the connection.
const FIND_DEADLINE: Duration = Duration::from_secs(20);
/// How long an acknowledgement, a deletion or a reading may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// So many messages are asked for at once, for so long.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 8 << 20;
const EXPIRES: Duration = Duration::from_secs(2);
/// The server never delivers a message again by itself while this process lives: what is delivered
/// again comes out of order. A consumer that is made anew delivers what is left in order.
const ACK_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// A consumer whose process is gone for so long is gone, too.
const INACTIVE: Duration = Duration::from_secs(60);

/// A message that was read again, or why it could not be read.
pub(super) type Found = Result<Option<jetstream::message::StreamMessage>, String>;

/// What has changed.
pub(super) enum Change {
    /// There is a connection, and whether nothing was left in the queue.
    Up(bool),
    /// The connection is lost.
    Down,
    /// Messages of the queue, in their order.
    Delivered(Vec<jetstream::Message>),
    /// A message was put on the queue.
    Heard(Message),
    /// The next message of a name.
    Read(ConnectionName, Found),
    /// A message has left the queue, or the server has not confirmed it.
    Finished(u64, Result<(), String>),
    /// The server does not let an answer through to this subject.
    Unanswered(String),
}

/// The way to the queue.
pub(super) type OutLink = Link<Up>;

/// A connection with a queue behind it.
pub(super) struct Up {
    connection: Connection,
    stream: Stream,
    consumer: Consumer<pull::Config>,
    /// Messages of the queue's subjects, as they are published.
    heard: Subscriber,
    /// Messages with a greater number in the stream were received by `heard`.
    before: u64,
    differences: Vec<String>,
    pull: Pull,
    deliveries: Deliveries,
    /// How many deliveries the consumer has made.
    looks: FuturesUnordered<BoxFuture<'static, Option<u64>>>,
    reads: FuturesUnordered<BoxFuture<'static, (ConnectionName, Found)>>,
    finishing: FuturesUnordered<BoxFuture<'static, (u64, Result<(), String>)>>,
}

/// Begins to connect.
pub(super) fn link(
    nats: Arc<NatsSettings>,
    settings: NatsOutSettings,
    consumer: String,
    status: Shared,
    observer: Observer,
) -> OutLink {
    let reader = Reader::default();
    Link::new(Part::Out, status, observer, move || {
        let (nats, settings) = (Arc::clone(&nats), settings.clone());
        Box::pin(open(nats, settings, consumer.clone(), reader.clone()))
    })
}

/// The next change. May be dropped and asked for again.
pub(super) async fn next(link: &mut OutLink) -> Change {
    let is_new = link.connected().await;
    let Some(up) = link.up() else {
        return Change::Down;
    };
    if is_new {
        let (server, differences) = (up.connection.server(), up.differences.clone());
        let is_empty = up.consumer.cached_info().num_pending == 0;
        link.tell_up(server, differences);
        return Change::Up(is_empty);
    }
    let lost = tokio::select! {
        happened = up.connection.happened() => match happened {
            Happened::Denied(denied) if !denied.subject.starts_with('$') => {
                return Change::Unanswered(denied.subject);
            }
            Happened::Denied(denied) => BridgeError::Refused(denied.text),
            Happened::Lost(error) => error,
        },
        Some((name, found)) = up.reads.next(), if !up.reads.is_empty() => {
            return Change::Read(name, found);
        }
        Some((sequence, finished)) = up.finishing.next(), if !up.finishing.is_empty() => {
            return Change::Finished(sequence, finished);
        }
        Some(made) = up.looks.next(), if !up.looks.is_empty() => {
            match made.is_some_and(|made| up.deliveries.made(made)) {
                true => missed(),
                false => return Change::Delivered(Vec::new()),
            }
        }
        heard = up.heard.next() => match heard {
            Some(heard) => return Change::Heard(heard),
            None => BridgeError::Lost("the client has ended".into()),
        },
        taken = up.pull.next() => match taken {
            Ok(Some(messages)) if up.has_missed(&messages) => missed(),
            Ok(Some(messages)) => return Change::Delivered(messages),
            Ok(None) => {
                up.ask();
                return Change::Delivered(Vec::new());
            }
            Err(text) => BridgeError::Lost(text),
        }
    };
    link.give_up(lost);
    Change::Down
}

/// The next consumer delivers it, and all behind it, in order.
fn missed() -> BridgeError {
    BridgeError::Lost("a message of the queue did not arrive".into())
}

/// What the consumer was asked for.
enum Pull {
    Asking(BoxFuture<'static, Result<pull::Batch, String>>),
    Open(Box<pull::Batch>),
}

impl Pull {
    fn ask(consumer: Consumer<pull::Config>) -> Self {
        Self::Asking(Box::pin(async move {
            let asking = consumer.batch().max_messages(BATCH).max_bytes(BATCH_BYTES);
            let asking = asking.expires(EXPIRES).messages();
            match tokio::time::timeout(DEADLINE, asking).await {
                Ok(batch) => batch.map_err(|error| error.to_string()),
                Err(_) => Err("the queue does not answer".into()),
            }
        }))
    }

    /// The messages that have come; `None` at the end of the pull.
    async fn next(&mut self) -> Result<Option<Vec<jetstream::Message>>, String> {
        if let Self::Asking(asking) = self {
            *self = Self::Open(Box::new(asking.await?));
        }
        let Self::Open(batch) = self else {
            return Ok(None);
        };
        let Some(first) = batch.next().await else {
            return Ok(None);
        };
        let mut messages = vec![first.map_err(|error| error.to_string())?];
        while let Some(Some(message)) = batch.next().now_or_never() {
            messages.push(message.map_err(|error| error.to_string())?);
        }
        Ok(Some(messages))
    }
}

impl Up {
    /// Whether a message was published while this connection was subscribed to the queue's subjects.
    pub fn has_heard(&self, sequence: u64) -> bool {
        sequence > self.before
    }

    /// Whether one before these messages did not arrive.
    fn has_missed(&mut self, messages: &[jetstream::Message]) -> bool {
        let mut is_missed = false;
        for info in messages.iter().filter_map(|message| message.info().ok()) {
            is_missed |= self.deliveries.came(info.consumer_sequence);
        }
        is_missed
    }

    /// Asks the consumer for more. If nothing came the last time, asks also what it has delivered.
    fn ask(&mut self) {
        self.pull = Pull::ask(self.consumer.clone());
        if self.deliveries.ask() && self.looks.is_empty() {
            let consumer = self.consumer.clone();
            self.looks.push(Box::pin(async move {
                let info = tokio::time::timeout(DEADLINE, consumer.get_info()).await;
                Some(info.ok()?.ok()?.delivered.consumer_sequence)
            }));
        }
    }

    /// Publishes an answer.
    pub fn answer(&self, subject: String, answer: Vec<u8>) {
        let client = self.connection.client.clone();
        // The client's queue has room for all that is on its way.
        tokio::spawn(async move {
            let sending = client.publish(subject, answer.into());
            // The requester has a deadline of its own.
            let _sent = tokio::time::timeout(DEADLINE, sending).await;
        });
    }

    /// Reads the next message of a name, from a number of the stream on.
    pub fn read(&mut self, prefix: &str, name: ConnectionName, from: u64) {
        let subject = subject_of(prefix, &name);
        let asked = self.stream.raw_message_builder();
        let asked = asked.sequence(from).next_by_subject(subject);
        self.reads.push(Box::pin(async move {
            let found = match tokio::time::timeout(DEADLINE, asked.send()).await {
                Ok(Ok(message)) => Ok(Some(message)),
                Ok(Err(error)) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the stream does not answer".to_owned()),
            };
            (name, found)
        }));
    }

    /// Takes a message off the queue: acknowledged, ended as one that cannot be sent, or deleted
    /// where it was read again.
    pub fn finish(&mut self, sequence: u64, ack: Option<String>, is_refused: bool) {
        let (client, stream) = (self.connection.client.clone(), self.stream.clone());
        self.finishing.push(Box::pin(async move {
            let finishing = async {
                match ack {
                    Some(subject) => {
                        let word = if is_refused { "+TERM" } else { "+ACK" };
                        let asked = client.request(subject, word.into()).await;
                        asked.map(drop).map_err(|error| error.to_string())
                    }
                    None => match stream.delete_message(sequence).await {
                        Ok(_) => Ok(()),
                        Err(error) => Err(error.to_string()),
                    },
                }
            };
            let finished = tokio::time::timeout(DEADLINE, finishing).await;
            (
                sequence,
                finished.unwrap_or_else(|_| Err("no answer".into())),
            )
        }));
    }
}

async fn open(
    nats: Arc<NatsSettings>,
    settings: NatsOutSettings,
    name: String,
    reader: Reader,
) -> Result<Up, BridgeError> {
    let mut connection = Connection::open(nats, reader).await?;
    let mut config = stream::config(
        &settings.stream,
        &settings.subject,
        RetentionPolicy::WorkQueue,
    );
    // A full queue refuses new messages, and drops none that waits.
    config.discard = DiscardPolicy::New;
    // The answer to a publisher is the fate of the message.
    config.no_ack = true;
    let subject = format!("{}.>", settings.subject);
    // Subscribed before the stream is made: a requester that sees the stream is heard.
    let heard = connection.client.subscribe(subject.clone()).await;
    let heard = heard.map_err(|error| BridgeError::Lost(error.to_string()))?;
    let context: Context = jetstream::new(connection.client.clone());
    let finding = async {
        let found = stream::find(&context, config).await?;
        let consumer = consumer(&found.stream, &name, &subject).await?;
        Ok::<_, BridgeError>((found, consumer))
    };
    let (found, consumer) = tokio::select! {
        found = tokio::time::timeout(FIND_DEADLINE, finding) => match found {
            Ok(found) => found?,
            Err(_) => return Err(BridgeError::Silent(settings.stream.name)),
        },
        error = connection.failed() => return Err(error),
    };
    Ok(Up {
        connection,
        pull: Pull::ask(consumer.clone()),
        deliveries: Deliveries::default(),
        looks: FuturesUnordered::new(),
        consumer,
        // Asked for behind the subscription, on the same connection.
        before: found.stream.cached_info().state.last_sequence,
        stream: found.stream,
        heard,
        differences: found.differences,
        reads: FuturesUnordered::new(),
        finishing: FuturesUnordered::new(),
    })
}

/// A consumer that delivers what is left, in order. The one before it is deleted.
async fn consumer(
    stream: &Stream,
    name: &str,
    subject: &str,
) -> Result<Consumer<pull::Config>, BridgeError> {
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        filter_subject: subject.to_owned(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: -1,
        inactive_threshold: INACTIVE,
        // It is made anew on each connection, so its state need not outlive the server. On disk the
        // state would be written anew again and again, with all messages that wait for names which
        // are down: their neighbours would wait for that.
        memory_storage: true,
        description: Some("made by everwire".into()),
        ..pull::Config::default()
    };
    let made = stream::insistently(|| async {
        // There may be none.
        let _deleted = tokio::time::timeout(AGAIN, stream.delete_consumer(name)).await;
        let making = stream.create_consumer(config.clone());
        match tokio::time::timeout(DEADLINE, making).await {
            // The one before it is still there, and would not deliver again what it has delivered.
            Ok(Ok(made)) if made.cached_info().delivered.consumer_sequence > 0 => Err(()),
            Ok(made) => Ok(made),
            Err(_) => Err(()),
        }
    });
    let stream = &stream.cached_info().config.name;
    let Some(made) = made.await else {
        return Err(BridgeError::Silent(stream.clone()));
    };
    made.map_err(|error| {
        let is_taken = |error: &jetstream::Error| {
            matches!(
                error.error_code(),
                ErrorCode::CONSUMER_WQ_CONSUMER_NOT_UNIQUE
                    | ErrorCode::CONSUMER_WQ_MULTIPLE_UNFILTERED
            )
        };
        match error.kind() {
            ConsumerErrorKind::JetStream(error) if is_taken(&error) => {
                BridgeError::QueueTaken(stream.clone())
            }
            _ => BridgeError::StreamNotMade {
                stream: stream.clone(),
                reason: error.to_string(),
            },
        }
    })
}
