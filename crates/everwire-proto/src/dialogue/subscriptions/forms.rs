//! What is said for keys, and what of it is known before any of it is said.

use std::sync::Arc;

use super::names::Reads;
use crate::{
    language::Lets,
    settings::dialogue::{Asking, SubscriptionWords},
};

/// What is said for the keys that have the same words.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub words: Arc<SubscriptionWords>,
    /// What is expected for them.
    pub ears: usize,
    /// How many keys have these words.
    pub users: usize,
    pub on: Shape,
    pub off: Shape,
}

/// How something is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many keys go into one.
    pub batch: usize,
    /// What is read of them.
    pub reads: Reads,
}

impl Form {
    /// The form of these words; `ears`: what is expected for them.
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
    /// Of what is sent. Only what names no single key can be sent for several.
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
