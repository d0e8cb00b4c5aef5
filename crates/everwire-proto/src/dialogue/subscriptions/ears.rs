//! What is expected for keys, and how those are found that a message means, without a look at each of them.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use super::names::Reads;
use crate::{
    language::{
        BuiltIn, Expression, Lets, Name, Needles,
        json::{RawJson, Slot},
    },
    settings::dialogue::SubscriptionWords,
};

/// What is expected for the keys whose words expect the same.
#[derive(Debug)]
pub(super) struct Ears {
    /// Words that expect it.
    pub words: Arc<SubscriptionWords>,
    /// How many forms expect it.
    pub users: usize,
    pub ack: Option<Condition>,
    pub fail: Option<Condition>,
    pub end: Option<Condition>,
    /// What a message must hold, where the dialogue does not know of these words.
    pub needles: Option<Box<Needles>>,
    /// Whether something of it does not look into messages as JSON.
    pub is_blind: bool,
    /// How many numbers of `on` are unanswered.
    pub asked: usize,
    /// How many keys are active.
    pub active: usize,
    /// Active keys by what `end` tells them apart.
    pub ends: HashMap<Box<str>, Vec<usize>>,
}

/// A condition, and how the keys are found for which it may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub way: Way,
    pub reads: Reads,
}

/// How keys are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The message has the number of the `on` there.
    Number(Slot),
    /// The message has the key there.
    Key(Slot),
    /// The message has the value of this name there.
    Name(Name, Slot),
    /// Each is tried.
    Each,
}

impl Ears {
    /// What these words expect. `is_foreign`: the dialogue does not know of them.
    pub fn new(words: &Arc<SubscriptionWords>, lets: &Lets, is_foreign: bool) -> Self {
        let of = |condition: &Option<Expression>, ways: &[Name]| {
            let condition = condition.as_ref()?;
            Some(Condition {
                way: Way::of(condition, ways),
                reads: Reads::of(condition, &words.capture, lets),
            })
        };
        let answers = [
            Name::BuiltIn(BuiltIn::Id),
            Name::BuiltIn(BuiltIn::OnId),
            Name::BuiltIn(BuiltIn::Key),
        ];
        let captured = words.capture.iter().map(|it| Name::Capture(it.name));
        let ends: Vec<Name> = [
            Name::BuiltIn(BuiltIn::Key),
            Name::BuiltIn(BuiltIn::OnId),
            Name::BuiltIn(BuiltIn::Item),
        ]
        .into_iter()
        .chain(captured)
        .collect();
        // Answers to calls are no messages.
        let conditions = [&words.ack, &words.fail].into_iter().flatten();
        let conditions = conditions.filter(|_| !words.is_http());
        let mut heard = conditions.chain(&words.end);
        let is_blind = heard.any(|condition| !condition.looks_into_message());
        let needles = is_foreign.then(|| Box::new(Needles::new(words.need())));
        Self {
            words: Arc::clone(words),
            users: 0,
            ack: of(&words.ack, &answers),
            fail: of(&words.fail, &answers),
            end: of(&words.end, &ends),
            needles,
            is_blind,
            asked: 0,
            active: 0,
            ends: HashMap::new(),
        }
    }

    /// The same on a socket on which nothing was said yet.
    pub fn unused(&self) -> Self {
        Self {
            words: Arc::clone(&self.words),
            users: self.users,
            ack: self.ack,
            fail: self.fail,
            end: self.end,
            needles: self.needles.clone(),
            is_blind: self.is_blind,
            asked: 0,
            active: 0,
            ends: HashMap::new(),
        }
    }

    /// Nothing was said on the socket yet.
    pub fn forget_socket(&mut self) {
        (self.asked, self.active) = (0, 0);
        self.ends = HashMap::new();
    }

    /// Whether both expect the same.
    pub fn is_of(&self, words: &SubscriptionWords, is_foreign: bool) -> bool {
        self.needles.is_some() == is_foreign && self.words.expects_the_same(words)
    }

    /// Whether a message may concern it now.
    pub fn listens(&self) -> bool {
        self.asked > 0 || (self.active > 0 && (self.end.is_some() || self.words.route.is_some()))
    }

    /// Whether what `on` is answered decides: a message of the socket.
    pub fn hears_answers(&self) -> bool {
        !self.words.is_http()
    }

    /// This key is active, and `end` tells it from others by that.
    pub fn add_end(&mut self, end: &str, at: usize) {
        match self.ends.get_mut(end) {
            Some(keys) => keys.push(at),
            None => {
                self.ends.insert(end.into(), vec![at]);
            }
        }
    }

    /// It is active no more.
    pub fn remove_end(&mut self, end: &str, at: usize) {
        let Some(keys) = self.ends.get_mut(end) else {
            return;
        };
        keys.retain(|known| *known != at);
        if keys.is_empty() {
            self.ends.remove(end);
        }
    }
}

impl Way {
    /// By the first of these names that the message must hold wherever the condition does.
    fn of(condition: &Expression, names: &[Name]) -> Self {
        let mut found = names
            .iter()
            .filter_map(|name| Some((*name, condition.key_of(*name)?)));
        match found.next() {
            Some((Name::BuiltIn(BuiltIn::Id | BuiltIn::OnId), slot)) => Self::Number(slot),
            Some((Name::BuiltIn(BuiltIn::Key), slot)) => Self::Key(slot),
            Some((name, slot)) => Self::Name(name, slot),
            None => Self::Each,
        }
    }
}

/// What stands there, as the text by which a key is found.
pub(super) fn written(value: RawJson<'_>) -> Option<Cow<'_, str>> {
    match value.is_null() {
        true => None,
        false => Some(value.as_text().unwrap_or_else(|| value.as_str().into())),
    }
}
