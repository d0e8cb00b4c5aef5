//! The requests that await an answer on a socket.

use std::fmt;

use super::{
    answered::Answered,
    message::{NumberedRequest, put_back, read_number},
    ordered::Ordered,
    queue::Ticket,
};
use crate::{
    core::Message,
    dialogue::{context::Context, surroundings::Seen},
    language::json::Kind,
    settings::dialogue::RequestSettings,
};

/// The requests that await an answer on a socket, by their numbers.
#[derive(Default)]
pub(in crate::dialogue) struct InFlight(Ordered<u64, Asked>);

/// A written request.
struct Asked {
    ticket: Ticket,
    /// The caller's own number or text, as it was written.
    own: Box<str>,
    /// Whether that is a text: our number was then written as a text, and `id` is one.
    is_text: bool,
}

impl InFlight {
    /// A request is written under this number.
    pub fn ask(&mut self, number: u64, ticket: Ticket, request: &NumberedRequest) {
        let asked = Asked {
            ticket,
            own: request.own().into(),
            is_text: request.is_text(),
        };
        self.0.insert(number, asked);
    }

    /// Nobody waits for the answer any more.
    pub fn forget(&mut self, number: u64) {
        self.0.remove(number);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A message has come: answers the request that it belongs to.
    pub fn hear(&mut self, seen: Seen<'_>, cx: &Context<'_>) -> Option<Answered> {
        let request = cx.dialogue.request.as_ref()?;
        let number = self.answered_by(request, seen, cx)?;
        let Asked {
            ticket,
            own,
            is_text,
        } = self.0.remove(number)?;
        let world = cx.world(Some(seen), Some(number)).with_text_id(is_text);
        let fail = request.fail.as_ref();
        let is_failure = fail.is_some_and(|fail| fail.holds(&cx.step(&world)));
        let whole = put_back(seen.found, request.echoes(), number, &own);
        let message = match (whole, seen.message) {
            (Some(text), Message::Text(_)) => Message::text(text),
            (Some(text), Message::Binary(_)) => Message::binary(text.into_bytes()),
            // Only the message as a whole says which request it answers.
            (None, message) => message.clone(),
        };
        Some(Answered {
            ticket,
            message,
            is_failure,
        })
    }

    /// The number of the request that a message answers.
    fn answered_by(
        &self,
        request: &RequestSettings,
        seen: Seen<'_>,
        cx: &Context<'_>,
    ) -> Option<u64> {
        let answers = |number: u64, asked: &Asked| {
            let world = cx.world(Some(seen), Some(number));
            let world = world.with_text_id(asked.is_text);
            request.answer.holds(&cx.step(&world))
        };
        match request.key() {
            Some(slot) => {
                let value = seen.found.get(slot)?;
                let number = read_number(value)?;
                let asked = self.0.get(number)?;
                let is_answer = match request.is_told_by_number() {
                    true => asked.is_text == (value.kind() == Kind::Text),
                    false => answers(number, asked),
                };
                is_answer.then_some(number)
            }
            None => {
                let mut asked = self.0.iter();
                let (number, _) = asked.find(|(number, asked)| answers(*number, asked))?;
                Some(number)
            }
        }
    }
}

impl fmt::Debug for InFlight {
    /// Callers' messages are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests await an answer", self.0.len())
    }
}
