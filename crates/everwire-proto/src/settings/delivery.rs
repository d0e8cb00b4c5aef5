//! Settings of what is promised about messages, out and in: how long they are kept, how fast they go, what is missed.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::language::JsonPointer;

/// How much may wait to be sent, and what is kept until it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxSettings {
    /// Messages.
    pub messages: usize,
    /// Payload bytes.
    pub bytes: usize,
    /// What happens to the next message when it is full.
    pub when_full: WhenFull,
    /// How long a message may wait before it expires.
    pub ttl: Option<Duration>,
    /// Whether accepted messages are kept on disk until they are confirmed, so that they outlive the process.
    pub durable: bool,
    /// When `durable` messages are safe on disk.
    pub fsync: Fsync,
    /// What happens to messages that were written and not confirmed when their socket died.
    pub resend: Resend,
    /// The most messages that may be written and unconfirmed at a time, where messages are kept until they are confirmed: so many a
    /// lost socket can make arrive twice. `None`: as many as the outbox holds.
    pub in_flight: Option<NonZeroU32>,
}

/// What happens to the next message when the outbox is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is rejected at the door.
    #[default]
    Reject,
    /// The oldest that has not gone out makes room.
    DropOldest,
}

/// When a durable message is safe on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Before it is said to be `queued`: what was is not lost, whatever happens to the machine.
    #[default]
    Always,
    /// At intervals: a crash of the process loses nothing, one of the machine what was `queued` in the last second.
    Interval,
}

/// What happens to messages that were written and not confirmed when their socket died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resend {
    /// They end in doubt: none reaches the peer twice.
    #[default]
    Never,
    /// They are sent again, in order and before anything newer: each reaches the next WebSocket hop at least once.
    InDoubt,
}

/// How much of what came in last can be read again: nothing, unless it is asked for.
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
    /// Payload bytes. The newest message is kept whatever its size.
    pub bytes: usize,
    /// Whether they are kept on disk too, so that they outlive the process.
    pub durable: bool,
}

/// Where the peer's own numbers stand in its text messages: holes and doubles are told by them.
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
    /// The stream that the number counts in; without it all numbers are of one stream.
    pub by: Option<JsonPointer>,
}

/// How fast messages may go out.
///
/// In every window of `per`, what can wait is written only while all that was written in that window, and it, is at most `messages`.
/// After a silence `burst` of them may go back to back, then one each `per / messages`.
///
/// The messages of the outbox and the opening ones wait. Text heartbeats never wait, nor do pings and pongs, which count only with
/// `control`; what can wait makes room for them, and they alone can exceed the rate. Where names share the rate the next message
/// is of the name that has waited longest.
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
    /// The bucket of `[rates]` that all names with this key share; `None`: the connection has its own. Settings with the
    /// same key have the same numbers.
    pub bucket: Option<Arc<str>>,
    /// Messages.
    pub messages: NonZeroU32,
    /// In any time of this length, which is more than zero. What was written within a minute or more counts in the next process, too,
    /// where there is a store.
    pub per: Duration,
    /// How many may go back to back after a silence. More than `messages` are as good as `messages`.
    pub burst: NonZeroU32,
    /// Whether pings and pongs count too.
    pub control: bool,
}

impl OutboxSettings {
    /// Whether messages are kept until they are confirmed. It takes a heartbeat that [can fence](super::Heartbeat::can_fence).
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
