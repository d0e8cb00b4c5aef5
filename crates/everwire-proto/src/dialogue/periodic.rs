//! Steps that are repeated while a name is ready: one at a time.

use std::time::Instant;

use super::{
    captures::Caught,
    context::Context,
    place::{StepList, StepPlace},
    response::{Response, Unanswered},
    running::{Outcome, Phase, Running, Usage},
    script::{Scripted, is_taken},
    surroundings::Seen,
    times::{Millis, Times, duration},
};
use crate::{
    core::{Cause, Message, later},
    settings::dialogue::Dialogue,
};

/// The periodic steps of a socket.
#[derive(Debug)]
pub(super) struct Periodic {
    /// When each step is due.
    scheduled: Box<[Scheduled]>,
    /// Whether steps run: the name is ready on this socket, and is not about to close.
    is_started: bool,
    running: Option<Box<Running>>,
    /// A step that was given up, whose answer may still come.
    given_up: Option<Box<Running>>,
    /// When we last sent a message.
    said: Option<Instant>,
}

/// When a step is due.
#[derive(Clone, Copy, Debug, Default)]
struct Scheduled {
    every: Option<Millis>,
    /// Set while `every` has a value.
    due: Option<Instant>,
}

/// A step has failed: the socket is lost, and that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

impl Periodic {
    pub fn new(dialogue: &Dialogue) -> Self {
        Self {
            scheduled: vec![Scheduled::default(); dialogue.periodic.len()].into(),
            is_started: false,
            running: None,
            given_up: None,
            said: None,
        }
    }

    /// The name is ready on this socket. Times from the socket before stay, if the period is the
    /// same here.
    pub fn ready(&mut self, times: &mut Times, cx: &mut Context<'_>) -> Result<(), Lost> {
        self.is_started = true;
        self.refresh(times, cx);
        self.begin_due(cx)
    }

    /// No more steps run, and the current one is given up. If it was not written, it is due at once
    /// on the next socket. `true` if steps were running until now.
    pub fn stop(&mut self, now: Instant) -> bool {
        let was_started = std::mem::take(&mut self.is_started);
        let Some(running) = self.running.take() else {
            return was_started;
        };
        if running.listens() {
            self.given_up = Some(running);
        } else if running.is_unwritten()
            && let Some(scheduled) = self.scheduled.get_mut(running.place.at)
        {
            scheduled.due = Some(now);
        }
        was_started
    }

    /// Whether the answer to a step that was given up may still come.
    pub fn has_given_up(&self) -> bool {
        self.given_up.is_some()
    }

    /// The answer to a step that was given up has no effect, but is as secret as it would have
    /// been.
    pub fn answers_given_up(
        &mut self,
        seen: Seen<'_>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) -> Option<Scripted> {
        let given_up = self.given_up.as_deref_mut();
        let (running, step) = with_step(given_up, cx.dialogue)?;
        let expect = step.expect.as_ref().filter(|_| step.is_secret())?;
        let (_, usage) = running.message(step, expect, seen, times, cx);
        if usage != Usage::Taken {
            return None;
        }
        self.given_up = None;
        Some(Scripted::of(usage, step))
    }

    /// Takes over the times from the socket before this one.
    pub fn follow(&mut self, before: Self) {
        self.scheduled = before.scheduled;
    }

    /// We have sent a message.
    pub fn said(&mut self, now: Instant) {
        self.said = Some(now);
    }

    /// Captures may have changed: if `every` has another value, the period starts again.
    pub fn refresh(&mut self, times: &mut Times, cx: &mut Context<'_>) {
        if !self.is_started {
            return;
        }
        let dialogue = cx.dialogue;
        for (at, (scheduled, step)) in self
            .scheduled
            .iter_mut()
            .zip(&dialogue.periodic)
            .enumerate()
        {
            let every = times.every(place(at), step, scheduled.every, cx);
            if every != scheduled.every || scheduled.due.is_none() {
                let due = every.map(|every| later(cx.here.now, duration(every)));
                *scheduled = Scheduled { every, due };
            }
        }
    }

    /// Begins the first due step, unless one is running.
    fn begin_due(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        while self.is_started
            && self.running.is_none()
            && let Some((due, at)) = self.next(cx.dialogue)
            && due <= cx.here.now
        {
            self.schedule_next(at, due, cx.here.now);
            let place = place(at);
            let Some(step) = place.step(cx.dialogue) else {
                return Ok(());
            };
            if !is_taken(step, cx) {
                continue;
            }
            match step.takes_time() {
                true => self.running = Some(Box::new(Running::begin(place, step, cx))),
                false => cx.captures.clear(&step.clear),
            }
            if step.calls_at_once() {
                self.compose(cx)?;
            }
        }
        Ok(())
    }

    /// The next due step, and its time.
    fn next(&self, dialogue: &Dialogue) -> Option<(Instant, usize)> {
        let steps = self.scheduled.iter().zip(&dialogue.periodic).enumerate();
        let due = steps.filter_map(|(at, (scheduled, step))| {
            let (due, every) = (scheduled.due?, duration(scheduled.every?));
            let silent = self.said.filter(|_| step.idle);
            let due = silent.map_or(due, |said| due.max(later(said, every)));
            Some((due, at))
        });
        due.min()
    }

