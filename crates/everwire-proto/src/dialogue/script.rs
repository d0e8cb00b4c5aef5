//! The script of a socket: its steps, one after the other.

use std::time::Instant;

use super::{
    captures::Caught,
    context::Context,
    happening::{Happening, Place},
    progress::Progress,
    reply::Reply,
    report,
    running::{Outcome, Phase, Running, looks_into_messages},
    surroundings::Seen,
    times::Times,
};
use crate::{
    core::{Cause, Message},
    settings::dialogue::{Dialogue, ScriptStep},
};

/// The script of a socket.
#[derive(Debug, Default)]
pub(super) enum Script {
    /// There is no socket. It is left when one opens.
    #[default]
    Closed,
    /// A step is on its way. It is left when the last step has passed, or when the socket is lost. Boxed: it is soon over.
    Running(Box<Running>),
    /// All steps have passed. It is left with the socket.
    Passed,
    /// The socket is to be lost. It is left with the socket.
    Over,
}

impl Script {
    /// A socket is open.
    pub fn opened(&mut self, cx: &mut Context<'_>) {
        self.begin(0, cx);
    }

    /// The next step that is to be taken, from this one on.
    fn begin(&mut self, from: usize, cx: &mut Context<'_>) {
        for (at, step) in cx.dialogue.open_script.iter().enumerate().skip(from) {
            if !is_taken(step, cx) {
                tell_left_out(at, step, cx);
                continue;
            }
            if step.send.is_some() || step.expect.is_some() {
                *self = Self::Running(Box::new(Running::begin(at, step, cx)));
                return;
            }
            cx.captures.clear(&step.clear);
        }
        *self = Self::Passed;
        if from > 0 || !cx.dialogue.open_script.is_empty() {
            cx.tell(|dialogue| Happening::Passed {
                script: Place::OPEN_SCRIPT,
                steps: dialogue.open_script.len(),
            });
        }
        cx.out.push(Reply::Passed);
    }

    /// The message of the step whose turn has come.
    pub fn compose(&mut self, cx: &mut Context<'_>) -> Option<Message> {
        let running = self.running().filter(|step| step.phase == Phase::Queued)?;
        let step = cx.dialogue.open_script.get(running.at)?;
        let made = running.compose(step, cx);
        match made {
            Ok(message) => message,
            Err(cause) => {
                self.lose(cause, cx);
                None
            }
        }
    }

    /// The kernel has the message of the step.
    pub fn written(&mut self, cx: &mut Context<'_>) {
        let Some(running) = self.running().filter(|step| step.phase == Phase::Made) else {
            return;
        };
        let Some(step) = cx.dialogue.open_script.get(running.at) else {
            return;
        };
        running.tell_sent(step, cx);
        match step.expect {
            Some(_) => running.listen(step, cx.here.now),
            None => self.pass(Caught::default(), cx),
        }
    }

    /// A message has come. Returns whether subscribers may see it.
    pub fn message(&mut self, seen: Seen<'_>, times: &mut Times, cx: &mut Context<'_>) -> bool {
        let Some(running) = self.running().filter(|step| step.listens()) else {
            return true;
        };
        let Some(step) = cx.dialogue.open_script.get(running.at) else {
            return true;
        };
        let Some(expect) = &step.expect else {
            return true;
        };
        let (outcome, is_taken) = running.message(step, expect, seen, times, cx);
        match outcome {
            Outcome::Stays => {}
            Outcome::Passes(caught) => self.pass(caught, cx),
            Outcome::Lost(cause) => self.lose(cause, cx),
        }
        !(is_taken && step.is_secret())
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Running(running) => running.deadline(),
            Self::Closed | Self::Passed | Self::Over => None,
        }
    }

    /// Does what is due.
    pub fn timer(&mut self, cx: &mut Context<'_>) {
        if self.deadline().is_none_or(|due| due > cx.here.now) {
            return;
        }
        let Some(running) = self.running() else {
            return;
        };
        let Some(step) = cx.dialogue.open_script.get(running.at) else {
            return;
        };
        match running.phase {
            Phase::Listens { .. } => {
                let cause = running.timed_out(step, cx);
                self.lose(cause, cx);
            }
            Phase::Rests { .. } => *running = Running::begin(running.at, step, cx),
            Phase::Queued | Phase::Made => {}
        }
    }

    /// The socket is to be lost: nothing follows for it.
    pub fn end(&mut self) {
        *self = Self::Over;
    }

    /// Whether there is a socket, and it is not to be lost.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Running(_) | Self::Passed)
    }

    /// Whether a socket has opened.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Closed)
    }

    pub fn has_passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// Whether a step looks at what comes as JSON.
    pub fn looks_into_messages(&self, dialogue: &Dialogue) -> bool {
        let Self::Running(running) = self else {
            return false;
        };
        let step = dialogue.open_script.get(running.at);
        running.listens() && step.is_some_and(looks_into_messages)
    }

    /// Where it stands, while a step is on its way.
    pub fn progress<'d>(&self, dialogue: &'d Dialogue) -> Option<Progress<'d>> {
        let Self::Running(running) = self else {
            return None;
        };
        Some(Progress {
            number: running.at + 1,
            steps: dialogue.open_script.len(),
            step: dialogue.open_script.get(running.at)?,
            state: running.state(),
            since: running.since(),
            until: running.deadline(),
            met: running.met(),
        })
    }

    /// The number of the step that is on its way, and whether it keeps something secret of what decides it.
    pub fn asks(&self, dialogue: &Dialogue) -> (Option<u64>, bool) {
        let Self::Running(running) = self else {
            return (None, false);
        };
        let step = dialogue.open_script.get(running.at);
        let is_secret = running.listens() && step.is_some_and(ScriptStep::is_secret);
        (running.id(), is_secret)
    }

    fn running(&mut self) -> Option<&mut Running> {
        match self {
            Self::Running(running) => Some(running),
            Self::Closed | Self::Passed | Self::Over => None,
        }
    }

    /// The step has passed.
    fn pass(&mut self, caught: Caught, cx: &mut Context<'_>) {
        let Self::Running(running) = self else {
            return;
        };
        let at = running.at;
        cx.captures.keep(caught, &cx.dialogue.names);
        if let Some(step) = cx.dialogue.open_script.get(at) {
            cx.captures.clear(&step.clear);
        }
        self.begin(at + 1, cx);
    }

    fn lose(&mut self, cause: Cause, cx: &mut Context<'_>) {
        self.end();
        cx.lose(cause);
    }
}

fn tell_left_out(at: usize, step: &ScriptStep, cx: &mut Context<'_>) {
    let condition = step.condition.as_ref();
    let condition = condition.map_or("", |condition| condition.as_str());
    cx.tell(|dialogue| Happening::LeftOut {
        place: Place::of_open_script(at, dialogue),
        condition: report::clipped(condition),
    });
}

/// Whether a step is taken at all.
fn is_taken(step: &ScriptStep, cx: &Context<'_>) -> bool {
    let Some(condition) = &step.condition else {
        return true;
    };
    let world = cx.world(None, None);
    condition.holds(&cx.step(&world))
}
