//! The format of a recording: a JSON line for each event of a conversation, with its time and
//! without secrets.

use std::{
    io::{self, BufRead},
    path::Path,
};

use everwire::dialogue::{Happening, Place, Verdict};
use serde::{Deserialize, Serialize};

/// The version of the format.
pub const VERSION: u32 = 1;
/// The most lines of a recording.
const MAX_LINES: usize = 1_000_000;

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The time in milliseconds from the beginning.
    pub after_ms: f64,
    #[serde(flatten)]
    pub entry: Entry,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// The first line.
    Recording {
        version: u32,
        /// The connection.
        name: String,
    },
    /// A socket is up.
    Opened,
    /// The message of a step is written.
    Sent {
        #[serde(flatten)]
        step: Step,
        /// The template, as written.
        send: Option<String>,
    },
    /// A message was received.
    Came {
        /// The message. If something in it is secret: its start, masked with `***`.
        text: String,
        /// Its length in bytes.
        bytes: usize,
        /// Whether the text is the complete message, unchanged.
        whole: bool,
    },
    /// An expression of a step has decided on the previous message.
    Decided {
        #[serde(flatten)]
        step: Step,
        /// `expect`, `fail`, `give_up` or `again`.
        key: String,
        /// The result: `passes`, `counts`, `refuses`, `lacks`, `repeats`.
        verdict: String,
    },
    /// A step has reached its time limit.
    TimedOut {
        #[serde(flatten)]
        step: Step,
    },
    /// A rule has matched the previous message, or a loss.
    Ruled {
        /// The number of the rule, from 1.
        rule: usize,
    },
    /// A text ping was sent.
    Pinged,
    /// The previous message was the answer to a ping.
    Ponged,
    /// The name is ready.
    Ready,
    /// The socket ended, with the peer's close code or without one.
    Closed { code: Option<u16>, by_peer: bool },
    /// The name has given up.
    Failed { cause: String },
    /// This number of lines is missing: they arrived faster than they could be written.
    Missed { lines: u64 },
}

/// A step of a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// The key of the script.
    pub script: String,
    /// The number of the step, from 1.
    pub number: usize,
}

/// Why a file is not a recording.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecording {
    #[error("cannot read the recording: {0}")]
    Read(#[from] io::Error),
    #[error("line {line} of the recording was not written by `everwire record`: {why}")]
    Line { line: usize, why: serde_json::Error },
    #[error("invalid recording: its first line is not from `everwire record`")]
    Beginning,
    #[error("the recording has version {0}, but this program reads version {VERSION}")]
    Version(u32),
    #[error("the recording has more than {MAX_LINES} lines")]
    TooLong,
}

impl From<Place> for Step {
    fn from(place: Place) -> Self {
        Self {
            script: place.script.into(),
            number: place.number,
        }
    }
}

impl Entry {
    /// A happening as a line, without the text of a message.
    pub fn of(happening: &Happening) -> Option<Self> {
        Some(match happening {
            // This belongs to no socket.
            Happening::Decided { place, .. } if place.script == "prepare" => return None,
            Happening::Sent { place, send } => Self::Sent {
                step: (*place).into(),
                send: send.clone(),
            },
            Happening::Decided {
                place,
                key,
                verdict,
                ..
            } => Self::Decided {
                step: (*place).into(),
                key: (*key).into(),
                verdict: word(verdict).into(),
            },
            Happening::TimedOut { place, .. } => Self::TimedOut {
                step: (*place).into(),
            },
            Happening::Ruled { rule, .. } => Self::Ruled { rule: *rule },
            Happening::Pinged { .. } => Self::Pinged,
            Happening::Ponged { .. } => Self::Ponged,
            _ => return None,
        })
    }

    /// The decision of the dialogue in this entry. It must be the same when the same messages are
    /// played back. Periodic steps and steps before the close are not compared: they depend on the
    /// time.
    pub fn decision(&self) -> Option<String> {
        match self {
            Self::Decided { step, key, verdict } if step.script == "open_script" => {
                Some(format!("step {}: {key} {verdict}", step.number))
            }
            Self::TimedOut { step } if step.script == "open_script" => {
                Some(format!("step {} has no answer in its time", step.number))
            }
            Self::Ruled { rule } => Some(format!("rule {rule} matches")),
            _ => None,
        }
    }
}

/// The word for a verdict.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passes { .. } => "passes",
        Verdict::Counts { .. } => "counts",
        Verdict::Refuses => "refuses",
        Verdict::Lacks { .. } => "lacks",
        Verdict::Repeats { .. } => "repeats",
        _ => "decides",
    }
}

/// Reads a recording.
///
/// # Errors
///
/// [`InvalidRecording`] says what is wrong, and in which line.
pub fn read(path: &Path) -> Result<(String, Vec<Entry>), InvalidRecording> {
    let file = io::BufReader::new(std::fs::File::open(path)?);
    let mut entries = Vec::new();
    for (at, line) in file.lines().enumerate() {
        if at >= MAX_LINES {
            return Err(InvalidRecording::TooLong);
        }
        let line: Result<Line, _> = serde_json::from_str(&line?);
        let line = line.map_err(|why| InvalidRecording::Line { line: at + 1, why })?;
        entries.push(line.entry);
    }
    match entries.first() {
        Some(Entry::Recording { version, name }) if *version == VERSION => {
            let name = name.clone();
            Ok((name, entries.split_off(1)))
        }
        Some(Entry::Recording { version, .. }) => Err(InvalidRecording::Version(*version)),
        _ => Err(InvalidRecording::Beginning),
    }
}
