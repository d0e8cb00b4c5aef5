//! Decides which messages a conversation must see: most messages concern nothing in it.

use super::{Conversation, pings::pong};
use crate::{
    core::Message,
    dialogue::{beside::Beside, running::looks_into_messages},
    language::{Expression, Need},
};

/// How a message concerns the conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concern {
    is_read: bool,
}

impl Concern {
    /// Whether the message is read as JSON.
    pub fn is_read(self) -> bool {
        self.is_read
    }
}

/// What a part of the conversation needs of each message, whatever its content. Later variants need
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Attention {
    /// It need not see messages.
    None,
    /// It sees each message.
    Told,
    /// It sees each message, and reads it as JSON.
    Read,
}

impl Conversation {
    /// How a message concerns the conversation; `None`: the conversation need not see it.
    pub fn concern(&self, message: &Message) -> Option<Concern> {
        let attention = self.attention().max(self.subscriptions_attention(message));
        let is_read =
            attention == Attention::Read || self.dialogue.needles.any_in(message.payload());
        let is_told = is_read || attention == Attention::Told || self.dialogue.hears_all;
        is_told.then_some(Concern { is_read })
    }

    /// The most that any part needs of each message. Rules and captures are not included: needles
    /// decide which messages concern them.
    fn attention(&self) -> Attention {
        // Destructured, so that a new part must be handled here.
        let Self {
            seldom,
            rules,
            beside,
            subscriptions,
            captures,
            times,
            // A step of the script, or of those beside it: checked together.
            script: _,
            dialogue: _,
            ids: _,
        } = self;
        let watcher = Attention::told_if(seldom.trace().is_some());
        let pong = match seldom.has_unanswered() {
            false => Attention::None,
            true => self.pong_attention(),
        };
        // The place of a message that is answered once it is stored is known only before the next
        // one comes.
        let places = Attention::told_if(rules.wants_place());
        // A successor has brought captures that durations depend on.
        let times = Attention::told_if(times.are_stale(captures));
        let subscriptions = subscriptions.as_ref();
        let subscriptions =
            Attention::told_if(subscriptions.is_some_and(|it| it.listens_blindly()));
        let beside = match beside {
            Some(beside) => beside.attention(),
            None => Attention::None,
        };
        watcher
            .max(pong)
            .max(places)
            .max(times)
            .max(beside)
            .max(subscriptions)
            .max(self.step_attention())
    }

    /// For subscriptions: the dialogue's needles decide which messages concern those of the
    /// settings.
    fn subscriptions_attention(&self, message: &Message) -> Attention {
        match &self.subscriptions {
            Some(subscriptions) if subscriptions.looks_into(message) => Attention::Read,
            Some(_) | None => Attention::None,
        }
    }

    /// For the current step, which remembers the last message.
    fn step_attention(&self) -> Attention {
        let Some(running) = self.running().filter(|running| running.listens()) else {
            return Attention::None;
        };
        let step = running.place.step(&self.dialogue);
        match step.is_some_and(looks_into_messages) {
            true => Attention::Read,
            false => Attention::Told,
        }
    }

    /// For an unanswered ping.
    fn pong_attention(&self) -> Attention {
        match pong(&self.dialogue).is_some_and(Expression::looks_into_message) {
            true => Attention::Read,
            false => Attention::Told,
        }
    }

    /// Whether to keep the memory of a pass, because nearly every message needs one.
    pub(super) fn keeps_spans(&self) -> bool {
        *self.dialogue.needles.need() == Need::Everything
            || !self.dialogue.captures.is_empty()
            || self.subscriptions.is_some()
    }
}

impl Beside {
    /// Without the current step, which is checked together with those of the script.
    fn attention(&self) -> Attention {
        let Self {
            requests,
            // Its current step is checked together with those of the script.
            periodic,
            close_script: _,
        } = self;
        match requests.len() == 0 && !periodic.has_given_up() {
            true => Attention::None,
            false => Attention::Read,
        }
    }
}

impl Attention {
    fn told_if(listens: bool) -> Self {
        match listens {
            true => Self::Told,
            false => Self::None,
        }
    }
}
