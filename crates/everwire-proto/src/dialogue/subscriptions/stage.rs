//! The conversation's part in subscriptions: its inputs and outputs.

use std::sync::Arc;

use super::{
    holder::Holder,
    refused::HoldRefused,
    shown::AwaitedSubscriptions,
    status::{SubscriptionCounts, SubscriptionStatus},
};
use crate::{
    core::Message,
    dialogue::{Conversation, here::Here, reply::Reply, surroundings::Seen},
    language::json::{Found, Spans},
    settings::{
        RateSettings,
        dialogue::{DeclaredSubscription, Dialogue},
    },
};

/// The next subscription message.
#[derive(Clone, Debug, PartialEq)]
pub struct ComposedSubscription {
    /// The message; `None`: it is a call, which was returned as [`Reply::Call`].
    pub message: Option<Message>,
    /// Whether another one can follow at once: it waits for the same rates.
    pub goes_on: bool,
}

impl Conversation {
    /// A holder wants a subscription. It stays across sockets as long as it has holders. Holding it
    /// again only asks again for a failed one.
    ///
    /// # Errors
    ///
    /// Why it is refused; nothing has changed then.
    pub fn hold_subscription(
        &mut self,
        declared: &Arc<DeclaredSubscription>,
        holder: Holder,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> Result<(), HoldRefused> {
        let mut parts = self.parts(here, out);
        let subscriptions = parts.subscriptions.as_mut();
        let subscriptions = subscriptions.ok_or(HoldRefused::NoSubscribe)?;
        subscriptions.hold(declared, holder, &mut parts.cx)?;
        parts.refresh();
        Ok(())
    }

    /// A holder releases a subscription. `true` if it has no holders any more; the peer is then
    /// told.
    pub fn release_subscription(
        &mut self,
        key: &str,
        holder: Holder,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> bool {
        let mut parts = self.parts(here, out);
        let Some(subscriptions) = &mut parts.subscriptions else {
            return false;
        };
        let is_gone = subscriptions.release(key, holder, &mut parts.cx);
        parts.refresh();
        is_gone
    }

    /// Asks again, at once, for each failed subscription. Returns their number.
    pub fn retry_subscriptions(&mut self, here: &Here<'_>, out: &mut Vec<Reply>) -> usize {
        let mut parts = self.parts(here, out);
        let subscriptions = parts.subscriptions.as_mut();
        let retried = subscriptions.map_or(0, |it| it.retry(&mut parts.cx));
        parts.refresh();
        retried
    }

    /// The dialogue is the same, but subscribes to other keys, which changes them on the open
    /// socket. See [`Dialogue::says_the_same`].
    pub fn declare_subscriptions(
        &mut self,
        dialogue: &Arc<Dialogue>,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) {
        self.dialogue = Arc::clone(dialogue);
        let mut parts = self.parts(here, out);
        if let Some(subscriptions) = &mut parts.subscriptions {
            subscriptions.declare(&mut parts.cx);
        }
        parts.refresh();
    }

    /// All subscriptions, in the order in which they were first wanted.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let subscriptions = self.subscriptions.as_ref();
        subscriptions.map_or_else(Vec::new, |it| it.statuses())
    }

    /// The subscription with this key.
    pub fn subscription(&self, key: &str) -> Option<SubscriptionStatus> {
        self.subscriptions.as_ref()?.status(key)
    }

    /// Replaces the text of a subscription's refusal or end: by one without the dial's secrets,
    /// which only the caller knows.
    pub fn redact_subscription(&mut self, key: &str, text: &str) {
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.redact(key, text);
        }
    }

    /// The number of subscriptions by state; `None`: there is none.
    pub fn subscription_counts(&self) -> Option<SubscriptionCounts> {
        let counts = self.subscriptions.as_ref()?.counts();
        (counts.total() > 0).then_some(counts)
    }

    /// The subscriptions that must be decided before the name is ready; `None`: none.
    pub fn awaited_subscriptions(&self) -> Option<AwaitedSubscriptions> {
        self.subscriptions.as_ref()?.awaited()
    }

    /// The buckets that the next subscription message waits for, besides those of the connection.
    pub fn subscription_rates(&mut self) -> &[RateSettings] {
        let subscriptions = self.subscriptions.as_mut();
        subscriptions.map_or(&[], |subscriptions| subscriptions.rates())
    }

    /// The next subscription message: its turn to be written has come. It takes its number now.
    /// `None`: there is none.
    pub fn compose_subscription(
        &mut self,
        here: &Here<'_>,
        out: &mut Vec<Reply>,
    ) -> Option<ComposedSubscription> {
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return None;
        }
        let subscriptions = parts.subscriptions.as_mut()?;
        let said = subscriptions.compose(&mut parts.cx);
        parts.refresh();
        said.map(|said| ComposedSubscription {
            message: said.message,
            goes_on: said.goes_on,
        })
    }

    /// Whether the next subscription message is a call.
    pub fn subscription_calls(&mut self) -> bool {
        self.subscriptions.as_mut().is_some_and(|it| it.calls())
    }

    /// The kernel has this many of the created subscription messages.
    pub fn subscriptions_written(&mut self, messages: u64, here: &Here<'_>, out: &mut Vec<Reply>) {
        let mut parts = self.parts(here, out);
        if !parts.script.is_live() {
            return;
        }
        if let Some(subscriptions) = &mut parts.subscriptions {
            subscriptions.written(messages, &mut parts.cx);
        }
        parts.refresh();
    }

    /// The socket is gone, by a loss or not: each subscription is wanted again.
    /// [`lost`](Self::lost) may follow.
    pub fn forget_subscribed(&mut self) {
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.forget_socket();
        }
    }

    /// Whether the limit of awaited answers allows the next subscription message.
    pub fn has_place_for_subscription(&self) -> bool {
        let subscriptions = self.subscriptions.as_ref();
        let awaits = || subscriptions.is_some_and(|subscriptions| subscriptions.awaits_place());
        self.dialogue.request.is_none() || self.has_place() || !awaits()
    }

    /// The subscription of a message, as far as this socket knows. It is not counted.
    pub fn subscription_of(&self, message: &Message) -> Option<Arc<str>> {
        let subscriptions = self.subscriptions.as_ref()?;
        let mut spans = Spans::default();
        let text = match message {
            Message::Text(text) => Some(&**text),
            Message::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        };
        let found = text.and_then(|text| self.dialogue.pointers.find(text, &mut spans));
        let found: Found<'_, '_> = found.unwrap_or_default();
        subscriptions.belongs_to(Seen { message, found })
    }
}
