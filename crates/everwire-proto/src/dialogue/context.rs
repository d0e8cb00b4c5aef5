//! What a part of a conversation works with.

use super::{
    captures::Captures,
    here::Here,
    ids::Ids,
    reply::Reply,
    report::shown,
    surroundings::{Seen, Surroundings},
};
use crate::{
    core::{Cause, Message},
    language::{Step, Unfilled, World},
    settings::dialogue::{Dialogue, Sending},
};

/// What a part of a conversation works with.
pub(super) struct Context<'a> {
    pub dialogue: &'a Dialogue,
    pub captures: &'a mut Captures,
    pub ids: &'a mut Ids,
    pub here: &'a Here<'a>,
    pub out: &'a mut Vec<Reply>,
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

    /// The socket is lost.
    pub fn lose(&mut self, cause: Cause) {
        self.out.push(Reply::Lose(cause));
    }
}

/// The message that a template comes to.
pub(super) fn fill(sending: &Sending, world: &dyn World) -> Result<Message, Unfilled> {
    Ok(match sending {
        Sending::Text(template) => Message::text(template.render(world)?.into_text()),
        Sending::Bytes(template) => Message::binary(template.render(world)?.into_bytes()),
        Sending::Binary(bytes) => Message::Binary(bytes.clone()),
    })
}
