//! Handles a message: which parts see it, and what is looked for in it.

use std::sync::Arc;

use super::{Conversation, concern::Concern, pings::pong};
use crate::{
    core::{Message, NumberPlace},
    dialogue::{
        happening::Happening,
        here::Here,
        reply::{Heard, Reply},
        report, requests,
        rules::Ruled,
        subscriptions::Told,
        surroundings::Seen,
    },
    language::json::{Found, PointerSet, Spans},
    settings::SequenceSettings,
};

impl Conversation {
    /// A message has come. Rules see it first, then the script, then the captures; none of them
    /// sees the answer to a ping.
    ///
    /// Ask [`stops_reading`](Self::stops_reading) after each message. A message that comes while it
    /// returns `true` may cost the socket.
    pub fn message(&mut self, message: &Message, here: &Here<'_>, out: &mut Vec<Reply>) -> Heard {
        match self.concern(message) {
            None => Heard::MESSAGE,
            Some(concern) if concern.is_only_routed() => Heard {
                subscription: self.subscription_by(message, None).0,
                ..Heard::MESSAGE
            },
            Some(concern) => self.message_of_concern(message, concern, None, here, out).0,
        }
    }

    /// The same for a message whose [concern](Self::concern) is known. If the message is read as
    /// JSON, the same pass also finds the peer's own number, if it is wanted.
    pub fn message_of_concern(
        &mut self,
        message: &Message,
        concern: Concern,
        numbers: Option<&SequenceSettings>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> (Heard, Option<NumberPlace>) {
        let mut spans = self.seldom.take_spans().unwrap_or_default();
        let (found, number) = match concern.is_read() {
            true => find(&self.dialogue.pointers, message, numbers, &mut spans),
            false => (Found::default(), None),
        };
        let seen = Seen { message, found };
        let heard = match self.seldom.trace() {
            None => self.hear(seen, here, out),
            Some(_) => self.hear_watched(seen, here, out),
        };
        if self.keeps_spans() {
            self.seldom.keep_spans(spans);
        }
        (heard, number)
    }

    /// The subscription to which a message belongs that can do [nothing else](Concern::is_only_routed), counted for it; and the peer's own
    /// number, as with [`message_of_concern`](Self::message_of_concern).
    pub fn subscription_by(
        &mut self,
        message: &Message,
        numbers: Option<&SequenceSettings>,
    ) -> (Option<Arc<str>>, Option<NumberPlace>) {
        let Some(subscriptions) = &mut self.subscriptions else {
            return (None, None);
        };
        let spans = self.seldom.spans();
        let (found, number) = find(&self.dialogue.pointers, message, numbers, spans);
        (subscriptions.routed(Seen { message, found }), number)
    }

    pub(in crate::dialogue) fn hear(
        &mut self,
        seen: Seen<'_>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> Heard {
        if self.takes_pong(seen, here) {
            if let (Some(when), Some(_)) = (pong(&self.dialogue), self.seldom.trace()) {
                let when = report::clipped(when.as_str());
                out.push(Reply::Happened(Box::new(Happening::Ponged { when })));
            }
            return Heard::PONG;
        }
        let mut parts = self.parts(here, out);
        let (mut deliver, mut is_own) = (true, false);
        let unstored = parts.rules.unstored_count();
        if parts.script.is_live() {
            let ruled: Ruled = parts.rules.message(seen, &mut parts.cx);
            deliver = ruled.deliver;
            match ruled.is_lost {
                true => parts.script.end(),
                false => {
                    let scripted = parts.step_hears(seen);
                    deliver &= scripted.deliver;
                    is_own = scripted.is_decisive;
                }
            }
            if !deliver {
                // It will never be stored.
                parts.rules.withdraw(unstored, parts.cx.out);
            }
        }
        let is_live = parts.script.is_live();
        let told = match &mut parts.subscriptions {
            Some(subscriptions) if is_live => subscriptions.hear(seen, &mut parts.cx),
            Some(_) | None => Told::default(),
        };
        is_own |= told.is_own;
        deliver &= !told.is_secret;
        is_own |= requests::hear(&mut parts, seen);
        let cx = &mut parts.cx;
        if !cx.dialogue.captures.is_empty() {
            let caught = {
                let world = cx.world(Some(seen), None);
                cx.captures.catch(&cx.dialogue.captures, &cx.step(&world))
            };
            cx.captures.keep(caught, &cx.dialogue.names);
        }
        parts.refresh();
        Heard {
            deliver,
            is_pong: false,
            is_own,
            subscription: told.subscription,
        }
    }
}

/// What the pointers of a dialogue find in a message, and the place of its number, if that is
/// wanted.
fn find<'f>(
    pointers: &PointerSet,
    message: &'f Message,
    numbers: Option<&SequenceSettings>,
    spans: &'f mut Spans,
) -> (Found<'f, 'f>, Option<NumberPlace>) {
    match (message, numbers) {
        (Message::Text(text), Some(numbers)) => {
            let found = numbers.number_beside(pointers, text, spans);
            let (found, number) = found.unwrap_or_default();
            (found, Some(number))
        }
        (Message::Text(text), None) => {
            let found = pointers.find(text, spans);
            (found.unwrap_or_default(), None)
        }
        // A binary message has no number.
        (Message::Binary(bytes), _) => {
            let text = std::str::from_utf8(bytes).ok();
            let found = text.and_then(|text| pointers.find(text, spans));
            (found.unwrap_or_default(), None)
        }
    }
}
