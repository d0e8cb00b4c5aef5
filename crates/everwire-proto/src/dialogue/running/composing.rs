//! Creates the message of a step, or its call.

use super::{Phase, Running};
use crate::{
    core::{Cause, Message},
    dialogue::{
        call::{self, Call, CallOwner, FilledTarget, NotFilled},
        context::{Context, Filled, fill},
        happening::{Happening, Place},
        here::Here,
        reply::Reply,
        report,
        response::ResponseWorld,
        signing::Signing,
        surroundings::Surroundings,
    },
    language::{FilledLets, SignatureRequest, Step, Unfilled},
    settings::dialogue::{ScriptStep, Sending, StepCall},
};

impl Running {
    /// Creates the message of the step, or requests its call; `None`: nothing is written now.
    pub fn compose(
        &mut self,
        step: &ScriptStep,
        cx: &mut Context<'_>,
    ) -> Result<Option<Message>, Cause> {
        match (&step.send, &step.call) {
            (Some(send), _) => self.compose_message(send, cx),
            (None, Some(call)) => self.compose_call(step, call, cx).map(|()| None),
            (None, None) => Ok(None),
        }
    }

    fn compose_message(
        &mut self,
        send: &Sending,
        cx: &mut Context<'_>,
    ) -> Result<Option<Message>, Cause> {
        let id = cx.ids.next();
        let template = send.template();
        let is_slow = template.is_some_and(|template| cx.dialogue.lets.makes_slow(template));
        let Some(made) = self.make(is_slow, cx, |here, cx| message(send, id, here, cx)) else {
            return Ok(None);
        };
        let (Filled { message, secrets }, filled) = made.map_err(|unfilled| {
            let (place, send) = (self.place, report::sending(send));
            Cause::Template(format!("{place} cannot send {send}: {unfilled}"))
        })?;
        cx.captures.remember_sent(secrets);
        self.made(filled, Phase::Made, cx);
        Ok(Some(message))
    }

    fn compose_call(
        &mut self,
        step: &ScriptStep,
        called: &StepCall,
        cx: &mut Context<'_>,
    ) -> Result<(), Cause> {
        let id = cx.ids.next();
        let mut templates = called.templates().into_iter();
        let is_slow = templates.any(|template| cx.dialogue.lets.makes_slow(template));
        let Some(made) = self.make(is_slow, cx, |here, cx| target(called, id, here, cx)) else {
            return Ok(());
        };
        let (target, filled) = made.map_err(|(what, unfilled)| {
            Cause::Template(format!("{} cannot fill {what}: {unfilled}", self.place))
        })?;
        cx.captures.remember_sent(target.secrets.clone());
        self.made(filled, Phase::Calls, cx);
        let shown = report::call(called);
        cx.tell(|dialogue| Happening::Called {
            place: Place::of(self.place, dialogue),
            call: shown.clone(),
        });
        let call = Call::new(CallOwner::Step(id), target, step.within, shown);
        self.secrets.clone_from(&call.secrets);
        cx.out.push(Reply::Call(Box::new(call)));
        Ok(())
    }

    /// Renders something for the time at which the step's turn came; `None`: signatures are
    /// missing, and were requested.
    fn make<T>(
        &mut self,
        is_slow: bool,
        cx: &mut Context<'_>,
        make: impl FnOnce(&Here<'_>, &Context<'_>) -> T,
    ) -> Option<T> {
        if !is_slow {
            return Some(make(cx.here, cx));
        }
        let mut signing = self
            .signing
            .take()
            .unwrap_or_else(|| Box::new(Signing::new(cx.here)));
        let (made, lacking) = signing.fill(cx.here, |here| make(here, cx));
        if !lacking.is_empty() {
            self.signing = Some(signing);
            self.phase = Phase::Signs;
            cx.out.push(Reply::Sign(lacking));
            return None;
        }
        Some(made)
    }

    /// Its `let`s are known, and it has its number.
    fn made(&mut self, filled: FilledLets, phase: Phase, cx: &mut Context<'_>) {
        self.id = Some(cx.ids.take());
        self.filled = filled;
        self.since = cx.here.now;
        self.phase = phase;
    }

    /// The missing signatures were made. Its turn has come already; if it calls at once, the caller
    /// composes it.
    pub fn signed(&mut self, made: Vec<(SignatureRequest, Option<Vec<u8>>)>, cx: &mut Context<'_>) {
        if let (Phase::Signs, Some(signing)) = (self.phase, &mut self.signing) {
            signing.add(made);
            self.phase = Phase::Queued;
            let step = self.place.step(cx.dialogue);
            if !step.is_some_and(ScriptStep::calls_at_once) {
                cx.out.push(Reply::ComposeNow);
            }
        }
    }
}

/// The message of a step at this time, and the `let`s that it used.
fn message(
    send: &Sending,
    id: u64,
    here: &Here<'_>,
    cx: &Context<'_>,
) -> Result<(Filled, FilledLets), Unfilled> {
    let world = Surroundings::new(here, cx.captures, None, Some(id));
    let lets = Step::new(&world, &cx.dialogue.lets);
    let made = fill(send, &lets)?;
    let filled = lets.into_filled();
    // Values that depend on messages change when one comes.
    let stays = !world.was_asked_for_message();
    Ok((made, if stays { filled } else { FilledLets::default() }))
}

/// The target of a step's call at this time, and the `let`s that it used.
fn target(
    called: &StepCall,
    id: u64,
    here: &Here<'_>,
    cx: &Context<'_>,
) -> Result<(FilledTarget, FilledLets), NotFilled> {
    let world = ResponseWorld::new(here, cx.captures, None).with_id(Some(id));
    let lets = Step::new(&world, &cx.dialogue.lets);
    let made = call::target(called, &lets)?;
    let filled = lets.into_filled();
    // Values that depend on the answer change when it comes.
    let stays = !world.was_asked_for_response();
    Ok((made, if stays { filled } else { FilledLets::default() }))
}
