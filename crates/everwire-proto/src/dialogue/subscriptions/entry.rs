//! One subscription, and where it stands.

use std::{num::NonZeroU64, sync::Arc, time::Instant};

use super::{
    change::SubscriptionChange, holders::Holders, state::SubscriptionState,
    status::SubscriptionStatus,
};
use crate::{language::Value, settings::dialogue::DeclaredSubscription};

/// One subscription, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub declared: Arc<DeclaredSubscription>,
    /// What is said and expected for it.
    pub form: usize,
    /// Nobody: it is given up, and stays until that is said.
    pub holders: Holders,
    pub state: SubscriptionState,
    pub turn: Turn,
    /// How often it was asked for again on this socket, since it was wanted anew.
    pub tries: u8,
    /// Whether the name is not ready before it is decided.
    pub gates: bool,
    /// Whether it was active on the socket before: on a handover the peer goes on with it.
    pub is_carried: bool,
    /// Whether it was asked for on this socket and not answered in time: nobody knows whether the peer has it.
    pub may_be_there: bool,
    /// Whether it stands elsewhere than was told, since nobody wanted it when that changed.
    pub is_untold: bool,
    /// The number of its `on` that is unanswered.
    pub ask: Option<NonZeroU64>,
    /// The number of its last `on`.
    pub number: Option<NonZeroU64>,
    /// What was captured for it, in the order of its words' captures.
    pub captured: Option<Box<[Value<'static>]>>,
    /// Whether its messages are found.
    pub is_linked: bool,
    /// By what the peer names it in its messages.
    pub route: Option<Arc<str>>,
    /// By what `end` tells it from others.
    pub end: Option<Box<str>>,
    /// What the peer said when it refused or ended it, or what was wrong.
    pub text: Option<Box<str>>,
    /// When its state has changed.
    pub since: Option<Instant>,
    /// When it is asked for again.
    pub again_at: Option<Instant>,
    /// How many messages belonged to it.
    pub routed: u64,
    /// Tells it from all others that were ever wanted, in order.
    pub order: u64,
}

/// What is to be said of a subscription next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    #[default]
    None,
    /// `on`.
    On,
    /// `off`.
    Off,
    /// `off`, once `on` is answered.
    OffWhenAnswered,
}

/// A subscription by its place and by what tells it from those that had this place before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub at: usize,
    pub order: u64,
}

impl Entry {
    /// A subscription that is wanted.
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

    /// Where it stands, for who is told. It is told with that.
    pub fn change(&mut self) -> SubscriptionChange {
        self.is_untold = false;
        SubscriptionChange {
            key: Arc::clone(self.key()),
            state: self.state,
            text: self.text.clone(),
        }
    }

    /// Whether both ask for the same in the same words.
    pub fn is_of(&self, declared: &Arc<DeclaredSubscription>) -> bool {
        Arc::ptr_eq(&self.declared, declared)
            || (self.declared.item == declared.item && self.declared.words == declared.words)
    }

    /// Of the socket that is gone nothing is left but whether it was active there, and what was captured of it.
    pub fn forget_socket(&mut self) {
        let was_carried = self.is_carried && self.state == SubscriptionState::Wanted;
        let was_active = self.state == SubscriptionState::Active || was_carried;
        *self = Self {
            is_carried: was_active,
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
