//! The message of a step is made.

use super::{Phase, Running};
use crate::{
    core::{Cause, Message},
    dialogue::{
        context::{Context, Filled, fill},
        here::Here,
        reply::Reply,
        report,
        signing::Signing,
        surroundings::Surroundings,
    },
    language::{FilledLets, SignatureRequest, Step, Unfilled},
    settings::dialogue::{ScriptStep, Sending},
};

impl Running {
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
