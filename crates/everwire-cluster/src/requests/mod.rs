//! Requests from node to node, over NATS: at most once, and without an answer if a node is gone.

mod parts;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{Client, HeaderMap, Message, Subscriber};
use bytes::Bytes;
use everwire::config::NatsSettings;
use everwire_nats::{
    BridgeError,
    connection::{Connection, Happened, Reader},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

pub use self::parts::MOST_BYTES;
use self::parts::{Parts, split};
use crate::clocks;

/// What subjects of nodes begin with.
const PREFIX: &str = "everwire.node";
/// The header with the number of a part.
const PART: &str = "Everwire-Part";
/// So many requests wait, at most: to be sent, and to be answered here.
const MOST: usize = 1024;
/// How long the client's queue may be full.
const ROOM: Duration = Duration::from_secs(2);
/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// A request of another node.
#[derive(Debug)]
pub struct Incoming {
    /// What it asks.
    pub bytes: Bytes,
    /// Takes the answer. Without one, the other node waits for as long as it wants.
    pub answer: oneshot::Sender<Bytes>,
}

/// Why a node gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The servers cannot be reached: nothing was asked.
    #[error("no NATS server answers: the other nodes cannot be asked")]
    Away,
    /// The request is too long: nothing was asked.
    #[error("the request is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// The node listens to no requests: nothing was done.
    #[error("the node does not listen to requests")]
    NobodyListens,
    /// No answer came in time: it may have been done.
    #[error("the node did not answer in time")]
    Silent,
}

/// A request to another node.
#[derive(Debug)]
pub(crate) struct Asked {
    pub node: Box<str>,
    pub bytes: Bytes,
    pub answer: oneshot::Sender<Result<Bytes, AskError>>,
}

/// The ends of the task that asks and answers.
#[derive(Debug)]
pub(crate) struct Ends {
    pub ask: mpsc::Sender<Asked>,
    pub incoming: mpsc::Receiver<Incoming>,
}

/// The task, until it runs.
pub(crate) struct Requests {
    node: Box<str>,
    asked: mpsc::Receiver<Asked>,
    tell: mpsc::Sender<Incoming>,
}

/// A connection, and what was asked over it.
struct Up {
    connection: Connection,
    requests: Subscriber,
    answers: Subscriber,
    inbox: String,
    asked: HashMap<String, oneshot::Sender<Result<Bytes, AskError>>>,
    number: u64,
    /// Parts of requests, by where their answer goes; and of answers, by their subject.
    parts: Parts,
    answering: FuturesUnordered<BoxFuture<'static, (String, Option<Bytes>)>>,
}

impl Requests {
    /// The task of a node, and its ends.
    pub fn new(node: &str) -> (Self, Ends) {
        let (ask, asked) = mpsc::channel(MOST);
        let (tell, incoming) = mpsc::channel(MOST);
        let requests = Self {
            node: node.into(),
            asked,
            tell,
        };
        (requests, Ends { ask, incoming })
    }

    /// Asks and answers until nobody can ask any more.
    pub async fn run(mut self, nats: Arc<NatsSettings>) {
        let reader = Reader::default();
        loop {
            let opening = open(Arc::clone(&nats), reader.clone(), self.node.clone());
            let Some(opened) = self.meanwhile(opening).await else {
                return;
            };
            if let Ok(up) = opened
                && !self.serve(up).await
            {
                return;
            }
            if self.meanwhile(sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }

    /// Refuses what is asked while something else is done; `None` if nobody can ask any more.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                asked = self.asked.recv() => refuse(asked?),
            }
        }
    }

    /// Until the connection is lost; `false` if nobody can ask any more.
    async fn serve(&mut self, mut up: Up) -> bool {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                happened = up.connection.happened() => if let Happened::Lost(_) = happened {
                    // Whoever waits is told: the senders are dropped with `up`.
                    return true;
                },
                asked = self.asked.recv() => match asked {
                    Some(asked) => up.ask(asked).await,
                    None => return false,
                },
                Some(message) = up.requests.next() => up.requested(message, &self.tell),
                Some(message) = up.answers.next() => up.answered(message),
                Some((to, answer)) = up.answering.next(), if !up.answering.is_empty() => {
                    if let Some(answer) = answer {
                        Up::publish(&up.connection.client, &to, None, &answer).await;
                    }
                }
                _ = ticks.tick() => {
                    up.parts.expire(clocks::now().boot);
                    up.asked.retain(|_, waits| !waits.is_closed());
                }
            }
        }
    }
}

