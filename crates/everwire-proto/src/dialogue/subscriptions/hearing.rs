//! What messages say of keys: that the peer has taken them, that it has not, that it has ended them, and to which a message belongs.

use std::{num::NonZeroU64, sync::Arc};

use super::{
    ears::{Condition, Ears, Way, written},
    entry::{Entry, Target, Turn},
    keys::{Seeing, Subscriptions},
    names::Reads,
    on_socket::Ask,
    state::SubscriptionState,
};
use crate::{
    core::Message,
    dialogue::{captures, context::Context, requests::read_number, surroundings::Seen},
    language::{
        Expression, Secret, Value,
        json::{Found, Slot, Spans},
    },
};

/// What a message has said of keys.
#[derive(Debug, Default)]
pub(in crate::dialogue) struct Told {
    /// The key that it belongs to.
    pub subscription: Option<Arc<str>>,
    /// Whether it has decided something: then it concerns this socket alone.
    pub is_own: bool,
    /// Whether something secret was captured of it: it is told to nobody.
    pub is_secret: bool,
}

/// What a message says of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Acknowledged,
    Refused,
    Ended,
}

impl Subscriptions {
    /// Whether messages concern nothing here, whatever they are.
    pub fn is_deaf(&self) -> bool {
        !self.ears.iter().any(|(_, ears)| ears.listens())
    }

    /// Whether a message must be read as JSON for words of which the dialogue does not know.
    pub fn looks_into(&self, message: &Message) -> bool {
        self.ears.iter().any(|(_, ears)| {
            let needles = ears.needles.as_ref();
            ears.listens() && needles.is_some_and(|needles| needles.any_in(message.payload()))
        })
    }

    /// A message has come.
    pub fn hear(&mut self, seen: Seen<'_>, cx: &mut Context<'_>) -> Told {
        let mut told = Told {
            subscription: self.belongs_to(seen),
            ..Told::default()
        };
        let places: Vec<usize> = match self.ears.len() {
            1 => Vec::new(),
            _ => self.ears.iter().map(|(at, _)| at).collect(),
        };
        let first = self.ears.iter().next().map(|(at, _)| at);
        let only = first.filter(|_| places.is_empty());
        for at in only.into_iter().chain(places) {
            if self.ears.get(at).is_some_and(decides) {
                self.decide(at, seen, cx, &mut told);
            }
        }
        if told.is_own && told.subscription.is_none() {
            told.subscription = self.belongs_to(seen);
        }
        if let Some(at) = told
            .subscription
            .as_ref()
            .and_then(|key| self.keys.get(key))
        {
            if let Some(entry) = self.entries.get_mut(*at) {
                entry.routed += 1;
            }
        }
        told
    }

    /// The key that a message belongs to, where words have no pointers of their own.
    pub fn belongs_to(&self, seen: Seen<'_>) -> Option<Arc<str>> {
        if self.socket.routes.is_empty() {
            return None;
        }
        self.ears.iter().find_map(|(_, ears)| {
            let route = ears.words.route.as_ref().filter(|_| ears.active > 0)?;
            let mut spans = Spans::default();
            let found = own_found(ears, seen, &mut spans).unwrap_or(seen.found);
            let id = written(found.get(route.json)?)?;
            let entry = self.entries.get(*self.socket.routes.get(&*id)?)?;
            Some(Arc::clone(entry.key()))
        })
    }

