//! A message comes: who looks at it, and what is looked for in it.

use std::mem;

use super::{Conversation, pings::pong};
use crate::{
    core::Message,
    dialogue::{
        happening::Happening,
        here::Here,
        reply::{Heard, Reply},
        report, requests,
        rules::Ruled,
        running::looks_into_messages,
        subscriptions::Told,
        surroundings::Seen,
    },
    language::{
        Expression, Need,
        json::{Found, Spans},
    },
};

impl Conversation {
    /// A message has come. Rules look at it, then the script, then the captures; the answer to a ping is seen by none of them.
    ///
    /// Ask [`stops_reading`](Self::stops_reading) behind each message: one that is given while it says so may cost the socket.
    pub fn message(&mut self, message: &Message, here: &Here<'_>, out: &mut Vec<Reply>) -> Heard {
        if self.has_nothing_to_hear() {
            return Heard::MESSAGE;
        }
        let mut spans = mem::take(&mut self.spans);
        let found = self.find(message, &mut spans);
        let seen = Seen { message, found };
        let heard = match self.trace {
            None => self.hear(seen, here, out),
            Some(_) => self.hear_watched(seen, here, out),
        };
        if self.keeps_spans() {
            self.spans = spans;
        }
        heard
    }

    pub(in crate::dialogue) fn hear(
        &mut self,
        seen: Seen<'_>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> Heard {
        if self.takes_pong(seen, here) {
            if let (Some(when), Some(_)) = (pong(&self.dialogue), &self.trace) {
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

    /// Whether messages concern nothing here, whatever they are.
    fn has_nothing_to_hear(&self) -> bool {
        self.trace.is_none()
            && self.unanswered.is_empty()
            && self.dialogue.rules.is_empty()
            && self.dialogue.captures.is_empty()
            && self.requests_in_flight() == 0
            && self.subscriptions.as_ref().is_none_or(|it| it.is_deaf())
            && self.running().is_none()
    }

    /// Whether a step looks at what comes as JSON.
    fn step_looks_into_messages(&self) -> bool {
        let running = self.running().filter(|step| step.listens());
        let step = running.and_then(|running| running.place.step(&self.dialogue));
        step.is_some_and(looks_into_messages)
    }

    /// What the dialogue's pointers find in a message, if something looks into it.
    fn find<'f>(&self, message: &'f Message, spans: &'f mut Spans) -> Found<'f, 'f> {
        let waits_for_pong = !self.unanswered.is_empty()
            && pong(&self.dialogue).is_some_and(Expression::looks_into_message);
        let is_wanted = waits_for_pong
            || self.requests_in_flight() > 0
            || self.step_looks_into_messages()
            || self.dialogue.needles.any_in(message.payload())
            || self
                .subscriptions
                .as_ref()
                .is_some_and(|it| it.looks_into(message));
        let text = match message {
            _ if !is_wanted => None,
            Message::Text(text) => Some(&**text),
            Message::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        };
        let found = text.and_then(|text| self.dialogue.pointers.find(text, spans));
        found.unwrap_or_default()
    }

    /// Whether the memory of a pass is worth being kept: nearly every message needs one.
    fn keeps_spans(&self) -> bool {
        *self.dialogue.needles.need() == Need::Everything
            || !self.dialogue.captures.is_empty()
            || self.subscriptions.is_some()
    }
}
