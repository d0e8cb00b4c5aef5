//! The state of subscriptions on one socket.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::{entry::Target, routes::Routes};
use crate::language::{FilledLets, Secret};

/// The state of subscriptions on one socket.
#[derive(Debug, Default)]
pub(super) struct OnSocket {
    pub stage: Stage,
    /// Whether there is a socket that was not dialled at a URL that the peer has named: the peer
    /// continues nothing on it, nor on a socket after it.
    pub is_fresh: bool,
    /// The messages to send, in order. Outdated entries are dropped at their turn.
    pub turns: VecDeque<Target>,
    /// Whether the writer knows that there are messages.
    pub is_announced: bool,
    /// The requests, by number.
    pub asks: BTreeMap<u64, Ask>,
    /// How many of those await an answer by their numbers.
    pub awaits_number: usize,
    /// The numbers of messages that were created and that the kernel does not have yet; 0 is an
    /// `off`, which has no answer.
    pub made: VecDeque<u64>,
    /// The calls in flight by number, with the texts to mask in their answers.
    pub calls: BTreeMap<u64, Vec<Secret>>,
    /// The keys that running calls end, by the number of the call.
    pub leaving: BTreeMap<u64, Vec<Arc<str>>>,
    /// When requests time out.
    pub due: BTreeSet<(Instant, u64)>,
    /// When keys are asked for again.
    pub again: BTreeSet<(Instant, Target)>,
    /// Keys by the peer's names for them in messages.
    pub routes: Routes,
    /// What the name waits for before it is ready.
    pub gate: Option<Gate>,
}

/// The phase of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none, or its script has not passed. Left when the script passes.
    #[default]
    Waiting,
    /// Keys are asked for. Left when the socket is closed or lost.
    Live,
    /// Nothing is sent any more: the socket is about to be closed.
    Over,
}

/// Keys that were asked for together.
#[derive(Debug)]
pub(super) struct Ask {
    pub form: usize,
    pub targets: Vec<Target>,
    /// How many of them are unanswered: those whose `ask` is this number.
    pub left: usize,
    /// The `let`s that `on` used.
    pub filled: FilledLets,
    /// Whether its `ack` is awaited by its number.
    pub awaits_number: bool,
    /// When it times out; `None`: the kernel does not have it yet, or it is a call, which ends by
    /// itself.
    pub until: Option<Instant>,
}

/// What keeps a name from being ready.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// How many keys are undecided.
    pub left: usize,
    /// Out of how many.
    pub of: usize,
    /// Since when it waits.
    pub since: Instant,
    /// Keys that are not written by then are not awaited.
    pub until: Instant,
}
