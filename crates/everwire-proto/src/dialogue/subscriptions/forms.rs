//! Settings of keys, with what can be computed in advance.

use std::sync::Arc;

use super::names::Reads;
use crate::{
    language::Lets,
    settings::dialogue::{Asking, SubscriptionWords},
};

/// The keys with the same settings.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub words: Arc<SubscriptionWords>,
    /// The index of their expectations.
    pub ears: usize,
    /// How many keys have these settings.
    pub users: usize,
    pub on: Shape,
    pub off: Shape,
}

/// The shape of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many keys go into one.
    pub batch: usize,
    /// The names that it reads.
    pub reads: Reads,
}

impl Form {
    /// The form of these settings; `ears`: the index of their expectations.
    pub fn new(words: Arc<SubscriptionWords>, ears: usize, lets: &Lets) -> Self {
        let on = Shape::of(words.on.as_ref(), &words, lets);
        let off = Shape::of(words.off.as_ref(), &words, lets);
        Self {
            words,
            ears,
            users: 0,
            on,
            off,
        }
    }
}

impl Shape {
    /// The shape of a request. Only a request that names no single key can serve several.
    fn of(asking: Option<&Asking>, words: &SubscriptionWords, lets: &Lets) -> Self {
        let reads = asking.map(|asking| Reads::of_asking(asking, &words.capture, lets));
        let reads = reads.unwrap_or_default();
        let batch = match reads.items && !reads.key {
            true => words.batch.get() as usize,
            false => 1,
        };
        Self { batch, reads }
    }
}
