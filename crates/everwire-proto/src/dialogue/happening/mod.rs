//! Happenings in a conversation, for a watcher.

mod text;

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{
    place::StepPlace,
    report::{self, clipped},
};
use crate::{
    language::{Name, Names},
    settings::dialogue::{
        Capture, Dialogue, DialogueRule, PrepareStep, RuleAction, ScriptStep, Sending, Trigger,
    },
};

/// A happening in a conversation, in a form that is safe for an operator: templates and expressions
/// as written, and the first 256 bytes of incoming messages, with captured secrets masked.
///
/// Serialized it has the member `happened`, in snake case, and those of its kind. `Display` is one
/// line for a person.
///
/// ```
/// use everwire_proto::dialogue::{Happening, Place};
///
/// let place = Place { script: "open_script", number: 2, steps: 3 };
/// let sent = Happening::Sent { place, send: Some(r#"{"op":"login"}"#.into()) };
/// assert_eq!(sent.to_string(), "step 2 of 3 is sent");
/// let json = serde_json::to_value(&sent)?;
/// assert_eq!((&json["happened"], &json["number"]), (&"sent".into(), &2.into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "happened", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happening {
    /// The turn of a step has come. Its message may still wait for a rate.
    Began {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// Its message and expectation, as written.
        #[serde(flatten)]
        written: StepWritten,
    },
    /// A step is left out because its `if` is false.
    LeftOut {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// Its `if`, as it was written.
        condition: String,
    },
    /// The kernel has the message of a step.
    Sent {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// The message's template, as it was written.
        send: Option<String>,
    },
    /// The call of a step was made.
    Called {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// Its method and its URL as it was written, without its query; or the program.
        call: String,
    },
    /// The call of a step was answered.
    Answered {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// The HTTP status, or the exit code; `None`: a signal ended the program.
        status: Option<u16>,
        /// The start of the body, or of the program's output, with secrets masked.
        text: String,
        /// The whole length, in bytes.
        bytes: usize,
        /// The time since the call was made.
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
    },
    /// The call of a step has no answer.
    Unanswered {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// The reason.
        text: String,
        /// The time since the call was made.
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
    },
    /// A message has come.
    Came {
        /// Its start, with secrets masked.
        text: String,
        /// Its length in bytes.
        bytes: usize,
        /// Whether subscribers get it.
        delivered: bool,
    },
    /// An expression of a step is true for the incoming message or the answer to its call, or had
    /// to be.
    Decided {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// The key: `give_up`, `fail`, `expect` or `again`.
        key: &'static str,
        /// Its expression, as it was written.
        expression: String,
        /// How long the step waited for it.
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
        /// The consequence.
        #[serde(flatten)]
        verdict: Verdict,
    },
    /// Nothing has decided a step in time.
    TimedOut {
        /// The step.
        #[serde(flatten)]
        place: Place,
        /// Its time limit.
        #[serde(rename = "within_ms", serialize_with = "millis")]
        within: Duration,
    },
    /// All steps of a script have passed.
    Passed {
        /// The script's key.
        script: &'static str,
        /// How many steps it has.
        steps: usize,
    },
    /// A rule has matched.
    Ruled {
        /// The number of the rule, from 1.
        rule: usize,
        /// Its condition, as written.
        matches: String,
        /// The template of its answer, as it was written; `None`: it answers nothing.
        answer: Option<String>,
        /// How many answers wait because of the limit per second; 0: its answer is sent at once.
        waiting: usize,
        /// Its action.
        #[serde(rename = "do")]
        action: Option<&'static str>,
        /// The delay of the action.
        #[serde(rename = "delay_ms", serialize_with = "optional_millis")]
        delay: Option<Duration>,
        /// The captures that it sets.
        captures: Vec<String>,
        /// The captures that it clears.
        clears: Vec<String>,
    },
    /// A rule performs its delayed action.
    Acted {
        /// The number of the rule, from 1.
        rule: usize,
        /// The action.
        #[serde(rename = "do")]
        action: &'static str,
    },
    /// A text ping is sent.
    Pinged {
        /// Its template, as it was written; `None`: the plain text of the settings.
        ping: Option<String>,
    },
    /// The incoming message answers a ping.
    Ponged {
        /// The expression that is true, as written.
        when: String,
    },
    /// The socket is about to be closed, and counts as lost.
    Lost {
        /// The text of the [`Cause`](crate::core::Cause).
        text: String,
    },
}

