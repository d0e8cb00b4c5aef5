//! A step that is on its way.

use std::time::{Duration, Instant};

use super::{
    captures::{Caught, NotCaught},
    context::{Context, Filled, fill},
    happening::{Happening, Place, StepWritten},
    here::Here,
    place::StepPlace,
    progress::StepState,
    reply::Reply,
    report::{self, StepText},
    signing::Signing,
    surroundings::{Seen, Surroundings},
    times::{self, Key, Times},
};
use crate::{
    core::{Cause, Message, later},
    language::{Expression, FilledLets, SignatureRequest, Step, Unfilled},
    settings::dialogue::{Dialogue, ScriptStep, Sending},
};

/// What stands for a message of which something is kept secret.
const MASKED: &str = "***";

/// A step that is on its way.
#[derive(Debug)]
pub(super) struct Running {
    /// Which step it is.
    pub place: StepPlace,
    pub phase: Phase,
    /// When its message was made, or when it began to listen.
    since: Instant,
    /// The number of its message.
    id: Option<u64>,
    /// What its message was made of.
    filled: FilledLets,
    /// How often its `expect` has held.
    met: u32,
    /// The start of the last message that decided nothing.
    last: String,
    /// What is signed of its message by now, if that takes long.
    signing: Option<Box<Signing>>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for its turn to be written: until `compose`.
    Queued,
    /// Its turn has come, and a signature of its message is being made: until `signed`.
    Signs,
    /// Its message is made: until the kernel has it. What answers it may be seen before that is told.
    Made,
    /// It looks at what comes: until something decides, or until this time.
    Listens { until: Instant },
    /// It comes again at this time.
    Rests { until: Instant },
}

/// What follows of a message.
pub(super) enum Outcome {
    /// The step goes on.
    Stays,
    /// The step has passed.
    Passes(Caught),
    /// The socket is lost.
    Lost(Cause),
}

/// What use a message was to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// None: it decides nothing.
    None,
    /// The step is repeated for it, or was refused.
    Decides,
    /// It is what was expected.
    Taken,
}

