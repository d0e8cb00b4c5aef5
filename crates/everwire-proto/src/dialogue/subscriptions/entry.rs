//! One subscription, and its state.

use std::{num::NonZeroU64, sync::Arc, time::Instant};

use super::{
    change::SubscriptionChange, holders::Holders, state::SubscriptionState,
    status::SubscriptionStatus,
};
use crate::{language::Value, settings::dialogue::DeclaredSubscription};

/// One subscription, and its state.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub declared: Arc<DeclaredSubscription>,
    /// The index of its form.
    pub form: usize,
    /// Without holders it is given up, and stays until the peer was told.
    pub holders: Holders,
    pub state: SubscriptionState,
    pub turn: Turn,
    /// How often it was asked for again on this socket, since it was last wanted.
    pub tries: u8,
    /// Whether the name is not ready before it is decided.
    pub gates: bool,
    /// Whether it was active on the previous socket, and was not asked for since, nor has failed:
    /// after a handover the peer continues it.
    pub is_carried: bool,
    /// Whether it was asked for and not answered in time: the peer may have it. On a socket that it
    /// has named the peer may also have what was asked for on the previous one.
    pub may_be_there: bool,
    /// Whether its state has changed without a report, since nobody wanted it then.
    pub is_untold: bool,
    /// The number of its unanswered `on`.
    pub ask: Option<NonZeroU64>,
    /// The number of its last `on`.
    pub number: Option<NonZeroU64>,
    /// Its captures, in the order of its settings' captures.
    pub captured: Option<Box<[Value<'static>]>>,
    /// Whether its messages are recognised.
    pub is_linked: bool,
    /// The peer's name for it in messages.
    pub route: Option<Arc<str>>,
    /// The value by which `end` distinguishes it.
    pub end: Option<Box<str>>,
    /// The peer's refusal or end, or a description of the error.
    pub text: Option<Box<str>>,
    /// When its state last changed.
    pub since: Option<Instant>,
    /// When it is asked for again.
    pub again_at: Option<Instant>,
    /// How many messages belonged to it.
    pub routed: u64,
    /// A unique number, in order of creation.
    pub order: u64,
}

/// The next message about a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// None.
    #[default]
    None,
    /// `on`.
    On,
    /// `off`.
    Off,
    /// `off`, once `on` is answered.
    OffWhenAnswered,
}

/// A subscription by its index and its unique number, since indexes are reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub at: usize,
    pub order: u64,
}

/// What keys of one message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Like {
    pub form: usize,
    /// Matters only to a message that reads it.
    pub is_carried: bool,
}

impl Like {
    pub fn of(entry: &Entry) -> Self {
        Self {
            form: entry.form,
            is_carried: entry.is_carried,
        }
    }
}

impl Entry {
    /// A wanted subscription.
    pub fn new(
        declared: Arc<DeclaredSubscription>,
        form: usize,
        holders: Holders,
        order: u64,
    ) -> Self {
        Self {
            declared,
            form,
            holders,
            state: SubscriptionState::Wanted,
            turn: Turn::None,
            tries: 0,
            gates: false,
            is_carried: false,
            may_be_there: false,
            is_untold: false,
            ask: None,
            number: None,
            captured: None,
            is_linked: false,
            route: None,
            end: None,
            text: None,
            since: None,
            again_at: None,
            routed: 0,
            order,
        }
    }

    /// The key.
    pub fn key(&self) -> &Arc<str> {
        &self.declared.key
    }

    /// Whether its `on` of this number is unanswered.
    pub fn is_asked(&self, number: u64) -> bool {
        self.ask.is_some_and(|ask| ask.get() == number)
    }

    /// Whether nobody wants it any more.
    pub fn is_leaving(&self) -> bool {
        self.holders.is_empty()
    }

    /// A report of its state, which then counts as reported.
    pub fn change(&mut self) -> SubscriptionChange {
        self.is_untold = false;
        SubscriptionChange {
            key: Arc::clone(self.key()),
            state: self.state,
            text: self.text.clone(),
        }
    }

    /// Whether both ask for the same item with the same settings.
    pub fn is_of(&self, declared: &Arc<DeclaredSubscription>) -> bool {
        Arc::ptr_eq(&self.declared, declared)
            || (self.declared.item == declared.item && self.declared.words == declared.words)
    }

    /// The socket is gone: keeps only whether it was active, and its captures. `continues`: what was
    /// active before that socket was still to be continued by it.
    pub fn forget_socket(&mut self, continues: bool) {
        let was_carried = self.is_carried && continues;
        let was_active = match self.state {
            SubscriptionState::Active => true,
            SubscriptionState::Wanted => was_carried,
            _ => false,
        };
        let was_asked = self.state == SubscriptionState::Sent || self.may_be_there;
        *self = Self {
            is_carried: was_active,
            may_be_there: was_asked,
            captured: self.captured.take().filter(|_| was_active),
            number: self.number.filter(|_| was_active),
            routed: self.routed,
            ..Self::new(
                Arc::clone(&self.declared),
                self.form,
                std::mem::take(&mut self.holders),
                self.order,
            )
        };
    }

    /// Whether the peer has it, or would continue it on a socket that it has named.
    pub fn is_there(&self) -> bool {
        match self.state {
            SubscriptionState::Active => true,
            SubscriptionState::Wanted => self.is_carried,
            _ => false,
        }
    }

    pub fn status(&self) -> SubscriptionStatus {
        SubscriptionStatus {
            key: Arc::clone(self.key()),
            state: self.state,
            text: self.text.as_deref().map(str::to_owned),
            holders: self.holders.iter().collect(),
            item: self.declared.item.as_written(),
            routed: self.routed,
        }
    }
}
