//! The subscriptions of a conversation: their messages and their holders.

use std::{collections::HashMap, sync::Arc};

use everwire_proto::{
    dialogue::{
        AwaitedSubscriptions, ComposedSubscription, Conversation, HoldRefused, Holder, Reply,
        SubscriptionChange, SubscriptionCounts, SubscriptionState, SubscriptionStatus,
    },
    settings::dialogue::{DeclaredSubscription, Dialogue},
};

use super::{LiveConversation, Surroundings, engine::Engine};
use crate::{
    core::Message,
    settings::{ConnectionSettings, RateSettings},
};

impl LiveConversation {
    /// A protocol in code has no subscriptions.
    fn subscribing(&self) -> Option<&Conversation> {
        match &self.engine {
            Engine::Declared(conversation) => Some(conversation),
            Engine::Custom(_) => None,
        }
    }

    fn subscribing_mut(&mut self) -> Option<&mut Conversation> {
        match &mut self.engine {
            Engine::Declared(conversation) => Some(conversation),
            Engine::Custom(_) => None,
        }
    }

    /// The dialogue, if it says how to subscribe.
    pub fn subscribing_dialogue(&self) -> Option<&Arc<Dialogue>> {
        let dialogue = self.subscribing()?.dialogue();
        dialogue.subscribe.is_some().then_some(dialogue)
    }

    /// A holder wants a subscription.
    pub fn hold_subscription(
        &mut self,
        declared: &Arc<DeclaredSubscription>,
        holder: Holder,
        at: Surroundings<'_>,
    ) -> Result<(), HoldRefused> {
        let here = at.here(self.is_handover());
        match &mut self.engine {
            Engine::Declared(it) => {
                it.hold_subscription(declared, holder, &here, &mut self.replies.open())
            }
            Engine::Custom(_) => Err(HoldRefused::NoSubscribe),
        }
    }

    /// A holder releases a subscription. `true` if nobody holds it any more.
    pub fn release_subscription(
        &mut self,
        key: &str,
        holder: Holder,
        at: Surroundings<'_>,
    ) -> bool {
        let here = at.here(self.is_handover());
        match &mut self.engine {
            Engine::Declared(it) => {
                it.release_subscription(key, holder, &here, &mut self.replies.open())
            }
            Engine::Custom(_) => false,
        }
    }

    /// Asks again for failed subscriptions at once. Returns their number.
    pub fn retry_subscriptions(&mut self, at: Surroundings<'_>) -> usize {
        let here = at.here(self.is_handover());
        match &mut self.engine {
            Engine::Declared(it) => it.retry_subscriptions(&here, &mut self.replies.open()),
            Engine::Custom(_) => 0,
        }
    }

    /// The dialogue stays the same, but the settings may subscribe to other keys.
    pub fn declare_subscriptions(&mut self, settings: &ConnectionSettings, at: Surroundings<'_>) {
        let here = at.here(self.is_handover());
        if let (Engine::Declared(it), Some(dialogue)) = (&mut self.engine, &settings.dialogue)
            && !Arc::ptr_eq(it.dialogue(), dialogue)
        {
            it.declare_subscriptions(dialogue, &here, &mut self.replies.open());
        }
    }

    /// All subscriptions.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let conversation = self.subscribing();
        conversation.map_or_else(Vec::new, Conversation::subscriptions)
    }

    /// The subscription with this key.
    pub fn subscription(&self, key: &str) -> Option<SubscriptionStatus> {
        self.subscribing()?.subscription(key)
    }

    /// Replaces the text of a subscription by one with the dial's secrets masked.
    pub fn redact_subscription(&mut self, key: &str, text: &str) {
        if let Some(conversation) = self.subscribing_mut() {
            conversation.redact_subscription(key, text);
        }
    }

    /// The number of subscriptions by state.
    pub fn subscription_counts(&self) -> Option<SubscriptionCounts> {
        self.subscribing()?.subscription_counts()
    }

    /// The subscriptions that must be answered before the name is ready.
    pub fn awaited_subscriptions(&self) -> Option<AwaitedSubscriptions> {
        self.subscribing()?.awaited_subscriptions()
    }

    /// The rates that the next subscription message waits for besides the connection's, and whether
    /// it is a call, which is not a message of the connection.
    pub fn subscription_rates(&mut self) -> (Vec<RateSettings>, bool) {
        match self.subscribing_mut() {
            Some(it) => (it.subscription_rates().to_vec(), it.subscription_calls()),
            None => Default::default(),
        }
    }

    /// The next subscription message.
    pub fn compose_subscription(&mut self, at: Surroundings<'_>) -> Option<ComposedSubscription> {
        let here = at.here(self.is_handover());
        match &mut self.engine {
            Engine::Declared(it) => it.compose_subscription(&here, &mut self.replies.open()),
            Engine::Custom(_) => None,
        }
    }

    /// The kernel has this many subscription messages.
    pub fn subscriptions_written(&mut self, messages: u16, at: Surroundings<'_>) {
        let here = at.here(self.is_handover());
        if let (Engine::Declared(it), true) = (&mut self.engine, messages > 0) {
            it.subscriptions_written(u64::from(messages), &here, &mut self.replies.open());
        }
    }

    /// Whether the next subscription message may be written: one more answer may be awaited.
    pub fn has_place_for_subscription(&self) -> bool {
        self.subscribing()
            .is_none_or(Conversation::has_place_for_subscription)
    }

    /// The conversation belongs to another dialogue: publishes the subscriptions whose state
    /// differs from `before`.
    pub fn tell_subscriptions(&mut self, before: &[SubscriptionStatus]) {
        let before: HashMap<&str, SubscriptionState> =
            before.iter().map(|it| (&*it.key, it.state)).collect();
        for SubscriptionStatus {
            key, state, text, ..
        } in self.subscriptions()
        {
            let was = before.get(&*key).copied();
            if was.unwrap_or(SubscriptionState::Wanted) != state {
                let text = text.map(Into::into);
                let change = SubscriptionChange { key, state, text };
                self.replies
                    .open()
                    .push(Reply::Subscription(Box::new(change)));
            }
        }
    }

    /// The socket is gone: each subscription is wanted again.
    pub fn forget_subscribed(&mut self) {
        if let Some(conversation) = self.subscribing_mut() {
            conversation.forget_subscribed();
        }
    }

    /// The subscription of a message.
    pub fn subscription_of(&self, message: &Message) -> Option<Arc<str>> {
        self.subscribing()?.subscription_of(message)
    }
}