/// What a message decides.
pub(super) enum Decision<'d> {
    Nothing,
    GiveUp(&'d Expression),
    Fail(&'d Expression),
    Expected,
    Passed(Caught),
    Incomplete(NotCaught<'d>),
    Again {
        after: Duration,
        /// What came to no duration; `None`, if nothing did.
        wrong: Option<Option<String>>,
    },
}

impl Running {
    /// A step whose turn has come: one that sends nothing listens at once.
    pub fn begin(place: StepPlace, step: &ScriptStep, cx: &mut Context<'_>) -> Self {
        let now = cx.here.now;
        let mut running = Self {
            place,
            phase: Phase::Queued,
            since: now,
            id: None,
            filled: FilledLets::default(),
            met: 0,
            last: String::new(),
            signing: None,
        };
        cx.tell(|dialogue| Happening::Began {
            place: Place::of(place, dialogue),
            written: StepWritten::of(step),
        });
        match step.send {
            Some(_) => cx.out.push(Reply::Compose),
            None => running.listen(step, now),
        }
        running
    }

    pub fn listen(&mut self, step: &ScriptStep, now: Instant) {
        self.since = now;
        self.phase = Phase::Listens {
            until: later(now, step.within),
        };
    }

    pub fn listens(&self) -> bool {
        matches!(self.phase, Phase::Made | Phase::Listens { .. })
    }

    /// Whether its message was not made.
    pub fn is_unwritten(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Signs)
    }

    /// Makes the message of the step; `None`: nothing is to be written now.
    pub fn compose(
        &mut self,
        step: &ScriptStep,
        cx: &mut Context<'_>,
    ) -> Result<Option<Message>, Cause> {
        let Some(send) = &step.send else {
            return Ok(None);
        };
        let id = cx.ids.next();
        let is_slow = |sending: &Sending| {
            let template = sending.template();
            template.is_some_and(|template| cx.dialogue.lets.makes_slow(template))
        };
        let made = match is_slow(send) {
            false => make(send, id, cx.here, cx),
            true => {
                let signing = self
                    .signing
                    .get_or_insert_with(|| Box::new(Signing::new(cx.here)));
                let (made, lacking) = signing.fill(cx.here, |here| make(send, id, here, cx));
                if !lacking.is_empty() {
                    self.phase = Phase::Signs;
                    cx.out.push(Reply::Sign(lacking));
                    return Ok(None);
                }
                made
            }
        };
        self.signing = None;
        let (Filled { message, secrets }, filled) = made.map_err(|unfilled| {
            let (place, send) = (self.place, report::sending(send));
            Cause::Template(format!("{place} cannot send {send}: {unfilled}"))
        })?;
        cx.captures.remember_sent(secrets);
        self.id = Some(cx.ids.take());
        self.filled = filled;
        self.since = cx.here.now;
        self.phase = Phase::Made;
        Ok(Some(message))
    }

    /// The signatures that it lacked are made: its turn has come already.
    pub fn signed(&mut self, made: Vec<(SignatureRequest, Option<Vec<u8>>)>, cx: &mut Context<'_>) {
        if let (Phase::Signs, Some(signing)) = (self.phase, &mut self.signing) {
            signing.add(made);
            self.phase = Phase::Queued;
            cx.out.push(Reply::ComposeNow);
        }
    }

    /// A message has come. Says what follows of it, and what use it was.
    pub fn message(
        &mut self,
        step: &ScriptStep,
        expect: &Expression,
        seen: Seen<'_>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) -> (Outcome, Usage) {
        let decision = self.decide(step, expect, seen, cx);
        self.tell(step, expect, &decision, cx);
        let outcome = match decision {
            Decision::Expected => return (Outcome::Stays, Usage::Taken),
            Decision::Passed(caught) => return (Outcome::Passes(caught), Usage::Taken),
            Decision::Incomplete(what) => {
                let shown = match step.is_secret() {
                    true => MASKED.into(),
                    false => cx.shown(seen),
                };
                let (told, after) = (self.told(step), self.age(cx.here.now));
                let text = report::not_caught(told, what, &cx.dialogue.names, after, &shown);
                let gives_up = false;
                let cause = Cause::ScriptRefused { text, gives_up };
                return (Outcome::Lost(cause), Usage::Taken);
            }
            Decision::GiveUp(when) => self.refused(step, true, when, seen, cx),
            Decision::Fail(when) => self.refused(step, false, when, seen, cx),
            Decision::Again { after, wrong } => {
                self.rest(step, after, wrong, times, cx);
                Outcome::Stays
            }
            Decision::Nothing => {
                self.last.clear();
                match step.is_secret() {
                    true => self.last.push_str(MASKED),
                    false => report::show(seen.message, cx.captures, &mut self.last),
                }
                return (Outcome::Stays, Usage::None);
            }
        };
        (outcome, Usage::Decides)
    }

    fn refused(
        &self,
        step: &ScriptStep,
        gives_up: bool,
        when: &Expression,
        seen: Seen<'_>,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let key = match gives_up {
            true => "give_up",
            false => "fail",
        };
        if step.reads_prepared && !gives_up {
            cx.out.push(Reply::Stale);
        }
        let (told, after) = (self.told(step), self.age(cx.here.now));
        let text = report::refused(told, (key, when), after, &cx.shown(seen));
        Outcome::Lost(Cause::ScriptRefused { text, gives_up })
    }

    /// It comes again after this time.
    fn rest(
        &mut self,
        step: &ScriptStep,
        after: Duration,
        wrong: Option<Option<String>>,
        times: &mut Times,
        cx: &mut Context<'_>,
    ) {
        self.since = cx.here.now;
        self.phase = Phase::Rests {
            until: later(cx.here.now, after),
        };
        let template = step.again.as_ref().and_then(|again| again.after.as_ref());
        if let (Some(wrong), Some(template)) = (wrong, template) {
            times.tell(Key::Again(self.place), template, wrong, Some(after), cx);
        }
    }

    /// Nothing has decided in its time.
    pub fn timed_out(&self, step: &ScriptStep, cx: &mut Context<'_>) -> Cause {
        cx.tell(|dialogue| Happening::TimedOut {
            place: Place::of(self.place, dialogue),
            within: step.within,
        });
        Cause::ScriptTimeout(report::timed_out(self.told(step), self.met, &self.last))
    }

    /// The time for the whole script is over.
    pub fn cut_off(&self, step: &ScriptStep) -> Cause {
        Cause::ScriptTimeout(report::cut_off(self.told(step), self.met, &self.last))
    }

    /// When its time is over, or when it comes again.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Listens { until } | Phase::Rests { until } => Some(until),
            Phase::Queued | Phase::Signs | Phase::Made => None,
        }
    }

    /// What it does, for the status.
    pub fn state(&self) -> StepState {
        match self.phase {
            Phase::Queued => StepState::Queued,
            Phase::Signs => StepState::Signs,
            Phase::Made => StepState::Made,
            Phase::Listens { .. } => StepState::Listens,
            Phase::Rests { .. } => StepState::Rests,
        }
    }

    /// When its message was made, or when it began to wait.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Its number, and whether it keeps something secret of what decides it.
    pub fn asks(&self, dialogue: &Dialogue) -> (Option<u64>, bool) {
        let step = self.place.step(dialogue);
        let is_secret = self.listens() && step.is_some_and(ScriptStep::is_secret);
        (self.id, is_secret)
    }

    /// How often its `expect` has held.
    pub fn met(&self) -> u32 {
        self.met
    }

    fn told<'s>(&self, step: &'s ScriptStep) -> StepText<'s> {
        StepText {
            place: self.place,
            step,
        }
    }

    /// How long it waits for an answer.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// What a message decides.
    fn decide<'d>(
        &mut self,
        step: &'d ScriptStep,
        expect: &'d Expression,
        seen: Seen<'_>,
        cx: &Context<'_>,
    ) -> Decision<'d> {
        let world = cx.world(Some(seen), self.id);
        let lets = Step::later(&world, &cx.dialogue.lets, &self.filled);
        if let Some(when) = step.give_up.as_ref().filter(|when| when.holds(&lets)) {
            return Decision::GiveUp(when);
        }
        if let Some(when) = step.fail.as_ref().filter(|when| when.holds(&lets)) {
            return Decision::Fail(when);
        }
        if expect.holds(&lets) {
            self.met = self.met.saturating_add(1);
            if self.met < step.count.get() {
                return Decision::Expected;
            }
            let caught = cx.captures.catch_all(&step.capture, &lets);
            return caught.map_or_else(Decision::Incomplete, Decision::Passed);
        }
        let Some(again) = step.again.as_ref().filter(|again| again.when.holds(&lets)) else {
            return Decision::Nothing;
        };
        let mut wrong = None;
        let after = match &again.after {
            None => cx.here.slow,
            Some(after) => after.evaluate(&lets).ok().flatten().unwrap_or_else(|| {
                wrong = Some(times::filled(after, &lets));
                cx.here.slow
            }),
        };
        Decision::Again { after, wrong }
    }
}

/// The message of a step in this moment, and what it was made of.
fn make(
    send: &Sending,
    id: u64,
    here: &Here<'_>,
    cx: &Context<'_>,
) -> Result<(Filled, FilledLets), Unfilled> {
    let world = Surroundings::new(here, cx.captures, None, Some(id));
    let lets = Step::new(&world, &cx.dialogue.lets);
    let made = fill(send, &lets)?;
    let filled = lets.into_filled();
    // What looks into messages comes to something else when one is there.
    let stays = !world.was_asked_for_message();
    Ok((made, if stays { filled } else { FilledLets::default() }))
}

/// Whether a step looks at what comes as JSON.
pub(super) fn looks_into_messages(step: &ScriptStep) -> bool {
    let conditions = [&step.expect, &step.fail, &step.give_up];
    let again = step.again.as_ref();
    conditions
        .into_iter()
        .flatten()
        .any(Expression::looks_into_message)
        || again.is_some_and(|again| {
            let after = again.after.as_ref();
            again.when.looks_into_message()
                || after.is_some_and(|after| after.0.looks_into_message())
        })
        || step
            .capture
            .iter()
            .any(|capture| capture.looks_into_message())
}
