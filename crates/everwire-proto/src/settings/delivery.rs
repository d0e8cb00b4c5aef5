//! Settings for the delivery of messages, out and in: how long they are kept, how fast they are
//! sent, how losses are detected.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::language::JsonPointer;

/// How many messages may wait, and whether they are kept until they are confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxSettings {
    /// Messages.
    pub messages: usize,
    /// Payload bytes.
    pub bytes: usize,
    /// What happens to a new message when the outbox is full.
    pub when_full: WhenFull,
    /// How long a message may wait before it expires.
    pub ttl: Option<Duration>,
    /// Whether accepted messages are kept on disk until they are confirmed, so that they outlive the process.
    pub durable: bool,
    /// When `durable` messages are safe on disk.
    pub fsync: Fsync,
    /// What happens to messages that were written and not confirmed when their socket died.
    pub resend: Resend,
    /// The most messages that may be written and unconfirmed at a time, if messages are kept until
    /// they are confirmed. After a loss at most this many arrive twice. `None`: as many as the
    /// outbox holds.
    pub in_flight: Option<NonZeroU32>,
}

/// What happens to a new message when the outbox is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is rejected.
    #[default]
    Reject,
    /// The oldest message that was not sent makes room.
    DropOldest,
}

/// When a durable message is safe on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Before it is reported as `queued`: a queued message is never lost, whatever happens to the
    /// machine.
    #[default]
    Always,
    /// At intervals: a crash of the process loses nothing, a crash of the machine loses messages
    /// `queued` in the last second.
    Interval,
}

/// What happens to messages that were written and not confirmed when their socket died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resend {
    /// They end in doubt: none reaches the peer twice.
    #[default]
    Never,
    /// They are sent again, in order and before newer ones: each reaches the next WebSocket hop at
    /// least once.
    InDoubt,
}

/// How many of the last incoming messages are kept for readers that resume. The default keeps none.
///
/// ```
/// use everwire_proto::settings::ConnectionSettings;
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// assert_eq!(settings.history.messages, 0);
/// settings.history.messages = 100; // of 256 KiB together
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Messages; 0 keeps none.
    pub messages: usize,
    /// Payload bytes. The newest message is always kept.
    pub bytes: usize,
    /// Whether they are also kept on disk, and outlive the process.
    pub durable: bool,
}

/// Where the peer's own numbers are in its text messages, to detect holes and duplicates.
///
/// ```
/// use everwire_proto::{
///     language::JsonPointer,
///     settings::{ConnectionSettings, SequenceSettings},
/// };
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// let mut sequence = SequenceSettings::new(JsonPointer::new("/data/t")?);
/// sequence.by = Some(JsonPointer::new("/stream")?);
/// settings.sequence = Some(sequence);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSettings {
    /// The number, which grows by one from message to message of a stream.
    pub json: JsonPointer,
    /// The stream that the number belongs to; `None`: all numbers are of one stream.
    pub by: Option<JsonPointer>,
}

/// The rate limit for outgoing messages.
///
/// In every window of `per`, a message that can wait is written only if it, and all that was
/// written in that window, are at most `messages`. After a silence `burst` of them may be sent back
/// to back, then one each `per / messages`.
///
/// Outbox messages and opening messages wait. Text heartbeats, pings and pongs never wait; pings
/// and pongs count only with `control`. Messages that can wait make room for those, which alone can
/// exceed the rate. If names share the rate, the name that has waited longest sends next.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use everwire_proto::settings::{ConnectionSettings, RateSettings};
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// let five = NonZeroU32::new(5).ok_or("zero")?;
/// settings.rate = vec![RateSettings::new(five, Duration::from_secs(1))];
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSettings {
    /// The bucket of `[rates]` that all names with this key share; `None`: the connection has its
    /// own. Settings with the same key have the same numbers.
    pub bucket: Option<Arc<str>>,
    /// Messages.
    pub messages: NonZeroU32,
    /// The period, more than zero. If it is a minute or longer and there is a store, messages
    /// written before a restart count, too.
    pub per: Duration,
    /// How many may be sent back to back after a silence, at most `messages`.
    pub burst: NonZeroU32,
    /// Whether pings and pongs count, too.
    pub control: bool,
    /// Whether each node of a cluster has such a bucket; else all its names are in one shard.
    /// Without a cluster it changes nothing.
    pub per_node: bool,
}

impl OutboxSettings {
    /// Whether messages are kept until they are confirmed. This needs a heartbeat that [can
    /// fence](super::Heartbeat::can_fence).
    pub fn keeps(&self) -> bool {
        self.durable || self.resend == Resend::InDoubt
    }
}

impl SequenceSettings {
    /// Numbers of one stream.
    pub fn new(json: JsonPointer) -> Self {
        Self { json, by: None }
    }
}

impl RateSettings {
    /// A bucket of the connection's own, with a burst of `messages`.
    pub fn new(messages: NonZeroU32, per: Duration) -> Self {
        Self {
            bucket: None,
            messages,
            per,
            burst: messages,
            control: false,
            per_node: false,
        }
    }
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            messages: 1024,
            bytes: 4 << 20,
            when_full: WhenFull::Reject,
            ttl: None,
            durable: false,
            fsync: Fsync::Always,
            resend: Resend::Never,
            in_flight: None,
        }
    }
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self {
            messages: 0,
            bytes: 256 << 10,
            durable: false,
        }
    }
}
