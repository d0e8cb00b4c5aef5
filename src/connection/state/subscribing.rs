//! The subscriptions of a name: those that callers hold, and all subscriptions on the current
//! socket.

use std::sync::Arc;

use everwire_proto::dialogue::{
    AwaitedSubscriptions, Holder, SubscriptionCounts, SubscriptionStatus,
};

use super::{
    ActorState,
    conversation::{Serving, Surroundings},
};
use crate::{
    clock,
    connection::{ConnectionGone, HoldError},
    core::Message,
    settings::{CompileSubscription, SubscriptionWish},
    transport::Secrets,
};

impl ActorState {
    /// A caller wants to hold a subscription.
    pub(in crate::connection) fn hold_subscription(
        &mut self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
        compile: CompileSubscription,
    ) -> Result<SubscriptionStatus, HoldError> {
        if holder == Holder::File {
            return Err(HoldError::HeldByFile);
        }
        let (outbox, memory) = (Arc::clone(&self.outbox), Arc::clone(&self.process.memory));
        let mut wishes = outbox.wishes();
        let held = self.with_serving(|serving, at| {
            let conversation = &mut serving.conversation;
            conversation.catch_up(&wishes, at);
            let dialogue = conversation.subscribing_dialogue();
            let dialogue = dialogue.ok_or(HoldError::NoSubscribe)?;
            let declared = compile(dialogue, key, &wish)?;
            wishes.reserve(key, &wish, &memory)?;
            if let Err(refused) = conversation.hold_subscription(&declared, holder, at) {
                wishes.settle();
                return Err(refused.into());
            }
            wishes.add(key, wish, holder, compile);
            conversation.knows(&wishes);
            let gone = HoldError::Gone(ConnectionGone::UNKNOWN);
            conversation.subscription(key).ok_or(gone)
        });
        self.wake();
        held.unwrap_or(Err(HoldError::NoSubscribe))
    }

    /// A caller releases a subscription. `true` if nobody holds it any more.
    pub(in crate::connection) fn release_subscription(
        &mut self,
        key: &str,
        holder: Holder,
    ) -> Result<bool, HoldError> {
        if holder == Holder::File {
            return Err(HoldError::HeldByFile);
        }
        let outbox = Arc::clone(&self.outbox);
        let mut wishes = outbox.wishes();
        let released = self.with_serving(|serving, at| {
            let conversation = &mut serving.conversation;
            conversation.catch_up(&wishes, at);
            let is_gone = conversation.release_subscription(key, holder, at);
            wishes.remove(key, holder);
            conversation.knows(&wishes);
            is_gone
        });
        if released.is_none() {
            // A later change of settings must not bring it back.
            wishes.remove(key, holder);
        }
        self.wake();
        released.ok_or(HoldError::NoSubscribe)
    }

    /// Whether a caller wants this key.
    pub(in crate::connection) fn wants_subscription(&self, key: &str, holder: Holder) -> bool {
        self.outbox.wishes().has(key, holder)
    }

    /// If callers' wishes have changed without the actor, the conversation learns them. `true` if
    /// there is more to do now.
    pub(in crate::connection) fn follow_wishes(&mut self) -> bool {
        if !self.outbox.take_wishes_changed() {
            return false;
        }
        let outbox = Arc::clone(&self.outbox);
        let wishes = outbox.wishes();
        self.with_serving(|serving, at| serving.conversation.catch_up(&wishes, at));
        self.turns.touch();
        true
    }

    /// Asks again for failed subscriptions. Returns their number.
    pub(in crate::connection) fn retry_subscriptions(&mut self) -> usize {
        let retried = self.with_serving(|serving, at| serving.conversation.retry_subscriptions(at));
        self.wake();
        retried.unwrap_or_default()
    }

    /// New settings with the same dialogue may subscribe to other keys, which changes them on the
    /// current socket.
    pub(in crate::connection) fn declare_subscriptions(&mut self) {
        let settings = Arc::clone(&self.settings);
        self.with_serving(|serving, at| {
            if serving.conversation.is_of(&settings) {
                serving.conversation.declare_subscriptions(&settings, at);
            }
        });
    }

    /// The current socket is gone: each subscription is wanted again.
    pub(in crate::connection) fn forget_subscribed(&mut self) {
        if let Some(serving) = &mut self.serving {
            serving.conversation.forget_subscribed();
        }
    }

    /// All of them.
    pub(in crate::connection) fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let conversation = self.conversation();
        conversation.map_or_else(Vec::new, |conversation| conversation.subscriptions())
    }

    /// The number of subscriptions by state; `None`: there is none.
    pub(in crate::connection) fn subscription_counts(&self) -> Option<SubscriptionCounts> {
        self.conversation()?.subscription_counts()
    }

    /// The subscriptions that must be answered before the name is ready.
    pub(in crate::connection) fn awaited_subscriptions(&self) -> Option<AwaitedSubscriptions> {
        self.conversation()?.awaited_subscriptions()
    }

    /// The subscription of a message, as far as the current socket knows.
    pub(in crate::connection) fn subscription_of(&self, message: &Message) -> Option<Arc<str>> {
        self.conversation()?.subscription_of(message)
    }

    /// Runs `work` on the conversation with its context, without the parts that only a dial reads.
    fn with_serving<T>(
        &mut self,
        work: impl FnOnce(&mut Serving, Surroundings<'_>) -> T,
    ) -> Option<T> {
        let wall = self.wall();
        let serving = self.serving.as_deref_mut()?;
        let nothing = Secrets::default();
        let at = Surroundings {
            name: &self.name,
            settings: &self.settings,
            secrets: &nothing,
            sequence: self.inbound.last_number(),
            wall,
            now: clock::now(),
        };
        Some(work(serving, at))
    }
}
