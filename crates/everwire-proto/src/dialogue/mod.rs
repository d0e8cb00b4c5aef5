//! The conversation of a connection on its socket: an opening script, rules, captures, and a
//! heartbeat with templates.
//!
//! A [`Conversation`] receives events, and returns actions ([`Reply`]). It uses no socket, clock or
//! task: the time, random numbers and keys come with each call ([`Here`]).
//!
//! The declared dialogue is one implementation of a trait, [`Protocol`]; others can be written in
//! code.

mod answers;
mod before_dial;
mod beside;
mod call;
mod captures;
mod context;
mod conversation;
mod decided;
mod delayed;
mod happening;
mod here;
mod ids;
mod kept;
mod parts;
mod periodic;
mod place;
mod prepared;
mod preparing;
mod progress;
mod protocol;
mod query;
mod refusal;
mod reply;
mod report;
mod requests;
mod response;
mod rules;
mod running;
mod script;
mod signing;
mod steps;
mod subscriptions;
mod surroundings;
#[cfg(test)]
mod tests;
mod times;
mod trace;
mod unanswered;
mod unstored;
mod watched;

pub use self::{
    answers::{MAX_ANSWERS, MAX_WAITING},
    before_dial::BeforeDial,
    call::{Call, CallOwner, CallTarget},
    captures::MAX_CAPTURED,
    conversation::{Concern, Conversation},
    happening::{Happening, Place, StepWritten, Verdict},
    here::{Here, Variables},
    kept::{KEEP_EVERY, KeptChange, KeptValue},
    place::{StepList, StepPlace},
    prepared::Prepared,
    preparing::{Next, Preparing},
    progress::{Progress, StepState},
    protocol::{
        Cx, Deliver, Done, LONGEST_TIMER, MAX_QUEUED, MAX_TIMERS, Protocol, ProtocolHost,
        Rehearsal, SHORTEST_TIMER, TimerId, TurnId,
    },
    query::Query,
    reply::{Heard, Ping, Reply},
    requests::{
        Answered, Bounds, Ended, ExpectedValue, InvalidRequest, MAX_OWN, NumberedRequest,
        RequestQueue, Ticket, TooMany, Waiting,
    },
    response::{Response, Unanswered},
    rules::close_code,
    subscriptions::{
        AwaitedSubscriptions, ComposedSubscription, HoldRefused, Holder, InvalidHolder,
        SubscriptionChange, SubscriptionCounts, SubscriptionState, SubscriptionStatus,
    },
    unstored::{HistorySpan, Stored},
};