    /// What a message says of the keys whose words expect the same.
    fn decide(&mut self, at: usize, seen: Seen<'_>, cx: &mut Context<'_>, told: &mut Told) {
        let Some(ears) = self.ears.get(at) else {
            return;
        };
        let mut spans = Spans::default();
        let own = own_found(ears, seen, &mut spans);
        let seen = Seen {
            found: own.unwrap_or(seen.found),
            ..seen
        };
        let listening = self.listening(at, seen, cx);
        let verdicts = listening.map(|listening| listening.verdicts());
        let verdicts = verdicts.unwrap_or_default();
        if verdicts.is_empty() {
            return;
        }
        told.is_own = true;
        let mut text: Option<Box<str>> = None;
        for (target, verdict) in verdicts {
            if self.entry(target).is_none() {
                continue;
            }
            if verdict == Verdict::Acknowledged {
                told.is_secret |= self.acknowledged(target, seen, cx);
                continue;
            }
            let text = text.get_or_insert_with(|| cx.shown(seen).into()).clone();
            match verdict {
                Verdict::Acknowledged => {}
                Verdict::Refused => {
                    self.fail(target.at, SubscriptionState::Refused, Some(text), cx);
                }
                Verdict::Ended => self.fail(target.at, SubscriptionState::Ended, Some(text), cx),
            }
        }
    }

    /// What is looked at, for the keys whose words expect the same.
    fn listening<'a>(
        &'a self,
        at: usize,
        seen: Seen<'a>,
        cx: &'a Context<'a>,
    ) -> Option<Listening<'a>> {
        Some(Listening {
            subscriptions: self,
            ears: self.ears.get(at)?,
            at,
            seen,
            cx,
        })
    }

    /// The peer has taken it. Returns whether something secret was captured.
    fn acknowledged(&mut self, target: Target, seen: Seen<'_>, cx: &mut Context<'_>) -> bool {
        let at = target.at;
        let (captured, secrets) = self.captured(at, seen, cx);
        let is_secret = !secrets.is_empty();
        cx.captures.remember_sent(secrets);
        self.forget_ask_of(at);
        if let Some(entry) = self.entries.get_mut(at) {
            entry.captured = captured;
        }
        self.activate(at, cx);
        let waits_for_off = |entry: &Entry| entry.turn == Turn::OffWhenAnswered;
        if self.entry(target).is_some_and(waits_for_off) {
            self.queue(at, Turn::Off);
            self.announce(cx.out);
        }
        is_secret
    }

    /// What is captured for a key of what has taken it.
    fn captured(
        &self,
        at: usize,
        seen: Seen<'_>,
        cx: &Context<'_>,
    ) -> (Option<Box<[Value<'static>]>>, Vec<Secret>) {
        let (Some(entry), Some(form)) = (self.entries.get(at), self.form_of(at)) else {
            return (None, Vec::new());
        };
        let words = &form.words;
        if words.capture.is_empty() {
            return (None, Vec::new());
        }
        let asked = entry.ask.and_then(|ask| self.socket.asks.get(&ask.get()));
        let seeing = Seeing {
            words,
            seen: Some(seen),
            number: entry.number.map(NonZeroU64::get),
            filled: asked.map(|ask| &ask.filled),
            wants_item: true,
        };
        seeing.of(entry, cx, |world| {
            let value = |capture| {
                let value = captures::value_of(capture, world).ok().flatten();
                value.map_or_else(Value::absent, Value::into_owned)
            };
            let values: Box<[Value<'static>]> = words.capture.iter().map(value).collect();
            (Some(values), captures::secrets_in(&words.capture, world))
        })
    }
}

/// A message, and the keys whose words expect the same.
struct Listening<'a> {
    subscriptions: &'a Subscriptions,
    ears: &'a Ears,
    /// Which of all.
    at: usize,
    seen: Seen<'a>,
    cx: &'a Context<'a>,
}

