//! Expectations of keys, with indexes that find the keys of a message without checking each of
//! them.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use super::names::Reads;
use crate::{
    language::{
        BuiltIn, Expression, Lets, Name, Need, Needles,
        json::{RawJson, Slot},
    },
    settings::dialogue::{Capture, SubscriptionWords},
};

/// The expectations that some keys share.
#[derive(Debug)]
pub(super) struct Ears {
    /// Settings with these expectations.
    pub words: Arc<SubscriptionWords>,
    /// How many forms have them.
    pub users: usize,
    pub ack: Option<Condition>,
    pub fail: Option<Condition>,
    pub end: Option<Condition>,
    /// What a message must contain, if the dialogue does not know these settings.
    pub needles: Option<Box<Needles>>,
    /// Whether a condition may be true for a message that is not read as JSON.
    pub is_blind: bool,
    /// How many numbers of `on` are unanswered.
    pub asked: usize,
    /// How many keys are active.
    pub active: usize,
    /// Active keys by the value that `end` distinguishes.
    pub ends: HashMap<Box<str>, Vec<usize>>,
}

/// A condition, and how the keys for which it may be true are found.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub way: Way,
    pub reads: Reads,
    /// The names that may differ between keys, or between requests.
    pub apart: Box<[Name]>,
}

/// How keys are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The message has the number of the `on` at this place.
    Number(Slot),
    /// The message has the key at this place.
    Key(Slot),
    /// The message has the value of this name at this place.
    Name(Name, Slot),
    /// By trying each.
    Each,
}

impl Ears {
    /// The expectations of these settings. `is_foreign`: the dialogue does not know them.
    pub fn new(words: &Arc<SubscriptionWords>, lets: &Lets, is_foreign: bool) -> Self {
        let of = |condition: &Option<Expression>, ways: &[Name], keeps_lets: bool| {
            let condition = condition.as_ref()?;
            Some(Condition {
                way: Way::of(condition, ways),
                reads: Reads::of(condition, &words.capture, lets),
                apart: apart(condition, &words.capture, lets, keeps_lets),
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
        // Answers to calls are not messages.
        let conditions = [&words.ack, &words.fail].into_iter().flatten();
        let conditions = conditions.filter(|_| !words.is_http());
        let mut heard = conditions.chain(&words.end);
        let is_blind = heard.any(is_blind);
        let needles = is_foreign.then(|| Box::new(Needles::new(words.need())));
        Self {
            words: Arc::clone(words),
            users: 0,
            // An answer is compared with what its `on` has said.
            ack: of(&words.ack, &answers, true),
            fail: of(&words.fail, &answers, true),
            end: of(&words.end, &ends, false),
            needles,
            is_blind,
            asked: 0,
            active: 0,
            ends: HashMap::new(),
        }
    }

    /// The same for a new socket.
    pub fn unused(&self) -> Self {
        Self {
            words: Arc::clone(&self.words),
            users: self.users,
            ack: self.ack.clone(),
            fail: self.fail.clone(),
            end: self.end.clone(),
            needles: self.needles.clone(),
            is_blind: self.is_blind,
            asked: 0,
            active: 0,
            ends: HashMap::new(),
        }
    }

    /// Resets it for a new socket.
    pub fn forget_socket(&mut self) {
        (self.asked, self.active) = (0, 0);
        self.ends = HashMap::new();
    }

    /// Whether both have the same expectations.
    pub fn is_of(&self, words: &SubscriptionWords, is_foreign: bool) -> bool {
        self.needles.is_some() == is_foreign && self.words.expects_the_same(words)
    }

    /// Whether a message may concern it now.
    pub fn listens(&self) -> bool {
        self.asked > 0 || (self.active > 0 && (self.end.is_some() || self.words.route.is_some()))
    }

    /// Whether messages of the socket decide about `on`.
    pub fn hears_answers(&self) -> bool {
        !self.words.is_http()
    }

    /// This key is active, and `end` distinguishes it by this value.
    pub fn add_end(&mut self, end: &str, at: usize) {
        match self.ends.get_mut(end) {
            Some(keys) => keys.push(at),
            None => {
                self.ends.insert(end.into(), vec![at]);
            }
        }
    }

    /// It is not active any more.
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
    /// By the first of these names that the message must contain whenever the condition is true.
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

/// Whether it may be true for a message that is not read as JSON.
fn is_blind(condition: &Expression) -> bool {
    match condition.need() {
        Need::Nothing => true,
        Need::AnyOf(_) => !condition.fails_without_needles(),
        Need::Everything => false,
    }
}

/// The names that the condition reads and that may differ between keys, or between requests.
/// `keeps_lets`: each request has `let`s of its own.
fn apart(
    condition: &Expression,
    captures: &[Capture],
    lets: &Lets,
    keeps_lets: bool,
) -> Box<[Name]> {
    let is_apart = |name: &Name| {
        let is_kept = keeps_lets && matches!(name, Name::Let(_));
        is_kept || Reads::of_name(*name, captures, lets).tells_apart()
    };
    let mut names: Vec<Name> = Vec::new();
    for name in condition.reads().iter().map(|read| read.name) {
        if !names.contains(&name) && is_apart(&name) {
            names.push(name);
        }
    }
    names.into()
}

/// The value as the text by which a key is found.
pub(super) fn written(value: RawJson<'_>) -> Option<Cow<'_, str>> {
    match value.is_null() {
        true => None,
        false => Some(value.as_text().unwrap_or_else(|| value.as_str().into())),
    }
}
