//! Subscriptions by HTTP: the answer to the call decides, and the socket brings the messages.

use std::sync::Arc;

use super::{
    composing::Batch,
    entry::{Entry, Turn},
    keys::Subscriptions,
    names::Reads,
    seeing::Seeing,
    state::SubscriptionState,
};
use crate::{
    core::Cause,
    dialogue::{
        call::{Call, CallOwner, http_target},
        captures,
        context::Context,
        reply::Reply,
        report::{self, Masked},
        response::{Response, ResponseWorld, Unanswered},
    },
    language::{
        Secret, Value,
        json::{Found, Spans},
    },
    settings::dialogue::{HttpRequest, SubscriptionWords},
};

/// The most calls in flight.
pub(super) const MAX_CALLS: usize = 16;

/// The meaning of an answer for a key.
#[derive(Clone)]
enum Verdict {
    Taken(Option<Box<[Value<'static>]>>),
    Refused,
}

impl Subscriptions {
    /// Whether as many calls are in flight as allowed.
    pub fn has_all_calls(&self) -> bool {
        self.socket.calls.len() >= MAX_CALLS
    }

    /// Asks for keys by a call. `true` if it is made.
    pub(super) fn call_on(
        &mut self,
        request: &HttpRequest,
        batch: Batch<'_>,
        cx: &mut Context<'_>,
    ) -> bool {
        let number = cx.ids.next();
        let made = self.look(&batch, number, cx, |world| http_target(request, world));
        let (target, filled) = match made {
            Ok(made) => made,
            Err((what, unfilled)) => {
                let why = format!("{what}: {unfilled}");
                self.unfilled(batch.targets, batch.words, &why, cx);
                return false;
            }
        };
        cx.captures.remember_sent(target.secrets.clone());
        cx.ids.take();
        self.asked(number, batch.targets.to_vec(), filled, cx);
        let owner = CallOwner::Subscription(number);
        let call = Call::new(owner, target, batch.words.within, report::http(request));
        self.socket.calls.insert(number, call.secrets.clone());
        cx.out.push(Reply::Call(Box::new(call)));
        true
    }

    /// Ends keys by a call, whose answer decides nothing.
    pub(super) fn call_off(
        &mut self,
        request: &HttpRequest,
        batch: Batch<'_>,
        cx: &mut Context<'_>,
    ) {
        let number = cx.ids.next();
        let made = self.look(&batch, number, cx, |world| http_target(request, world));
        let target = match made {
            Ok((target, _)) => target,
            Err((what, unfilled)) => {
                let text = format!("`off` of a subscription cannot fill {what}: {unfilled}");
                return cx.out.push(Reply::Error(Cause::Template(text)));
            }
        };
        cx.captures.remember_sent(target.secrets.clone());
        cx.ids.take();
        let owner = CallOwner::Subscription(number);
        let call = Call::new(owner, target, batch.words.within, report::http(request));
        self.socket.calls.insert(number, call.secrets.clone());
        let left = batch.targets.iter().filter_map(|it| self.entry(*it));
        let left = left.map(|entry| Arc::clone(entry.key())).collect();
        self.socket.leaving.insert(number, left);
        cx.out.push(Reply::Call(Box::new(call)));
    }

    /// Whether a call that ends this key is running. Its `on` waits, because two calls may arrive
    /// in any order.
    pub(super) fn is_being_left(&self, key: &str) -> bool {
        let mut left = self.socket.leaving.values().flatten();
        left.any(|known| **known == *key)
    }

    /// The call with this number is over. Keys of it that are wanted again are now requested.
    fn was_left(&mut self, number: u64, cx: &mut Context<'_>) {
        for key in self.socket.leaving.remove(&number).unwrap_or_default() {
            let at = self.keys.get(&key).copied();
            let waits = |entry: &&Entry| {
                let is_wanted = entry.state == SubscriptionState::Wanted;
                is_wanted && entry.turn == Turn::None && !entry.is_leaving()
            };
            if let Some(at) = at
                && self.entries.get(at).as_ref().is_some_and(waits)
            {
                self.want(at, cx);
            }
        }
    }

    /// A call was answered, or failed.
    pub fn answered(
        &mut self,
        number: u64,
        answer: Result<Response, Unanswered>,
        cx: &mut Context<'_>,
    ) {
        let Some(secrets) = self.socket.calls.remove(&number) else {
            return;
        };
        let secrets: Vec<String> = secrets
            .iter()
            .map(|secret: &Secret| secret.expose().to_owned())
            .collect();
        let secrets = Masked::all(secrets.into_iter().chain(cx.captures.secrets()));
        match (answer, self.socket.asks.contains_key(&number)) {
            (Ok(response), true) => self.judge(number, &response, &secrets, cx),
            (Err(why), true) => self.has_no_answer(number, &why, &secrets, cx),
            (Ok(response), false) => off_answered(&response, &secrets, cx),
            (Err(why), false) => {
                let mut text = String::from("`off` of a subscription has no answer: ");
                report::show_text_masked(&why.text, &secrets, &mut text);
                cx.out.push(Reply::Error(Cause::Template(text)));
            }
        }
        self.was_left(number, cx);
        // There is room for another call.
        self.announce(cx.out);
    }

    fn has_no_answer(
        &mut self,
        number: u64,
        why: &Unanswered,
        secrets: &Masked,
        cx: &mut Context<'_>,
    ) {
        let mut text = String::new();
        report::show_text_masked(&why.text, secrets, &mut text);
        let state = match why.is_refusal {
            true => SubscriptionState::Refused,
            false => SubscriptionState::Unanswered,
        };
        for target in self.unanswered(number) {
            if self.entry(target).is_some() {
                self.fail(target.at, state, Some(text.as_str().into()), cx);
            }
        }
    }

    /// The meaning of the answer for each key of this call.
    fn judge(&mut self, number: u64, response: &Response, secrets: &Masked, cx: &mut Context<'_>) {
        let mut text = String::new();
        if let Some(status) = response.status {
            text = format!("{status}: ");
        }
        report::show_body(&response.body, secrets, &mut text);
        let form = self.socket.asks.get(&number).map(|ask| ask.form);
        let Some(words) = form
            .and_then(|form| self.forms.get(form))
            .map(|form| Arc::clone(&form.words))
        else {
            return;
        };
        // One pass over the body for all keys.
        let (dialogue, own) = (cx.dialogue, words.own_pointers.as_deref());
        let pointers = own.unwrap_or(&dialogue.pointers);
        let mut spans = Spans::default();
        let body = std::str::from_utf8(&response.body).ok();
        let found = body.and_then(|body| pointers.find(body, &mut spans));
        let heard = (response, found.unwrap_or_default());
        let reads = Reads::of_answer(&words, &dialogue.lets);
        // The same for all keys, unless something tells them apart.
        let is_shared = !reads.key && !reads.random;
        let mut shared: Option<Verdict> = None;
        for target in self.unanswered(number) {
            let verdict = match (self.entry(target), shared.clone()) {
                (None, _) => None,
                (Some(_), Some(verdict)) => Some(verdict),
                (Some(entry), None) => {
                    let asked = (number, reads.item);
                    Some(self.verdict(asked, entry, &words, heard, cx))
                }
            };
            if is_shared {
                shared = shared.or_else(|| verdict.clone());
            }
            match verdict {
                Some(Verdict::Taken(captured)) => {
                    self.forget_ask_of(target.at);
                    if let Some(entry) = self.entries.get_mut(target.at) {
                        entry.captured = captured;
                    }
                    self.taken(target, cx);
                }
                Some(Verdict::Refused) => {
                    let text = Some(text.as_str().into());
                    self.fail(target.at, SubscriptionState::Refused, text, cx);
                }
                None => {}
            }
        }
    }

    /// `fail`, then `ack`; without that, a status of 2xx.
    fn verdict(
        &self,
        (number, wants_item): (u64, bool),
        entry: &Entry,
        words: &SubscriptionWords,
        heard: (&Response, Found<'_, '_>),
        cx: &Context<'_>,
    ) -> Verdict {
        let response = heard.0;
        let world = ResponseWorld::new(cx.here, cx.captures, Some(heard)).with_id(Some(number));
        let ask = self.socket.asks.get(&number);
        let seeing = Seeing {
            words,
            seen: None,
            number: Some(number),
            filled: ask.map(|ask| &ask.filled),
            wants_item,
        };
        seeing.around(&world, entry, cx, |world| {
            if words.fail.as_ref().is_some_and(|fail| fail.holds(world)) {
                return Verdict::Refused;
            }
            let is_taken = match &words.ack {
                Some(ack) => ack.holds(world),
                None => response.status.is_some_and(|status| status / 100 == 2),
            };
            if !is_taken {
                return Verdict::Refused;
            }
            let value = |capture| {
                let value = captures::value_of(capture, world).ok().flatten();
                value.map_or_else(Value::absent, Value::into_owned)
            };
            let captured = words.capture.iter().map(value);
            Verdict::Taken((!words.capture.is_empty()).then(|| captured.collect()))
        })
    }
}

/// `off` was answered: only a refusal is published.
fn off_answered(response: &Response, secrets: &Masked, cx: &mut Context<'_>) {
    if response.status.is_some_and(|status| status / 100 == 2) {
        return;
    }
    let status = response.status.unwrap_or_default();
    let mut text = format!("`off` of a subscription was answered with {status}: ");
    report::show_body(&response.body, secrets, &mut text);
    cx.out
        .push(Reply::Error(Cause::script_refused(text, false)));
}