impl Listening<'_> {
    /// Of each key that the message decides what it says.
    fn verdicts(&self) -> Vec<(Target, Verdict)> {
        let (ears, words) = (self.ears, &self.ears.words);
        let hears_answers = ears.hears_answers();
        let mut verdicts = Vec::new();
        if let (Some(fail), Some(condition), true) = (&words.fail, ears.fail, hears_answers) {
            let refused = self.answered(fail, condition);
            verdicts.extend(refused.into_iter().map(|it| (it, Verdict::Refused)));
        }
        if let (Some(ack), Some(condition), true) = (&words.ack, ears.ack, hears_answers)
            && verdicts.is_empty()
        {
            let taken = self.answered(ack, condition);
            verdicts.extend(taken.into_iter().map(|it| (it, Verdict::Acknowledged)));
        }
        if let (Some(end), Some(condition)) = (&words.end, ears.end)
            && ears.active > 0
        {
            let is_new = |target: &Target| verdicts.iter().all(|(known, _)| known != target);
            let ended: Vec<Target> = self
                .ended(end, condition)
                .into_iter()
                .filter(is_new)
                .collect();
            verdicts.extend(ended.into_iter().map(|it| (it, Verdict::Ended)));
        }
        verdicts
    }

    /// The keys for which an answer to their `on` holds.
    fn answered(&self, expression: &Expression, condition: Condition) -> Vec<Target> {
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
                let Reads { id, key, items, .. } = condition.reads;
                let asks = self.subscriptions.socket.asks.iter();
                let asks = asks.filter(|(_, ask)| self.hears(ask.form));
                // What says nothing of which it means, means the oldest.
                let most = if id || key || items { usize::MAX } else { 1 };
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
        condition: Condition,
    ) -> Vec<Target> {
        let subscriptions = self.subscriptions;
        let key = self.seen.found.get(slot).and_then(written);
        let known = key.and_then(|key| subscriptions.keys.get(&*key).copied());
        let Some((at, entry)) = known.and_then(|at| Some((at, subscriptions.entries.get(at)?)))
        else {
            return Vec::new();
        };
        // Where nothing is awaited, what was taken for granted can still be refused.
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

    /// The keys of one `on` for which this holds: all, unless it reads what each has of its own.
    fn holds_for(
        &self,
        number: u64,
        ask: &Ask,
        expression: &Expression,
        condition: Condition,
    ) -> Vec<Target> {
        let entry = |target: &Target| self.subscriptions.entry(*target);
        let holds = |target: &Target| {
            let asked = Some((number, ask));
            entry(target)
                .is_some_and(|entry| self.holds_for_one(entry, expression, condition, asked))
        };
        let targets = ask.targets.iter().copied();
        match condition.reads.key {
            true => targets.filter(holds).collect(),
            false if ask.targets.first().is_some_and(holds) => targets.collect(),
            false => Vec::new(),
        }
    }

    fn holds_for_one(
        &self,
        entry: &Entry,
        expression: &Expression,
        condition: Condition,
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

    /// The active keys that the message ends.
    fn ended(&self, end: &Expression, condition: Condition) -> Vec<Target> {
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
            Way::Each => subscriptions.entries.iter().map(|(at, _)| at).collect(),
        };
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
                    && seeing.of(entry, self.cx, |world| end.holds(world))
            })
        };
        let ended = candidates.into_iter().filter(ends);
        ended.filter_map(|at| subscriptions.target(at)).collect()
    }
}

/// Whether a message can decide something.
fn decides(ears: &Ears) -> bool {
    let can_fail = ears.fail.is_some() && ears.words.ack.is_none() && ears.active > 0;
    ears.asked > 0 || can_fail || (ears.active > 0 && ears.end.is_some())
}

/// What the pointers of words have found, which were compiled beside the dialogue. `None`: they have none of their own.
fn own_found<'f>(ears: &Ears, seen: Seen<'f>, spans: &'f mut Spans) -> Option<Found<'f, 'f>> {
    let pointers = ears.words.own_pointers.as_ref()?;
    let is_wanted = ears
        .needles
        .as_ref()
        .is_none_or(|needles| needles.any_in(seen.message.payload()));
    let text = match seen.message {
        _ if !is_wanted => None,
        Message::Text(text) => Some(&**text),
        Message::Binary(bytes) => std::str::from_utf8(bytes).ok(),
    };
    let found = text.and_then(|text| pointers.find(text, spans));
    Some(found.unwrap_or_default())
}
