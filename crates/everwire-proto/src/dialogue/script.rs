//! A script of a socket: its steps, one after the other.

use std::time::Instant;

use super::{
    captures::Caught,
    context::Context,
    happening::{Happening, Place},
    place::{StepList, StepPlace},
    reply::Reply,
    report,
    response::{Response, Unanswered},
    running::{Outcome, Phase, Running, Usage},
    surroundings::Seen,
    times::Times,
};
use crate::{
    core::{Cause, Message},
    settings::dialogue::ScriptStep,
};

/// A script of a socket: the open script, or the close script.
#[derive(Debug, Default)]
pub(super) enum Script {
    /// There is no socket, or it is too early. Left when the script begins.
    #[default]
    Closed,
    /// A step is running. Left when the last step has passed, or when the socket is lost. Boxed: it
    /// is soon over.
    Running(Box<Running>),
    /// All steps have passed. Left with the socket.
    Passed,
    /// The socket is about to be lost. Left with the socket.
    Over,
}

/// The verdict of a step on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scripted {
    /// Whether subscribers may get it.
    pub deliver: bool,
    /// Whether a step was decided by it.
    pub is_decisive: bool,
}

impl Scripted {
    /// No step has checked it.
    pub const UNTOUCHED: Self = Self {
        deliver: true,
        is_decisive: false,
    };

    /// How this step has used it.
    pub fn of(usage: Usage, step: &ScriptStep) -> Self {
        Self {
            deliver: !(usage == Usage::Taken && step.is_secret()),
            is_decisive: usage != Usage::None,
        }
    }
}

impl Script {
    /// It begins with its first step.
    pub fn begin(&mut self, list: StepList, cx: &mut Context<'_>) {
        self.go_on(StepPlace { list, at: 0 }, cx);
    }

    /// Goes on to the next step that runs, from this one on.
    fn go_on(&mut self, mut place: StepPlace, cx: &mut Context<'_>) {
        let begins = place.at == 0;
        while let Some(step) = place.step(cx.dialogue) {
            if is_taken(step, cx) {
                if step.takes_time() {
                    *self = Self::Running(Box::new(Running::begin(place, step, cx)));
                    if step.calls_at_once() {
                        self.compose(cx);
                    }
                    return;
                }
                cx.captures.clear(&step.clear);
            } else {
                tell_left_out(place, step, cx);
            }
            place.at += 1;
        }
        *self = Self::Passed;
        let steps = place.list.len(cx.dialogue);
        if !begins || steps > 0 {
            cx.tell(|_| Happening::Passed {
                script: place.list.as_str(),
                steps,
            });
        }
        match place.list {
            StepList::OpenScript if cx.subscribes => {}
            StepList::OpenScript | StepList::Periodic => cx.out.push(Reply::Passed),
            StepList::CloseScript => cx.out.push(Reply::MayClose),
        }
    }

    /// The message of the step whose turn has come.
    pub fn compose(&mut self, cx: &mut Context<'_>) -> Option<Message> {
        let running = self.step_mut().filter(|step| step.phase == Phase::Queued)?;
        let step = running.place.step(cx.dialogue)?;
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
        let Some(running) = self.step_mut().filter(|step| step.phase == Phase::Made) else {
            return;
        };
        let Some(step) = running.place.step(cx.dialogue) else {
            return;
        };
        running.tell_sent(step, cx);
        match step.expect {
            Some(_) => running.listen(step, cx.here.now),
            None => self.pass(Caught::default(), cx),
        }
    }

    /// A message has come.
    pub fn message(&mut self, seen: Seen<'_>, times: &mut Times, cx: &mut Context<'_>) -> Scripted {
        let Some(running) = self.step_mut().filter(|step| step.listens()) else {
            return Scripted::UNTOUCHED;
        };
        let Some(step) = running.place.step(cx.dialogue) else {
            return Scripted::UNTOUCHED;
        };
        let Some(expect) = &step.expect else {
            return Scripted::UNTOUCHED;
        };
        let (outcome, usage) = running.message(step, expect, seen, times, cx);
        match outcome {
            Outcome::Stays => {}
            Outcome::Passes(caught) => self.pass(caught, cx),
            Outcome::Lost(cause) => self.lose(cause, cx),
        }
        Scripted::of(usage, step)
    }

    /// The call of the step with this number was answered, or failed.
    pub fn answered(
        &mut self,
        number: u64,
        answer: Result<Response, Unanswered>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) {
        let Some(running) = self.step_mut().filter(|step| step.calls(number)) else {
            return;
        };
        let Some(step) = running.place.step(cx.dialogue) else {
            return;
        };
        let Some(call) = &step.call else {
            return;
        };
        match running.answered(step, call, answer, times, cx) {
            Outcome::Stays => {}
            Outcome::Passes(caught) => self.pass(caught, cx),
            Outcome::Lost(cause) => self.lose(cause, cx),
        }
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Running(running) => running.deadline(),
            Self::Closed | Self::Passed | Self::Over => None,
        }
    }

    /// Handles what is due.
    pub fn timer(&mut self, cx: &mut Context<'_>) {
        if self.deadline().is_none_or(|due| due > cx.here.now) {
            return;
        }
        let Some(running) = self.step_mut() else {
            return;
        };
        let Some(step) = running.place.step(cx.dialogue) else {
            return;
        };
        match running.phase {
            Phase::Listens { .. } => {
                let cause = running.timed_out(step, cx);
                self.lose(cause, cx);
            }
            Phase::Rests { .. } => {
                *running = Running::begin(running.place, step, cx);
                if step.calls_at_once() {
                    self.compose(cx);
                }
            }
            Phase::Queued | Phase::Signs | Phase::Calls | Phase::Made => {}
        }
    }

    /// The socket is about to be lost: nothing follows for it.
    pub fn end(&mut self) {
        *self = Self::Over;
    }

    /// Whether there is a socket that is not about to be lost.
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

    /// The current step.
    pub fn step(&self) -> Option<&Running> {
        match self {
            Self::Running(running) => Some(running),
            Self::Closed | Self::Passed | Self::Over => None,
        }
    }

    /// The current step, mutable.
    pub fn step_mut(&mut self) -> Option<&mut Running> {
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
        let StepPlace { list, at } = running.place;
        cx.captures.keep(caught, &cx.dialogue.names);
        if let Some(step) = running.place.step(cx.dialogue) {
            cx.captures.clear(&step.clear);
        }
        self.go_on(StepPlace { list, at: at + 1 }, cx);
    }

    /// A step has failed. If it is a close script, that is published, and the socket is closed
    /// anyway.
    fn lose(&mut self, cause: Cause, cx: &mut Context<'_>) {
        let list = self.step().map(|running| running.place.list);
        self.end();
        match list {
            Some(StepList::CloseScript) => cx.out.extend([Reply::Error(cause), Reply::MayClose]),
            Some(StepList::OpenScript | StepList::Periodic) | None => cx.lose(cause),
        }
    }
}

fn tell_left_out(place: StepPlace, step: &ScriptStep, cx: &mut Context<'_>) {
    let condition = step.condition.as_ref();
    let condition = condition.map_or("", |condition| condition.as_str());
    cx.tell(|dialogue| Happening::LeftOut {
        place: Place::of(place, dialogue),
        condition: report::clipped(condition),
    });
}

/// Whether a step runs at all.
pub(super) fn is_taken(step: &ScriptStep, cx: &Context<'_>) -> bool {
    let Some(condition) = &step.condition else {
        return true;
    };
    let world = cx.world(None, None);
    condition.holds(&cx.step(&world))
}