    /// Schedules a step again after it was due. Times in the past are skipped.
    fn schedule_next(&mut self, at: usize, due: Instant, now: Instant) {
        let Some(scheduled) = self.scheduled.get_mut(at) else {
            return;
        };
        scheduled.due = scheduled.every.map(|every| {
            let every = duration(every);
            Some(later(due, every))
                .filter(|next| *next > now)
                .unwrap_or_else(|| later(now, every))
        });
    }

    /// The current step.
    pub fn step(&self) -> Option<&Running> {
        self.running.as_deref()
    }

    /// The current step, mutable.
    pub fn step_mut(&mut self) -> Option<&mut Running> {
        self.running.as_deref_mut()
    }

    /// The message of the step whose turn has come.
    pub fn compose(&mut self, cx: &mut Context<'_>) -> Result<Option<Message>, Lost> {
        let queued = self.step_mut().filter(|step| step.phase == Phase::Queued);
        let Some((running, step)) = with_step(queued, cx.dialogue) else {
            return Ok(None);
        };
        let made = running.compose(step, cx);
        made.map_err(|cause| self.lose(cause, cx))
    }

    /// The kernel has the message of the step.
    pub fn written(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        let made = self.step_mut().filter(|step| step.phase == Phase::Made);
        let Some((running, step)) = with_step(made, cx.dialogue) else {
            return Ok(());
        };
        match step.expect {
            Some(_) => running.listen(step, cx.here.now),
            None => self.pass(Caught::default(), cx)?,
        }
        Ok(())
    }

    /// The call of the step with this number was answered, or failed.
    pub fn answered(
        &mut self,
        number: u64,
        answer: Result<Response, Unanswered>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) -> Result<(), Lost> {
        let calling = self.step_mut().filter(|step| step.calls(number));
        let Some((running, step)) = with_step(calling, cx.dialogue) else {
            return Ok(());
        };
        let Some(call) = &step.call else {
            return Ok(());
        };
        match running.answered(step, call, answer, times, cx) {
            Outcome::Stays => Ok(()),
            Outcome::Passes(caught) => self.pass(caught, cx),
            Outcome::Lost(cause) => Err(self.lose(cause, cx)),
        }
    }

    /// A message has come.
    pub fn message(
        &mut self,
        seen: Seen<'_>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) -> (Scripted, Result<(), Lost>) {
        let listening = self.step_mut().filter(|step| step.listens());
        let Some((running, step)) = with_step(listening, cx.dialogue) else {
            return (Scripted::UNTOUCHED, Ok(()));
        };
        let Some(expect) = &step.expect else {
            return (Scripted::UNTOUCHED, Ok(()));
        };
        let (outcome, usage) = running.message(step, expect, seen, times, cx);
        let mut scripted = Scripted::of(usage, step);
        // An unsolicited message may come on a successor, too.
        scripted.is_decisive &= step.send.is_some();
        let kept = match outcome {
            Outcome::Stays => Ok(()),
            Outcome::Passes(caught) => self.pass(caught, cx),
            Outcome::Lost(cause) => Err(self.lose(cause, cx)),
        };
        (scripted, kept)
    }

    /// When something is due.
    pub fn deadline(&self, dialogue: &Dialogue) -> Option<Instant> {
        match &self.running {
            Some(running) => running.deadline(),
            None if self.is_started => self.next(dialogue).map(|(due, _)| due),
            None => None,
        }
    }

    /// Handles what is due.
    pub fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        let now = cx.here.now;
        let is_due = |step: &&mut Running| step.deadline().is_some_and(|due| due <= now);
        if let Some((running, step)) = with_step(self.step_mut().filter(is_due), cx.dialogue) {
            match running.phase {
                Phase::Listens { .. } => {
                    let cause = running.timed_out(step, cx);
                    return Err(self.lose(cause, cx));
                }
                Phase::Rests { .. } => {
                    *running = Running::begin(running.place, step, cx);
                    if step.calls_at_once() {
                        self.compose(cx)?;
                    }
                }
                Phase::Queued | Phase::Signs | Phase::Calls | Phase::Made => {}
            }
        }
        self.begin_due(cx)
    }

    /// The step has passed, and another one may be due now.
    fn pass(&mut self, caught: Caught, cx: &mut Context<'_>) -> Result<(), Lost> {
        cx.captures.keep(caught, &cx.dialogue.names);
        if let Some(step) = self
            .running
            .take()
            .and_then(|it| it.place.step(cx.dialogue))
        {
            cx.captures.clear(&step.clear);
        }
        self.begin_due(cx)
    }

    fn lose(&mut self, cause: Cause, cx: &mut Context<'_>) -> Lost {
        self.stop(cx.here.now);
        cx.lose(cause);
        Lost
    }
}

fn place(at: usize) -> StepPlace {
    StepPlace {
        list: StepList::Periodic,
        at,
    }
}

/// The current step, with its settings.
fn with_step<'r, 'd>(
    running: Option<&'r mut Running>,
    dialogue: &'d Dialogue,
) -> Option<(&'r mut Running, &'d crate::settings::dialogue::ScriptStep)> {
    let running = running?;
    let step = running.place.step(dialogue)?;
    Some((running, step))
}