/// A step of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The key of the script: `open_script`.
    pub script: &'static str,
    /// The number of the step, from 1.
    pub number: usize,
    /// How many steps the script has.
    pub steps: usize,
}

/// A step as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepWritten {
    /// What it sends; `None`: it makes a call, or only listens.
    pub send: Option<String>,
    /// Its call: the method and the URL without its query, or the program.
    pub call: Option<String>,
    /// What it expects; `None`: it has passed once it is written, or once its call has succeeded.
    pub expect: Option<String>,
    /// How often that must come.
    pub count: u32,
    /// Its time limit.
    #[serde(rename = "within_ms", serialize_with = "millis")]
    pub within: Duration,
}

/// The consequence of a true expression of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The step has passed.
    Passes {
        /// The captures that it sets.
        captures: Vec<String>,
    },
    /// It must be true for more messages.
    Counts {
        /// How often it was true.
        met: u32,
        /// How often it must be.
        count: u32,
    },
    /// The step is refused.
    Refuses,
    /// The step has not passed, because the answer to its call is not the expected one.
    Misses,
    /// The step has not passed, because this capture is absent or too long.
    Lacks {
        /// The capture.
        capture: String,
    },
    /// The step is repeated.
    Repeats {
        /// After this time.
        #[serde(rename = "in_ms", serialize_with = "millis")]
        wait: Duration,
    },
}

impl Happening {
    /// The texts that may quote the peer, so that more secrets can be masked.
    pub fn foreign_text(&mut self) -> Option<&mut String> {
        match self {
            Self::Came { text, .. }
            | Self::Answered { text, .. }
            | Self::Unanswered { text, .. }
            | Self::Lost { text } => Some(text),
            Self::Began { .. }
            | Self::LeftOut { .. }
            | Self::Sent { .. }
            | Self::Called { .. }
            | Self::Decided { .. }
            | Self::TimedOut { .. }
            | Self::Passed { .. }
            | Self::Ruled { .. }
            | Self::Acted { .. }
            | Self::Pinged { .. }
            | Self::Ponged { .. } => None,
        }
    }

    /// A rule has matched; no answer was sent for it yet.
    pub(super) fn ruled(at: usize, rule: &DialogueRule, names: &Names) -> Self {
        Self::Ruled {
            rule: at + 1,
            matches: trigger(&rule.trigger),
            answer: None,
            waiting: 0,
            action: rule.action.map(RuleAction::as_str),
            delay: None,
            captures: captured(&rule.capture, names),
            clears: names_of(&rule.clear, names),
        }
    }
}

impl Place {
    /// The key of the opening script.
    pub(super) const OPEN_SCRIPT: &str = "open_script";

    /// The key of the preparation of a dial, shared or not.
    pub(super) const PREPARE: &str = "prepare";

    pub(super) fn of(place: StepPlace, dialogue: &Dialogue) -> Self {
        Self {
            script: place.list.as_str(),
            number: place.at + 1,
            steps: place.list.len(dialogue),
        }
    }
}

impl StepWritten {
    pub(super) fn before_dial(step: &PrepareStep) -> Self {
        let expect = step.expect.as_ref();
        Self {
            send: None,
            call: Some(report::call(&step.call)),
            expect: expect.map(|expect| clipped(expect.as_str())),
            count: 1,
            within: step.within,
        }
    }

    pub(super) fn of(step: &ScriptStep) -> Self {
        let expect = step.expect.as_ref();
        Self {
            send: step.send.as_ref().map(sending),
            call: step.call.as_deref().map(report::call),
            expect: expect.map(|expect| clipped(expect.as_str())),
            count: step.count.get(),
            within: step.within,
        }
    }
}

/// A message, as it was written.
pub(super) fn sending(send: &Sending) -> String {
    clipped(&send.as_written())
}

/// The names of the captures of a step or a rule.
pub(super) fn captured(captures: &[Capture], names: &Names) -> Vec<String> {
    let name = |capture: &Capture| names.text(Name::Capture(capture.name)).to_owned();
    captures.iter().map(name).collect()
}

fn names_of(captures: &[u16], names: &Names) -> Vec<String> {
    let name = |at: &u16| names.text(Name::Capture(*at)).to_owned();
    captures.iter().map(name).collect()
}

fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Message(when) => clipped(when.as_str()),
        Trigger::Loss(losses) => {
            let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
            format!("loss {}", losses.join(", "))
        }
    }
}

fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
}

fn optional_millis<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => millis(duration, serializer),
        None => serializer.serialize_none(),
    }
}
