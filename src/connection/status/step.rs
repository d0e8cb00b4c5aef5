//! The status of a conversation.

use everwire_proto::dialogue::{AwaitedSubscriptions, Progress, StepState, StepWritten};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::events::{optional_time, rfc3339};

/// The current step of a script, as it was written: templates are not rendered, and clipped to 256
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepStatus {
    /// The key of the script. `protocol` if a [protocol](crate::dialogue::Protocol) in code says
    /// what it waits for; `subscribe` while subscriptions are awaited, which `expect` lists.
    pub script: &'static str,
    /// Which step it is, from 1.
    pub number: usize,
    /// How many steps the script has.
    pub steps: usize,
    /// Its progress: `queued` until its turn to be written, `made` until the kernel has it, then
    /// `listens`; `calls` until its call is answered; `rests` until it comes again.
    #[serde(serialize_with = "word")]
    pub state: StepState,
    /// What it sends; `None`: it makes a call, or only listens.
    pub send: Option<String>,
    /// Its call: the method and the URL as it was written, without its query, or the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// What it expects; `None`: it has passed once it is written, or once its call has succeeded.
    pub expect: Option<String>,
    /// How often the expected message has come.
    pub met: u32,
    /// How often it must come.
    pub count: u32,
    /// Since when.
    #[serde(serialize_with = "time")]
    pub since: Timestamp,
    /// When its time is over, or when it comes again; `None`: it waits for its turn to be written.
    #[serde(serialize_with = "optional_time")]
    pub until: Option<Timestamp>,
}

/// The waiting answers of rules: at most 100 are sent within a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleRate {
    /// How many wait. At 128 the reading stops.
    pub waiting: usize,
}

impl StepStatus {
    /// `since` and `until` are the times of the progress.
    pub(in crate::connection) fn new(
        progress: &Progress<'_>,
        since: Timestamp,
        until: Option<Timestamp>,
    ) -> Self {
        let StepWritten {
            send,
            call,
            expect,
            count,
            ..
        } = progress.written();
        Self {
            script: progress.place.list.as_str(),
            number: progress.place.at + 1,
            steps: progress.steps,
            state: progress.state,
            send,
            call,
            expect,
            met: progress.met,
            count,
            since,
            until,
        }
    }
}

impl StepStatus {
    /// A protocol waits for `what`.
    pub(in crate::connection) fn awaited(what: &str, since: Timestamp) -> Self {
        Self {
            script: "protocol",
            number: 1,
            steps: 1,
            state: StepState::Listens,
            send: None,
            call: None,
            expect: Some(what.to_owned()),
            met: 0,
            count: 1,
            since,
            until: None,
        }
    }
}

impl StepStatus {
    /// The name is not ready before these subscriptions are answered.
    pub(in crate::connection) fn subscriptions(
        awaited: &AwaitedSubscriptions,
        since: Timestamp,
    ) -> Self {
        Self {
            script: "subscribe",
            number: awaited.of.saturating_sub(awaited.left) + 1,
            steps: awaited.of,
            state: StepState::Listens,
            send: None,
            call: None,
            expect: Some(awaited.to_string()),
            met: 0,
            count: 1,
            since,
            until: None,
        }
    }
}

impl RuleRate {
    /// `None`: none waits.
    pub(in crate::connection) fn of(waiting: usize) -> Option<Self> {
        (waiting > 0).then_some(Self { waiting })
    }
}

fn word<S: Serializer>(state: &StepState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}
