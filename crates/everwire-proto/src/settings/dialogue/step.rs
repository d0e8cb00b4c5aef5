//! Steps of a script.

use std::{num::NonZeroU32, time::Duration};

use super::{Capture, Sending, StepCall, TemplateDuration};
use crate::{language::Expression, settings::RateSettings};

/// The most steps of a script.
pub const MAX_STEPS: usize = 32;

/// A step of a script: it sends a message, then checks each incoming message until one decides; or
/// it makes a call, and checks only its answer.
///
/// A message is tried on `give_up`, `fail`, `expect` and `again`, in this order, and so is an
/// answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptStep {
    /// The message to send; `None`: the step only listens.
    pub send: Option<Sending>,
    /// The call, if nothing is sent. Boxed: few steps make calls.
    pub call: Option<Box<StepCall>>,
    /// What must come; `None`: the step has passed once it is written. For an answer the default is
    /// then a status of 2xx, or 0 for a program.
    pub expect: Option<Expression>,
    /// How often it must come.
    pub count: NonZeroU32,
    /// A temporary refusal.
    pub fail: Option<Expression>,
    /// A permanent refusal.
    pub give_up: Option<Expression>,
    /// The time limit, from when the step was written or its call began.
    pub within: Duration,
    /// Captures from the message that decides.
    pub capture: Vec<Capture>,
    /// Captures that are cleared when the step has passed.
    pub clear: Vec<u16>,
    /// Whether the step runs at all.
    pub condition: Option<Expression>,
    /// When the step is repeated on the same socket.
    pub again: Option<Again>,
    /// The buckets, each with a key, that it waits for before it is written: all at once, and
    /// besides those of the connection.
    pub rate: Vec<RateSettings>,
    /// Whether it reads captures of a shared `prepare`: if it fails, that is asked for again.
    pub reads_prepared: bool,
}

/// A step that is repeated while a name is ready: one at a time on a socket.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodicStep {
    /// The step.
    pub step: ScriptStep,
    /// The time from *ready* to the first run, and from each run to the next; it starts again when
    /// the value changes. It takes effect when it first has a value. A value that is not a duration
    /// counts as [`EVERY`](Self::EVERY).
    pub every: TemplateDuration,
    /// Whether it runs only if we have sent no message for that time.
    pub idle: bool,
}

/// When a step is repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// The message that asks for a repetition.
    pub when: Expression,
    /// The delay; if it is `None` or invalid, `reconnect.max`.
    pub after: Option<TemplateDuration>,
}

impl ScriptStep {
    /// The default time limit of a step.
    pub const WITHIN: Duration = Duration::from_secs(10);

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let again = self.again.iter().map(|again| &again.when);
        let captures = self.capture.iter().flat_map(Capture::expressions);
        let conditions = [&self.expect, &self.fail, &self.give_up, &self.condition];
        conditions
            .into_iter()
            .flatten()
            .chain(again)
            .chain(captures)
    }

    /// Whether it sends or calls.
    pub fn acts(&self) -> bool {
        self.send.is_some() || self.call.is_some()
    }

    /// Whether it takes time: it sends, calls or listens.
    pub fn takes_time(&self) -> bool {
        self.acts() || self.expect.is_some()
    }

    /// Whether its call is made at its turn: there is one, and it waits for no rate.
    pub fn calls_at_once(&self) -> bool {
        self.call.is_some() && self.rate.is_empty()
    }

    /// Whether the deciding message is secret, so that subscribers do not get it.
    pub fn is_secret(&self) -> bool {
        self.capture.iter().any(|capture| capture.secret)
    }
}

impl PeriodicStep {
    /// The period if the value of `every` is not a duration.
    pub const EVERY: Duration = Duration::from_secs(60 * 60);
}

impl Default for ScriptStep {
    /// A step that does nothing.
    fn default() -> Self {
        Self {
            send: None,
            call: None,
            expect: None,
            count: NonZeroU32::MIN,
            fail: None,
            give_up: None,
            within: Self::WITHIN,
            capture: Vec::new(),
            clear: Vec::new(),
            condition: None,
            again: None,
            rate: Vec::new(),
            reads_prepared: false,
        }
    }
}
