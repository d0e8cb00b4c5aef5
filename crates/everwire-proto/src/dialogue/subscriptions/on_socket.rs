//! What is on its way on one socket.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use super::{entry::Target, routes::Routes};
use crate::language::{FilledLets, Secret};

/// What is on its way on one socket.
#[derive(Debug, Default)]
pub(super) struct OnSocket {
    pub stage: Stage,
    /// What is to be said, in order. One that means nothing any more is left out when its turn comes.
    pub turns: VecDeque<Target>,
    /// Whether whoever writes knows that there is something to say.
    pub is_announced: bool,
    /// What was asked, by its numbers.
    pub asks: BTreeMap<u64, Ask>,
    /// How many of those await an answer by their numbers.
    pub awaits_number: usize,
    /// The numbers of the messages that are made, and not with the kernel yet; 0: of an `off`, which awaits nothing.
    pub made: VecDeque<u64>,
    /// The calls that are out, by their numbers, and what must not be shown of their answers.
    pub calls: BTreeMap<u64, Vec<Secret>>,
    /// The keys that calls end which are out, by their numbers.
    pub leaving: BTreeMap<u64, Vec<Arc<str>>>,
    /// When the time of what was asked is over.
    pub due: BTreeSet<(Instant, u64)>,
    /// When something is asked for again.
    pub again: BTreeSet<(Instant, Target)>,
    /// By what the peer names keys in its messages.
    pub routes: Routes,
    /// What the name waits for before it is ready.
    pub gate: Option<Gate>,
}

/// How far a socket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none, or its script has not passed. It is left when the script passes.
    #[default]
    Waiting,
    /// Keys are asked for. It is left when the socket is closed or lost.
    Live,
    /// Nothing is said any more: the socket is to be closed.
    Over,
}

/// Keys that were asked for together.
#[derive(Debug)]
pub(super) struct Ask {
    pub form: usize,
    pub targets: Vec<Target>,
    /// How many of them are unanswered: those whose `ask` has its number.
    pub left: usize,
    /// What `on` was made of.
    pub filled: FilledLets,
    /// Whether its `ack` is awaited by its number.
    pub awaits_number: bool,
    /// When its time is over; `None`: it is not with the kernel yet, or a call, which ends by itself.
    pub until: Option<Instant>,
}

/// What keeps a name from being ready.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// So many keys are not decided.
    pub left: usize,
    /// Of how many.
    pub of: usize,
    /// Since when it waits.
    pub since: Instant,
    /// What is not written then is not waited for.
    pub until: Instant,
}
