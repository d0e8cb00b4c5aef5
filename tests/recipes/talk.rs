//! One socket of a protocol, with planned failures.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use tungstenite::Message;

use super::{
    peer::{Gone, Line},
    plan::{Mishap, Plan},
    world::Call,
};

/// A socket, the request for it, and the plan.
pub struct Talk {
    line: Line,
    pub call: Call,
    plan: Arc<Plan>,
}

impl Talk {
    pub fn new(line: Line, call: Call, plan: Arc<Plan>) -> Self {
        Self { line, call, plan }
    }

    /// Sends the answer to a step of the recipe, or performs the planned failure.
    pub fn answer(&mut self, step: &'static str, text: &str) -> Result<(), Gone> {
        self.answer_as(step, text, Message::text)
    }

    /// The same, with a function that makes a message of a text.
    pub fn answer_as<'t>(
        &mut self,
        step: &'static str,
        text: &'t str,
        mut encode: impl FnMut(&'t str) -> Message,
    ) -> Result<(), Gone> {
        match self.plan.take(step) {
            None => self.line.send(encode(text)),
            Some(Mishap::CutBefore) => Err(self.line.cut()),
            Some(Mishap::CutWithin) => Err(self.line.say_half(&encode(text))),
            Some(Mishap::CutBehind) => {
                self.line.send(encode(text))?;
                Err(self.line.cut())
            }
            Some(Mishap::Silence) => Err(self.line.freeze()),
            Some(Mishap::Says(_, other)) => self.line.send(Message::text(other)),
        }
    }
}

impl Deref for Talk {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

impl DerefMut for Talk {
    fn deref_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}
