//! What happens in a conversation, for whoever watches it.

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

/// Something that has happened in a conversation, as an operator may see it: templates and expressions as they were written, and the first
/// 256 bytes of what came, without what is captured as a secret.
///
/// Serialized it has the member `happened`, in snake case, and those of its kind. `Display` is one line for a person.
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
    /// The turn of a step has come. What it sends may wait for a rate.
    Began {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// What it sends and expects, as it was written.
        #[serde(flatten)]
        written: StepWritten,
    },
    /// A step is left out, since its `if` does not hold.
    LeftOut {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// Its `if`, as it was written.
        condition: String,
    },
    /// The kernel has the message of a step.
    Sent {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// The message's template, as it was written.
        send: Option<String>,
    },
    /// The call of a step is out.
    Called {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// Its method and its URL as it was written, without its query; or the program.
        call: String,
    },
    /// The call of a step was answered.
    Answered {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// The HTTP status, or the exit code; `None`: a signal ended the program.
        status: Option<u16>,
        /// The start of the body, or of what the program wrote, without what of it is secret.
        text: String,
        /// How long that is, in bytes.
        bytes: usize,
        /// Since when the call was out.
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
    },
    /// The call of a step has no answer.
    Unanswered {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// Why.
        text: String,
        /// Since when the call was out.
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
    },
    /// A message has come.
    Came {
        /// Its start, without what of it is secret.
        text: String,
        /// Its length in bytes.
        bytes: usize,
        /// Whether subscribers see it.
        delivered: bool,
    },
    /// An expression of a step holds for the message that has come, or for the answer to its call; or it had to.
    Decided {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// The key: `give_up`, `fail`, `expect` or `again`.
        key: &'static str,
        /// Its expression, as it was written.
        expression: String,
        /// Since when the step waited for it.
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
        /// What follows.
        #[serde(flatten)]
        verdict: Verdict,
    },
    /// Nothing has decided a step in its time.
    TimedOut {
        /// Which step it is.
        #[serde(flatten)]
        place: Place,
        /// How long it had.
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
        /// Which rule, from 1.
        rule: usize,
        /// What it matches, as it was written.
        matches: String,
        /// The template of its answer, as it was written; `None`: it answers nothing.
        answer: Option<String>,
        /// How many answers wait, since too many were asked for within a second; 0: its answer goes out at once.
        waiting: usize,
        /// What it does.
        #[serde(rename = "do")]
        action: Option<&'static str>,
        /// After how long it does that.
        #[serde(rename = "delay_ms", serialize_with = "optional_millis")]
        delay: Option<Duration>,
        /// The captures that it sets.
        captures: Vec<String>,
        /// The captures that it forgets.
        clears: Vec<String>,
    },
    /// A rule does now what it was to do later.
    Acted {
        /// Which rule, from 1.
        rule: usize,
        /// What it does.
        #[serde(rename = "do")]
        action: &'static str,
    },
    /// A text ping is sent.
    Pinged {
        /// Its template, as it was written; `None`: the plain text of the settings.
        ping: Option<String>,
    },
    /// The message that has come answers a ping.
    Ponged {
        /// The expression that holds, as it was written.
        when: String,
    },
    /// The socket is to be closed, and is lost for this.
    Lost {
        /// What [`Cause`](crate::core::Cause) says of it.
        text: String,
    },
}

/// Which step of which script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The key of the script: `open_script`.
    pub script: &'static str,
    /// Which step it is, from 1.
    pub number: usize,
    /// How many steps the script has.
    pub steps: usize,
}

/// A step as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepWritten {
    /// What it sends; `None`: it calls something, or only listens.
    pub send: Option<String>,
    /// What it calls: the method and the URL without its query, or the program.
    pub call: Option<String>,
    /// What it expects; `None`: it has passed once it is written, or once its call was answered well.
    pub expect: Option<String>,
    /// How often that must come.
    pub count: u32,
    /// How long it may take.
    #[serde(rename = "within_ms", serialize_with = "millis")]
    pub within: Duration,
}

/// What follows when an expression of a step holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The step has passed.
    Passes {
        /// The captures that it sets.
        captures: Vec<String>,
    },
    /// It is to hold for further messages.
    Counts {
        /// How often it has held.
        met: u32,
        /// How often it must.
        count: u32,
    },
    /// The step is refused.
    Refuses,
    /// The step has not passed, since the answer to its call is another one.
    Misses,
    /// The step has not passed, since this capture is not there, or is too long.
    Lacks {
        /// The capture.
        capture: String,
    },
    /// The step comes again.
    Repeats {
        /// After this time.
        #[serde(rename = "in_ms", serialize_with = "millis")]
        wait: Duration,
    },
}

impl Happening {
    /// The texts in which words of the peer may stand: whoever knows more secrets takes them out.
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

    /// A rule has matched; `None` for an answer that none was sent for.
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
    /// The key of the script that a socket opens with.
    pub(super) const OPEN_SCRIPT: &str = "open_script";

    /// The key of what is done before a dial, shared or not.
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

/// What is sent, as it was written.
pub(super) fn sending(send: &Sending) -> String {
    clipped(&send.as_written())
}

/// The names of what a step or a rule captures.
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
