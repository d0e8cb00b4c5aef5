//! What a part of a conversation works with.

use super::{
    captures::Captures,
    happening::Happening,
    here::Here,
    ids::Ids,
    reply::Reply,
    report::shown,
    surroundings::{Seen, Surroundings},
    trace::Trace,
};
use crate::{
    core::{Cause, Message},
    language::{MessageTemplate, Secret, Step, Unfilled, World},
    settings::dialogue::{Dialogue, Sending},
};

/// What a part of a conversation works with.
pub(super) struct Context<'a> {
    pub dialogue: &'a Dialogue,
    pub captures: &'a mut Captures,
    pub ids: &'a mut Ids,
    pub here: &'a Here<'a>,
    pub out: &'a mut Vec<Reply>,
    /// Whether subscriptions are asked for behind the open script, before the name is ready.
    pub subscribes: bool,
    /// What is kept for whoever watches, if somebody does.
    pub trace: Option<&'a mut Trace>,
}

impl Context<'_> {
    /// What expressions see now.
    pub fn world<'w>(&'w self, seen: Option<Seen<'w>>, id: Option<u64>) -> Surroundings<'w> {
        Surroundings::new(self.here, self.captures, seen, id)
    }

    /// A step of its own in that world.
    pub fn step<'w>(&'w self, world: &'w dyn World) -> Step<'w> {
        Step::new(world, &self.dialogue.lets)
    }

    /// A message as an operator may see it.
    pub fn shown(&self, seen: Seen<'_>) -> String {
        shown(seen.message, self.captures)
    }

    /// Tells it to whoever watches. Nothing is made for nobody.
    #[inline]
    pub fn tell(&mut self, happening: impl FnOnce(&Dialogue) -> Happening) {
        if self.trace.is_some() {
            self.out
                .push(Reply::Happened(Box::new(happening(self.dialogue))));
        }
    }

    /// What was told at this place of `out`, to have something added to it.
    pub fn told(&mut self, at: usize) -> Option<&mut Happening> {
        match self.out.get_mut(at) {
            Some(Reply::Happened(happening)) if self.trace.is_some() => Some(happening),
            _ => None,
        }
    }

    /// The socket is lost.
    pub fn lose(&mut self, cause: Cause) {
        self.tell(|_| Happening::Lost {
            text: cause.text().into_owned(),
        });
        self.out.push(Reply::Lose(cause));
    }
}

/// A message that a template has come to.
pub(super) struct Filled {
    pub message: Message,
    /// What must not be shown if the peer says it.
    pub secrets: Vec<Secret>,
}

/// The message that a template comes to.
pub(super) fn fill(sending: &Sending, world: &dyn World) -> Result<Filled, Unfilled> {
    let mut secrets = Vec::new();
    let mut render = |template: &MessageTemplate| {
        let mut rendered = template.render(world)?;
        secrets = rendered.take_secrets();
        Ok(rendered)
    };
    let message = match sending {
        Sending::Text(template) => Message::text(render(template)?.into_text()),
        Sending::Bytes(template) => Message::binary(render(template)?.into_bytes()),
        Sending::Binary(bytes) => Message::Binary(bytes.clone()),
    };
    Ok(Filled { message, secrets })
}
