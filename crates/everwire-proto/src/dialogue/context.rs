//! The context that the parts of a conversation share.

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

/// The context that the parts of a conversation share.
pub(super) struct Context<'a> {
    pub dialogue: &'a Dialogue,
    pub captures: &'a mut Captures,
    pub ids: &'a mut Ids,
    pub here: &'a Here<'a>,
    pub out: &'a mut Vec<Reply>,
    /// Whether subscriptions are asked for after the open script, before the name is ready.
    pub subscribes: bool,
    /// The state for a watcher, if there is one.
    pub trace: Option<&'a mut Trace>,
}

impl Context<'_> {
    /// The values that expressions read now.
    pub fn world<'w>(&'w self, seen: Option<Seen<'w>>, id: Option<u64>) -> Surroundings<'w> {
        Surroundings::new(self.here, self.captures, seen, id)
    }

    /// A new evaluation step with these values.
    pub fn step<'w>(&'w self, world: &'w dyn World) -> Step<'w> {
        Step::new(world, &self.dialogue.lets)
    }

    /// A message as an operator may see it.
    pub fn shown(&self, seen: Seen<'_>) -> String {
        shown(seen.message, self.captures)
    }

    /// Reports to the watcher. Without one, nothing is created.
    #[inline]
    pub fn tell(&mut self, happening: impl FnOnce(&Dialogue) -> Happening) {
        if self.trace.is_some() {
            self.out
                .push(Reply::Happened(Box::new(happening(self.dialogue))));
        }
    }

    /// The report at this index of `out`, to be extended.
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

/// A rendered message.
pub(super) struct Filled {
    pub message: Message,
    /// Texts to mask if the peer repeats them.
    pub secrets: Vec<Secret>,
}

/// Renders a message.
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
