//! Which names are built in at which place.

use everwire_proto::language::{BuiltIn, BuiltIns};

/// Where there is neither a message nor a number: the `if` of a step, a duration.
pub(super) const ELSEWHERE: BuiltIns =
    BuiltIns::of(&[BuiltIn::Sequence, BuiltIn::Handover, BuiltIn::Name]);

/// What a step or a heartbeat sends: its number is known.
pub(super) const SENDING: BuiltIns = ELSEWHERE.with(BuiltIn::Id);

/// What a rule matches, and what the connection keeps of each message.
pub(super) const CAPTURE: BuiltIns = ELSEWHERE.with(BuiltIn::Message);

/// What a step expects, a pong, what a rule answers: there is a message, and a number.
pub(super) const ANSWER: BuiltIns = SENDING.with(BuiltIn::Message);

/// What the answer to a step's call is asked.
pub(super) const RESPONSE: BuiltIns = ANSWER.with(BuiltIn::Status);

/// What is there in a step before a dial.
#[derive(Clone, Copy)]
pub(super) struct Preparing {
    /// In what is called, and in its `if`.
    pub call: BuiltIns,
    /// In what its answer is asked.
    pub answer: BuiltIns,
}

/// Before the dials of one connection.
pub(super) const PREPARING: Preparing = Preparing {
    call: ELSEWHERE,
    answer: CAPTURE.with(BuiltIn::Status),
};

/// For all connections that share it.
pub(super) const SHARED: Preparing = Preparing {
    call: BuiltIns::of(&[]),
    answer: BuiltIns::of(&[BuiltIn::Message, BuiltIn::Status]),
};
