//! Steps of a script.

use std::{num::NonZeroU32, time::Duration};

use super::{Capture, Sending, StepCall, TemplateDuration};
use crate::{language::Expression, settings::RateSettings};

/// The most steps of a script.
pub const MAX_STEPS: usize = 32;

/// A step of a script: it sends, then looks at each message until one decides; or it makes a call, and looks at its answer alone.
///
/// A message is tried on `give_up`, `fail`, `expect` and `again`, in this order, and so is an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptStep {
    /// What is sent; `None`: the step only listens.
    pub send: Option<Sending>,
    /// What is called, where nothing is sent. Boxed: few steps call anything.
    pub call: Option<Box<StepCall>>,
    /// What must come; `None`: the step has passed once it is written. Of an answer it is then a status of 2xx, or of a program 0.
    pub expect: Option<Expression>,
    /// How often that must come.
    pub count: NonZeroU32,
    /// What is a refusal that may pass.
    pub fail: Option<Expression>,
    /// What is a refusal that stays.
    pub give_up: Option<Expression>,
    /// How long all that may take from when the step was written, or from when its call began.
    pub within: Duration,
    /// What is kept of the message that decides.
    pub capture: Vec<Capture>,
    /// The captures that are forgotten when the step has passed.
    pub clear: Vec<u16>,
    /// Whether the step is taken at all.
    pub condition: Option<Expression>,
    /// When the step is repeated on the same socket.
    pub again: Option<Again>,
    /// The buckets, each with a key, that it waits for before it is written: all at once, and besides those of the connection.
    pub rate: Vec<RateSettings>,
    /// Whether it reads what a shared `prepare` has captured: where it fails, that is asked for anew.
    pub reads_prepared: bool,
}

/// A step that is taken again and again while a name is ready: one at a time on a socket.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodicStep {
    /// What is sent and expected.
    pub step: ScriptStep,
    /// How long from *ready* to the first time, and from each time to the next; anew when the value changes. It takes effect when it
    /// first has a value; what is no duration counts as [`EVERY`](Self::EVERY).
    pub every: TemplateDuration,
    /// Whether it is taken only when no message of ours went out for so long.
    pub idle: bool,
}

/// What has a step repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// The message that asks for it.
    pub when: Expression,
    /// After how long; `None`, or unreadable: after `reconnect.max`.
    pub after: Option<TemplateDuration>,
}

impl ScriptStep {
    /// From when a step was written to when it must have passed, unless the settings say otherwise.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// Its expressions.
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

    /// Whether it does anything but listen.
    pub fn acts(&self) -> bool {
        self.send.is_some() || self.call.is_some()
    }

    /// Whether it takes any time: it sends, calls or listens.
    pub fn takes_time(&self) -> bool {
        self.acts() || self.expect.is_some()
    }

    /// Whether its call is made when its turn comes: there is one, and it waits for no rate.
    pub fn calls_at_once(&self) -> bool {
        self.call.is_some() && self.rate.is_empty()
    }

    /// Whether what decides is kept secret: the message is then told to nobody.
    pub fn is_secret(&self) -> bool {
        self.capture.iter().any(|capture| capture.secret)
    }
}

impl PeriodicStep {
    /// What holds where the value of `every` is no duration.
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
