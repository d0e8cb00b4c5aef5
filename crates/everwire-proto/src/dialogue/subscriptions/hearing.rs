//! Messages about keys: accepted, refused, ended, and to which key a message belongs.

use std::{num::NonZeroU64, sync::Arc};

use super::{
    ears::{Ears, written},
    entry::{Entry, Target, Turn},
    keys::Subscriptions,
    listening::{Listening, Verdict},
    seeing::Seeing,
    state::SubscriptionState,
};
use crate::{
    core::Message,
    dialogue::{captures, context::Context, surroundings::Seen},
    language::{
        Secret, Value,
        json::{Found, Spans},
    },
};

/// The meaning of a message for keys.
#[derive(Debug, Default)]
pub(in crate::dialogue) struct Told {
    /// The key that it belongs to.
    pub subscription: Option<Arc<str>>,
    /// Whether it has decided something: then it concerns only this socket.
    pub is_own: bool,
    /// Whether a secret was captured from it: subscribers do not get it.
    pub is_secret: bool,
}

/// What is expected of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialogue) struct Expected {
    /// It is told whatever stands in it: something is expected that does not look into it as JSON.
    pub is_blind: bool,
    /// It must be read as JSON for words of which the dialogue does not know.
    pub is_foreign: bool,
    /// It may do more than belong to a key.
    pub decides: bool,
}

impl Subscriptions {
    /// What is expected of a message.
    pub fn expected_of(&self, message: &Message) -> Expected {
        let mut all = Expected {
            is_blind: false,
            is_foreign: false,
            decides: !self.have_passed(),
        };
        for (_, ears) in &self.ears {
            all.decides |= decides(ears);
            if ears.listens() {
                let needles = ears.needles.as_ref();
                all.is_blind |= ears.is_blind;
                all.is_foreign |= needles.is_some_and(|needles| needles.any_in(message.payload()));
            }
        }
        all
    }

    /// Counts a message that decides nothing for its key, and returns the key.
    pub fn routed(&mut self, seen: Seen<'_>) -> Option<Arc<str>> {
        let entry = self.entries.get_mut(self.place_of(seen)?)?;
        entry.routed += 1;
        Some(Arc::clone(entry.key()))
    }

    /// A message has come.
    pub fn hear(&mut self, seen: Seen<'_>, cx: &mut Context<'_>) -> Told {
        let mut told = Told::default();
        // A message that ends a subscription still belongs to it.
        self.route(seen, &mut told);
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
            self.route(seen, &mut told);
        }
        told
    }

    /// Counts the message for the key that it belongs to.
    #[inline]
    fn route(&mut self, seen: Seen<'_>, told: &mut Told) {
        let key = self.routed(seen);
        if key.is_some() {
            told.subscription = key;
        }
    }

    /// The key that a message belongs to.
    pub fn belongs_to(&self, seen: Seen<'_>) -> Option<Arc<str>> {
        let entry = self.entries.get(self.place_of(seen)?)?;
        Some(Arc::clone(entry.key()))
    }

    fn place_of(&self, seen: Seen<'_>) -> Option<usize> {
        if self.socket.routes.is_empty() {
            return None;
        }
        self.ears.iter().find_map(|(_, ears)| {
            let route = ears.words.route.as_ref().filter(|_| ears.active > 0)?;
            let place_in = |found: Found<'_, '_>| {
                let id = written(found.get(route.json)?)?;
                self.socket.routes.get(&id)
            };
            if ears.words.own_pointers.is_none() {
                return place_in(seen.found);
            }
            let mut spans = Spans::default();
            place_in(own_found(ears, seen, &mut spans).unwrap_or(seen.found))
        })
    }

    /// The meaning of a message for keys with the same expectations.
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

    /// The state for checking keys with the same expectations.
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

    /// The peer has accepted it. `true` if a secret was captured.
    fn acknowledged(&mut self, target: Target, seen: Seen<'_>, cx: &mut Context<'_>) -> bool {
        let at = target.at;
        let (captured, secrets) = self.captured(at, seen, cx);
        let is_secret = !secrets.is_empty();
        cx.captures.remember_sent(secrets);
        self.forget_ask_of(at);
        if let Some(entry) = self.entries.get_mut(at) {
            entry.captured = captured;
        }
        self.taken(target, cx);
        is_secret
    }

    /// The peer has it now. If it was given up meanwhile, it is ended.
    pub(super) fn taken(&mut self, target: Target, cx: &mut Context<'_>) {
        self.activate(target.at, cx);
        let waits_for_off = |entry: &Entry| entry.turn == Turn::OffWhenAnswered;
        if self.entry(target).is_some_and(waits_for_off) {
            self.queue(target.at, Turn::Off);
            self.announce(cx.out);
        }
    }

    /// The captures of a key from the accepting message.
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

/// Whether a message can decide something.
fn decides(ears: &Ears) -> bool {
    let can_fail = ears.fail.is_some() && ears.words.ack.is_none() && ears.active > 0;
    ears.asked > 0 || can_fail || (ears.active > 0 && ears.end.is_some())
}

/// The pointers of settings that were compiled beside the dialogue; `None`: they have none of their
/// own.
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
