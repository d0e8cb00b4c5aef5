//! What goes wrong in a run of a rehearsal, and where.

use std::fmt;

/// A place in a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The whole dialogue.
    Whole,
    /// A step of `prepare`, from 0.
    Prepare(usize),
    /// The upgrade.
    Upgrade,
    /// A step of `open_script`, from 0.
    Open(usize),
    /// The subscriptions of the settings.
    Subscribe,
    /// A message after the script.
    Message,
    /// A rule, from 0.
    Rule(usize),
    /// The answers to pings.
    Pong,
    /// A step of `periodic`, from 0.
    Periodic(usize),
    /// A step of `close_script`, from 0.
    Close(usize),
}

/// What the peer does there, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The expected answer.
    AsWritten,
    /// The recorded answer.
    Recorded,
    /// The connection ends before the answer.
    CutBefore,
    /// The connection ends within the answer.
    CutWithin,
    /// The connection ends after the answer.
    CutBehind,
    /// A refusal that may pass.
    Refusal,
    /// A permanent refusal.
    GiveUp,
    /// The step is asked to repeat.
    Again,
    /// No answer.
    Silence,
    /// The message that the rule matches.
    Said,
    /// The socket closes with this code.
    Closed(u16),
    /// The upgrade is refused with this status.
    Status(u16),
    /// The socket is replaced.
    Rotation,
    /// A message that no server sends.
    Junk(Junk),
}

/// Messages that no server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Junk {
    /// A text that is not JSON.
    NoJson,
    /// Deeply nested brackets.
    Deep,
    /// Binary data.
    Bytes,
    /// A long JSON text.
    Long,
    /// A message longer than `max_message`.
    TooLong,
}

/// The fault of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    pub place: Place,
    pub what: What,
}

impl Fault {
    /// A fault at a place.
    pub fn new(place: Place, what: What) -> Self {
        Self { place, what }
    }

    /// Whether the name is expected to give up.
    pub fn ends_name(self) -> bool {
        self.what == What::GiveUp
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("all"),
            Self::Prepare(at) => write!(f, "prepare {}", at + 1),
            Self::Upgrade => f.write_str("upgrade"),
            Self::Open(at) => write!(f, "open_script {}", at + 1),
            Self::Subscribe => f.write_str("subscribe"),
            Self::Message => f.write_str("message"),
            Self::Rule(at) => write!(f, "rule {}", at + 1),
            Self::Pong => f.write_str("heartbeat"),
            Self::Periodic(at) => write!(f, "periodic {}", at + 1),
            Self::Close(at) => write!(f, "close_script {}", at + 1),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsWritten => f.write_str("as written"),
            Self::Recorded => f.write_str("as recorded"),
            Self::CutBefore => f.write_str("cut before the answer"),
            Self::CutWithin => f.write_str("cut within the answer"),
            Self::CutBehind => f.write_str("cut behind the answer"),
            Self::Refusal => f.write_str("refused"),
            Self::GiveUp => f.write_str("refused for good"),
            Self::Again => f.write_str("asked for again"),
            Self::Silence => f.write_str("no answer"),
            Self::Said => f.write_str("its message"),
            Self::Closed(code) => write!(f, "closed with {code}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Rotation => f.write_str("another socket"),
            Self::Junk(junk) => f.write_str(match junk {
                Junk::NoJson => "not JSON",
                Junk::Deep => "deep JSON",
                Junk::Bytes => "bytes",
                Junk::Long => "a long text",
                Junk::TooLong => "more than max_message",
            }),
        }
    }
}
