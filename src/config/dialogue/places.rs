//! The built-in names of each place.

use everwire_proto::language::{BuiltIn, BuiltIns};

/// No message and no number: the `if` of a step, a duration.
pub(super) const ELSEWHERE: BuiltIns =
    BuiltIns::of(&[BuiltIn::Sequence, BuiltIn::Handover, BuiltIn::Name]);

/// The text that a step or a heartbeat sends: its number is known.
pub(super) const SENDING: BuiltIns = ELSEWHERE.with(BuiltIn::Id);

/// The match of a rule, and captures from each message.
pub(super) const CAPTURE: BuiltIns = ELSEWHERE.with(BuiltIn::Message);

/// The expectation of a step, a pong, the answer of a rule: there is a message, and a number.
pub(super) const ANSWER: BuiltIns = SENDING.with(BuiltIn::Message);

/// Conditions on the answer to a step's call.
pub(super) const RESPONSE: BuiltIns = ANSWER.with(BuiltIn::Status);

/// The `if` and the item of a subscription.
pub(super) const ITEM: BuiltIns = ELSEWHERE.with(BuiltIn::Key);

/// The message that asks for a subscription.
pub(super) const SUBSCRIBING: BuiltIns = SENDING
    .with(BuiltIn::Key)
    .with(BuiltIn::Item)
    .with(BuiltIn::Items);

/// Messages about an existing subscription, and its routing.
pub(super) const SUBSCRIBED: BuiltIns = SUBSCRIBING.with(BuiltIn::OnId);

/// Conditions on a message that may concern a subscription.
pub(super) const OF_SUBSCRIPTION: BuiltIns = SUBSCRIBED.with(BuiltIn::Message);

/// Conditions on an HTTP answer.
pub(super) const OF_SUBSCRIPTION_BY_HTTP: BuiltIns = OF_SUBSCRIPTION.with(BuiltIn::Status);

/// The built-in names of a step before a dial.
#[derive(Clone, Copy)]
pub(super) struct Preparing {
    /// In the call and the `if`.
    pub call: BuiltIns,
    /// In the conditions on its answer.
    pub answer: BuiltIns,
}

/// Before the dials of one connection.
pub(super) const PREPARING: Preparing = Preparing {
    call: ELSEWHERE,
    answer: CAPTURE.with(BuiltIn::Status),
};

/// For all connections that share the steps.
pub(super) const SHARED: Preparing = Preparing {
    call: BuiltIns::of(&[]),
    answer: BuiltIns::of(&[BuiltIn::Message, BuiltIn::Status]),
};