impl Up {
    async fn ask(&mut self, asked: Asked) {
        if asked.bytes.len() > MOST_BYTES {
            let _gone = asked.answer.send(Err(AskError::TooLong));
            return;
        }
        self.number += 1;
        let reply = format!("{}.{}", self.inbox, self.number);
        let subject = subject(&asked.node);
        self.asked.insert(reply.clone(), asked.answer);
        let client = &self.connection.client;
        Self::publish(client, &subject, Some(&reply), &asked.bytes).await;
    }

    fn requested(&mut self, message: Message, tell: &mpsc::Sender<Incoming>) {
        let Some(reply) = message.reply.as_ref().map(ToString::to_string) else {
            return;
        };
        let Some(bytes) = self.part(&reply, message) else {
            return;
        };
        let (answer, answered) = oneshot::channel();
        // A node with too much to do gives no answer.
        if tell.try_send(Incoming { bytes, answer }).is_ok() {
            let answered = answered.map(|answer| (reply, answer.ok()));
            self.answering.push(answered.boxed());
        }
    }

    fn answered(&mut self, message: Message) {
        let subject = message.subject.to_string();
        if message.status.is_some() {
            self.tell(&subject, Err(AskError::NobodyListens));
        } else if let Some(bytes) = self.part(&subject, message) {
            self.tell(&subject, Ok(bytes));
        }
    }

    fn tell(&mut self, subject: &str, answer: Result<Bytes, AskError>) {
        if let Some(waits) = self.asked.remove(subject) {
            let _gone = waits.send(answer);
        }
    }

    fn part(&mut self, of: &str, message: Message) -> Option<Bytes> {
        let headers = message.headers.as_ref()?;
        let number = headers.get(PART)?.as_str();
        self.parts
            .put(of, number, message.payload, clocks::now().boot)
    }

    /// Publishes all parts. What finds no room is lost, and its asker told so by the time.
    async fn publish(client: &Client, subject: &str, reply: Option<&str>, whole: &Bytes) {
        for (number, part) in split(whole) {
            let mut headers = HeaderMap::new();
            headers.insert(PART, number);
            let (subject, publishing) = (subject.to_owned(), client.clone());
            let sent = async move {
                match reply {
                    Some(reply) => {
                        let reply = reply.to_owned();
                        let sent = publishing
                            .publish_with_reply_and_headers(subject, reply, headers, part);
                        sent.await
                    }
                    None => {
                        publishing
                            .publish_with_headers(subject, headers, part)
                            .await
                    }
                }
            };
            if !matches!(timeout(ROOM, sent).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}

/// Asks a node.
///
/// # Errors
///
/// [`AskError`].
pub(crate) async fn ask(
    ends: &mpsc::Sender<Asked>,
    node: &str,
    bytes: Bytes,
    until: Instant,
) -> Result<Bytes, AskError> {
    let (answer, answered) = oneshot::channel();
    let asked = Asked {
        node: node.into(),
        bytes,
        answer,
    };
    let asking = async {
        ends.send(asked).await.map_err(|_| AskError::Away)?;
        // The connection was lost.
        answered.await.unwrap_or(Err(AskError::Silent))
    };
    let answered = tokio::time::timeout_at(until, asking).await;
    answered.unwrap_or(Err(AskError::Silent))
}

async fn open(nats: Arc<NatsSettings>, reader: Reader, node: Box<str>) -> Result<Up, BridgeError> {
    let connection = Connection::open(nats, reader).await?;
    let client = connection.client.clone();
    let inbox = client.new_inbox();
    let lost = |error: async_nats::SubscribeError| BridgeError::Lost(error.to_string());
    let requests = client.subscribe(subject(&node)).await.map_err(lost)?;
    let answers = client.subscribe(format!("{inbox}.*")).await.map_err(lost)?;
    Ok(Up {
        connection,
        requests,
        answers,
        inbox,
        asked: HashMap::new(),
        number: 0,
        parts: Parts::default(),
        answering: FuturesUnordered::new(),
    })
}

/// The subject of a node. A token of a subject must not have a colon.
fn subject(node: &str) -> String {
    format!("{PREFIX}.{}", node.replace(':', "=3A"))
}

fn refuse(asked: Asked) {
    let _gone = asked.answer.send(Err(AskError::Away));
}
