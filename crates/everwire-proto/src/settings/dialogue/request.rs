//! Requests: messages of callers that the peer answers individually.

use std::{num::NonZeroU32, time::Duration};

use crate::language::{
    BuiltIn, Expression,
    json::{JsonPointer, PointerSet, Slot},
};

/// The most requests, steps and heartbeats of a name that may await an answer.
pub const MAX_IN_FLIGHT: NonZeroU32 = NonZeroU32::new(1024).unwrap();

/// How callers' requests are numbered, and how their answers are found.
///
/// A caller's message is JSON. Our number replaces the value at [`id`](Self::id), and the caller's
/// value is put back into the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestSettings {
    /// Where a request has its number or text.
    pub id: JsonPointer,
    /// The condition for an answer, tried with the number of a request in `id`: a text if it was
    /// written as a text.
    pub answer: Expression,
    /// Which answers are refusals.
    pub fail: Option<Expression>,
    /// How long a caller waits by default, from the acceptance of the request to its answer.
    pub within: Duration,
    /// How many messages of ours may await an answer by their number: requests, steps and heartbeats.
    pub in_flight: NonZeroU32,
    /// Where an answer contains our number.
    echoes: Vec<Slot>,
    /// Where every answer contains it, so that answers can be looked up by that value.
    key: Option<Slot>,
    /// Whether that value is all that an answer is told by.
    is_told_by_number: bool,
}

impl RequestSettings {
    /// How long a caller waits, unless the settings or the caller say otherwise.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// Requests with their number at `id`, whose answers `answer` finds. `pointers` are those of
    /// the dialogue, with which `answer` was compiled.
    pub fn new(id: JsonPointer, answer: Expression, pointers: &mut PointerSet) -> Self {
        let mut echoes = answer.compared_with(BuiltIn::Id);
        if echoes.is_empty() {
            echoes.push(pointers.insert(&id));
        }
        Self {
            key: answer.key_of(BuiltIn::Id),
            is_told_by_number: answer.compares_only(BuiltIn::Id),
            id,
            answer,
            fail: None,
            within: Self::WITHIN,
            in_flight: MAX_IN_FLIGHT,
            echoes,
        }
    }

    /// Where an answer contains our number.
    pub fn echoes(&self) -> &[Slot] {
        &self.echoes
    }

    /// Where every answer contains our number, as a number or as a text; `None`: there is no such
    /// place.
    pub fn key(&self) -> Option<Slot> {
        self.key
    }

    /// Whether a message with our number at [`key`](Self::key), written as it was in the request, is an
    /// answer whatever else stands in it.
    pub(crate) fn is_told_by_number(&self) -> bool {
        self.is_told_by_number
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        std::iter::once(&self.answer).chain(&self.fail)
    }
}
