//! The meaning of a message for keys with the same expectations.

use std::{collections::BTreeSet, num::NonZeroU64};

use super::{
    ears::{Condition, Ears, Way, written},
    entry::{Entry, Target},
    keys::Subscriptions,
    names::Reads,
    on_socket::Ask,
    seeing::Seeing,
};
use crate::{
    dialogue::{context::Context, requests::read_number, surroundings::Seen},
    language::{Expression, json::Slot},
};

/// The meaning of a message for one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Acknowledged,
    Refused,
    Ended,
}

/// The meanings of a message for several keys: the first one for each key counts.
#[derive(Debug, Default)]
struct Verdicts {
    all: Vec<(Target, Verdict)>,
    /// A set, since a batch may have thousands.
    known: BTreeSet<Target>,
}

impl Verdicts {
    fn add(&mut self, targets: Vec<Target>, verdict: Verdict) {
        for target in targets {
            if self.known.insert(target) {
                self.all.push((target, verdict));
            }
        }
    }
}

/// A message, and the keys with the same expectations.
pub(super) struct Listening<'a> {
    pub subscriptions: &'a Subscriptions,
    pub ears: &'a Ears,
    /// The index of these expectations.
    pub at: usize,
    pub seen: Seen<'a>,
    pub cx: &'a Context<'a>,
}

