//! The way to the servers, as it comes and goes.

use std::{pin::Pin, sync::Arc, time::Duration};

use async_nats::{
    Message, Subscriber,
    jetstream::{
        self, Context,
        stream::{LastRawMessageErrorKind, RetentionPolicy, Stream},
    },
};
use everwire::{
    ConnectionName,
    config::{NatsInSettings, NatsSettings},
};
use futures::{Future, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::Instant;

use crate::{
    connection::Connection,
    error::BridgeError,
    header,
    lanes::{LaneId, Last},
    report::{Observer, Report},
    status::Shared,
    stream,
    subject::subject_of,
};

/// Between two attempts to connect: it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the stream may take to say which message it has last.
const ASK_DEADLINE: Duration = Duration::from_secs(5);
/// How long the stream may take to be found or made, beyond the connection.
const FIND_DEADLINE: Duration = Duration::from_secs(20);

/// What has changed.
pub(super) enum Change {
    /// There is a connection, on which so many messages of a lane may be published at once.
    Up(usize),
    /// The connection is lost.
    Down,
    /// An answer to a published message, or a status in its place.
    Answer(Message),
    /// What the stream has last of a name.
    Last(LaneId, Result<Option<Last>, String>),
}

/// The connection, or the way to the next one.
pub(super) struct Link {
    nats: Arc<NatsSettings>,
    settings: NatsInSettings,
    status: Shared,
    observer: Observer,
    state: State,
    attempts: u32,
}

enum State {
    Pausing(Pin<Box<tokio::time::Sleep>>),
    Connecting(BoxFuture<'static, Result<Up, BridgeError>>),
    Up(Box<Up>),
}

/// A connection with a stream behind it.
pub(super) struct Up {
    connection: Connection,
    stream: Stream,
    answers: Subscriber,
    /// Answers come to subjects below this.
    inbox: String,
    asks: FuturesUnordered<BoxFuture<'static, (LaneId, Result<Option<Last>, String>)>>,
    differences: Vec<String>,
    window: usize,
}

impl Link {
    pub fn new(
        nats: Arc<NatsSettings>,
        settings: NatsInSettings,
        status: Shared,
        observer: Observer,
    ) -> Self {
        let state = State::Connecting(Box::pin(open(Arc::clone(&nats), settings.clone())));
        Self {
            nats,
            settings,
            status,
            observer,
            state,
            attempts: 0,
        }
    }

    /// The next change. May be dropped and asked for again.
    pub async fn next(&mut self) -> Change {
        loop {
            match &mut self.state {
                State::Pausing(pause) => {
                    pause.await;
                    let opening = open(Arc::clone(&self.nats), self.settings.clone());
                    self.state = State::Connecting(Box::pin(opening));
                }
                State::Connecting(opening) => match opening.await {
                    Ok(up) => return self.opened(up),
                    Err(error) => self.give_up(error),
                },
                State::Up(up) => {
                    let lost = tokio::select! {
                        biased;
                        Some((lane, last)) = up.asks.next(), if !up.asks.is_empty() => {
                            return Change::Last(lane, last);
                        }
                        answer = up.answers.next() => match answer {
                            Some(answer) => return Change::Answer(answer),
                            None => BridgeError::Lost("the client has ended".into()),
                        },
                        error = up.connection.lost() => error,
                    };
                    self.give_up(lost);
                    return Change::Down;
                }
            }
        }
    }

    /// The connection, if there is one.
    pub fn up(&mut self) -> Option<&mut Up> {
        match &mut self.state {
            State::Up(up) => Some(up),
            State::Pausing(_) | State::Connecting(_) => None,
        }
    }

    /// Ends the connection, and begins another one after a pause.
    pub fn give_up(&mut self, error: BridgeError) {
        let pause = PAUSE * 2_u32.saturating_pow(self.attempts.min(8));
        self.attempts = self.attempts.saturating_add(1);
        let until = Instant::now() + pause.min(LONGEST_PAUSE);
        self.state = State::Pausing(Box::pin(tokio::time::sleep_until(until)));
        if self.status.failed(&error) {
            self.observer.tell(Report::Down(error));
        }
    }

    fn opened(&mut self, up: Up) -> Change {
        self.attempts = 0;
        let server = up.connection.server();
        self.status.connected(server.clone());
        let differences = up.differences.clone();
        self.status
            .update(|status| status.differences.clone_from(&differences));
        self.observer.tell(Report::Up {
            server,
            differences,
        });
        let window = up.window;
        self.state = State::Up(Box::new(up));
        Change::Up(window)
    }
}

impl Up {
    /// Where the answer to a message goes.
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
            let asked = stream.get_last_raw_message_by_subject(&subject);
            let last = match tokio::time::timeout(ASK_DEADLINE, asked).await {
                Ok(Ok(message)) => Ok(Some(Last {
                    place: header::place(&message.headers),
                    sequence: message.sequence,
                })),
                Ok(Err(error)) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    Ok(None)
                }
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the stream does not say which message it has last".to_owned()),
            };
            (lane, last)
        }));
    }
}

fn open(
    nats: Arc<NatsSettings>,
    settings: NatsInSettings,
) -> impl Future<Output = Result<Up, BridgeError>> + Send + 'static {
    async move {
        let connection = Connection::open(nats).await?;
        let mut config =
            stream::config(&settings.stream, &settings.subject, RetentionPolicy::Limits);
        config.duplicate_window = settings.duplicate_window;
        let context: Context = jetstream::new(connection.client.clone());
        let finding = stream::find(&context, config);
        let found = match tokio::time::timeout(FIND_DEADLINE, finding).await {
            Ok(found) => found?,
            Err(_) => return Err(BridgeError::NoJetStream("it does not answer".into())),
        };
        let inbox = connection.client.new_inbox();
        let subscribing = connection.client.subscribe(format!("{inbox}.*.*"));
        let answers = subscribing
            .await
            .map_err(|error| BridgeError::Lost(error.to_string()))?;
        Ok(Up {
            window: stream::window(found.stream.cached_info()),
            stream: found.stream,
            differences: found.differences,
            connection,
            answers,
            inbox,
            asks: FuturesUnordered::new(),
        })
    }
}
