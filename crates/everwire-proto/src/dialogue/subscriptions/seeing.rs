//! The values of one subscription for expressions.

use std::num::NonZeroU64;

use super::{
    entry::Entry,
    world::{KeyWorld, filled},
};
use crate::{
    dialogue::{context::Context, surroundings::Seen},
    language::{FilledLets, Step, World},
    settings::dialogue::SubscriptionWords,
};

/// The values of one subscription.
pub(super) struct Seeing<'a> {
    pub words: &'a SubscriptionWords,
    pub seen: Option<Seen<'a>>,
    /// The number of the message that is created or answered.
    pub number: Option<u64>,
    /// The `let`s of the answered `on`.
    pub filled: Option<&'a FilledLets>,
    /// Whether the item is read.
    pub wants_item: bool,
}

impl Seeing<'_> {
    /// Provides the values of this subscription.
    pub fn of<T>(&self, entry: &Entry, cx: &Context<'_>, look: impl FnOnce(&dyn World) -> T) -> T {
        let around = cx.world(self.seen, self.number);
        self.around(&around, entry, cx, look)
    }

    /// The same when there is no message.
    pub fn around<T>(
        &self,
        around: &dyn World,
        entry: &Entry,
        cx: &Context<'_>,
        look: impl FnOnce(&dyn World) -> T,
    ) -> T {
        let bare = KeyWorld {
            around,
            key: Some(entry.key()),
            item: None,
            items: None,
            number: entry.number.map(NonZeroU64::get),
            is_carried: entry.is_carried,
            captures: &self.words.capture,
            captured: entry.captured.as_deref().unwrap_or_default(),
        };
        let item = match self.wants_item {
            true => filled(&entry.declared.item, &cx.step(&bare)).ok(),
            false => None,
        };
        let world = KeyWorld {
            item: item.as_ref(),
            ..bare
        };
        let lets = &cx.dialogue.lets;
        match self.filled {
            Some(filled) => look(&Step::later(&world, lets, filled)),
            None => look(&Step::new(&world, lets)),
        }
    }
}