impl Listening<'_> {
    /// The keys that the message decides, with the verdicts.
    pub fn verdicts(&self) -> Vec<(Target, Verdict)> {
        let (ears, words) = (self.ears, &self.ears.words);
        let hears_answers = ears.hears_answers();
        let mut verdicts = Verdicts::default();
        if let (Some(fail), Some(condition), true) = (&words.fail, &ears.fail, hears_answers) {
            verdicts.add(self.answered(fail, condition), Verdict::Refused);
        }
        // One answer may accept some keys of a batch, and refuse the others.
        if let (Some(ack), Some(condition), true) = (&words.ack, &ears.ack, hears_answers) {
            verdicts.add(self.answered(ack, condition), Verdict::Acknowledged);
        }
        if let (Some(end), Some(condition)) = (&words.end, &ears.end)
            && ears.active > 0
        {
            verdicts.add(self.ended(end, condition), Verdict::Ended);
        }
        verdicts.all
    }

    /// The keys for which an answer to their `on` is true.
    fn answered(&self, expression: &Expression, condition: &Condition) -> Vec<Target> {
        match condition.way {
            Way::Key(slot) => self.answered_by_key(slot, expression, condition),
            _ if self.ears.asked == 0 => Vec::new(),
            Way::Number(slot) => {
                let number = self.seen.found.get(slot).and_then(read_number);
                let asks = &self.subscriptions.socket.asks;
                let ask = number.and_then(|number| Some((number, asks.get(&number)?)));
                match ask.filter(|(_, ask)| self.hears(ask.form)) {
                    Some((number, ask)) => self.holds_for(number, ask, expression, condition),
                    None => Vec::new(),
                }
            }
            Way::Name(..) | Way::Each => {
                let asks = self.subscriptions.socket.asks.iter();
                let asks = asks.filter(|(_, ask)| self.hears(ask.form));
                // An answer that names no key means the oldest request.
                let Reads {
                    id,
                    key,
                    items,
                    random,
                    ..
                } = condition.reads;
                let names_one = id || key || items || random;
                if names_one && !self.can_hold(expression, condition) {
                    return Vec::new();
                }
                let most = if names_one { usize::MAX } else { 1 };
                asks.take(most)
                    .flat_map(|(number, ask)| self.holds_for(*number, ask, expression, condition))
                    .collect()
            }
        }
    }

    fn answered_by_key(
        &self,
        slot: Slot,
        expression: &Expression,
        condition: &Condition,
    ) -> Vec<Target> {
        let subscriptions = self.subscriptions;
        let key = self.seen.found.get(slot).and_then(written);
        let known = key.and_then(|key| subscriptions.keys.get(&*key).copied());
        let Some((at, entry)) = known.and_then(|at| Some((at, subscriptions.entries.get(at)?)))
        else {
            return Vec::new();
        };
        // Without `ack`, an accepted key can still be refused.
        let is_taken = self.ears.words.ack.is_none() && entry.is_linked;
        let is_open = entry.ask.is_some() || is_taken;
        let holds = is_open
            && self.hears(entry.form)
            && self.holds_for_one(entry, expression, condition, None);
        let target = subscriptions.target(at).filter(|_| holds);
        target.into_iter().collect()
    }

    fn hears(&self, form: usize) -> bool {
        let form = self.subscriptions.forms.get(form);
        form.is_some_and(|form| form.ears == self.at)
    }

    /// The keys of one `on` for which this is true: all, unless it reads values of single keys.
    fn holds_for(
        &self,
        number: u64,
        ask: &Ask,
        expression: &Expression,
        condition: &Condition,
    ) -> Vec<Target> {
        let entry = |target: &Target| {
            let entry = self.subscriptions.entry(*target);
            entry.filter(|entry| entry.is_asked(number))
        };
        let holds = |target: &Target| {
            let asked = Some((number, ask));
            entry(target)
                .is_some_and(|entry| self.holds_for_one(entry, expression, condition, asked))
        };
        let mut targets = ask
            .targets
            .iter()
            .copied()
            .filter(|target| entry(target).is_some())
            .peekable();
        match condition.reads.key {
            true => targets.filter(holds).collect(),
            false if targets.peek().is_some_and(holds) => targets.collect(),
            false => Vec::new(),
        }
    }

    fn holds_for_one(
        &self,
        entry: &Entry,
        expression: &Expression,
        condition: &Condition,
        ask: Option<(u64, &Ask)>,
    ) -> bool {
        let asked = ask.or_else(|| {
            let number = entry.ask?.get();
            Some((number, self.subscriptions.socket.asks.get(&number)?))
        });
        let seeing = Seeing {
            words: &self.ears.words,
            seen: Some(self.seen),
            number: asked.map(|(number, _)| number),
            filled: asked.map(|(_, ask)| &ask.filled),
            wants_item: condition.reads.item,
        };
        seeing.of(entry, self.cx, |world| expression.holds(world))
    }

    /// Whether it can be true for some key: what is the same for all of them is evaluated once.
    fn can_hold(&self, expression: &Expression, condition: &Condition) -> bool {
        let around = self.cx.world(Some(self.seen), None);
        expression.can_hold(&condition.apart, &self.cx.step(&around))
    }

    /// The active keys that the message ends.
    fn ended(&self, end: &Expression, condition: &Condition) -> Vec<Target> {
        let subscriptions = self.subscriptions;
        let found = |slot| self.seen.found.get(slot).and_then(written);
        let candidates: Vec<usize> = match condition.way {
            Way::Key(slot) => {
                let key = found(slot);
                let known = key.and_then(|key| subscriptions.keys.get(&*key).copied());
                known.into_iter().collect()
            }
            Way::Number(slot) | Way::Name(_, slot) => {
                let text = found(slot);
                let known = text.and_then(|text| self.ears.ends.get(&*text));
                known.cloned().unwrap_or_default()
            }
            Way::Each if !self.can_hold(end, condition) => return Vec::new(),
            Way::Each => subscriptions.entries.iter().map(|(at, _)| at).collect(),
        };
        let is_alike = condition.way == Way::Each && !condition.reads.tells_apart();
        let ends = |at: &usize| {
            let entry = subscriptions.entries.get(*at);
            entry.is_some_and(|entry| {
                let number = entry.number.map(NonZeroU64::get);
                let seeing = Seeing {
                    words: &self.ears.words,
                    seen: Some(self.seen),
                    number,
                    filled: None,
                    wants_item: condition.reads.item,
                };
                entry.is_linked
                    && self.hears(entry.form)
                    && (is_alike || seeing.of(entry, self.cx, |world| end.holds(world)))
            })
        };
        let ended = candidates.into_iter().filter(ends);
        ended.filter_map(|at| subscriptions.target(at)).collect()
    }
}
