//! Decides which messages a conversation must see: most messages concern nothing in it.

use super::{Conversation, pings::pong};
use crate::{
    core::Message,
    dialogue::{beside::Beside, running::looks_into_messages, subscriptions::Expected},
    language::{Expression, Need},
    settings::dialogue::Dialogue,
};

/// How a message concerns the conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concern {
    is_read: bool,
    reach: Reach,
}

/// What a message may do. Later ones may do less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reach {
    /// Anything.
    #[default]
    All,
    /// It may be captured, and nothing else: no time that is waited for depends on it.
    Captures,
    /// It may belong to a subscription, and nothing else.
    Routes,
}

impl Concern {
    /// Whether the message is read as JSON.
    pub fn is_read(self) -> bool {
        self.is_read
    }

    /// Whether the message may change when [`timer`](Conversation::timer) has something to do, or when captures are kept.
    pub fn moves_times(self) -> bool {
        self.reach == Reach::All
    }

    /// Whether the message can do nothing but belong to a subscription: [`subscription_by`](Conversation::subscription_by) is all that is
    /// to be asked.
    pub fn is_only_routed(self) -> bool {
        self.reach == Reach::Routes
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
        let subscriptions = self.subscriptions.as_ref();
        let expected = subscriptions.map(|it| it.expected_of(message));
        let attention = self.attention(expected);
        let is_read =
            attention == Attention::Read || self.dialogue.needles.any_in(message.payload());
        let is_told = is_read || attention == Attention::Told || self.dialogue.hears_all;
        is_told.then(|| Concern {
            is_read,
            reach: match attention {
                Attention::None => self.reach(expected),
                Attention::Told | Attention::Read => Reach::All,
            },
        })
    }

    /// What a message may do, where nothing listens to each message.
    fn reach(&self, expected: Option<Expected>) -> Reach {
        let Dialogue {
            rules, captures, ..
        } = &*self.dialogue;
        if !rules.is_empty() || !self.script.has_passed() {
            return Reach::All;
        }
        match expected {
            Some(expected) if captures.is_empty() && !expected.decides => Reach::Routes,
            None if self.beside.is_none() && self.seldom.keeping().is_none() => Reach::Captures,
            Some(_) | None => Reach::All,
        }
    }

    /// The most that any part needs of each message. Rules and captures are not included: needles
    /// decide which messages concern them.
    fn attention(&self, expected: Option<Expected>) -> Attention {
        // Destructured, so that a new part must be handled here.
        let Self {
            seldom,
            rules,
            beside,
            captures,
            times,
            // A step of the script, or of those beside it: checked together.
            script: _,
            dialogue: _,
            ids: _,
            // What they expect is known.
            subscriptions: _,
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
        // The needles of the dialogue know what else they expect.
        let subscriptions = match expected {
            Some(expected) if expected.is_foreign => Attention::Read,
            Some(expected) => Attention::told_if(expected.is_blind),
            None => Attention::None,
        };
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
