//! Subscriptions: keys that the peer is asked for on the same socket.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::{Capture, HttpRequest, Sending};
use crate::{
    language::{
        Expression, MessageTemplate, Need,
        json::{JsonPointer, PointerSet, Slot, write_quoted},
    },
    settings::RateSettings,
};

/// The most subscriptions of a name.
pub const MAX_SUBSCRIPTIONS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// The longest item in bytes, as written and as rendered.
pub const MAX_ITEM: usize = 64 << 10;

/// The longest key, in bytes.
pub const MAX_SUBSCRIPTION_KEY: usize = 1 << 10;

/// The most different expectations among the keys of a name: a message is checked against each one
/// that waits.
pub const MAX_EXPECTED: usize = 64;

/// How a name subscribes, and its initial subscriptions: `subscribe` and `subscriptions`.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscribeSettings {
    /// The messages and expectations for keys without their own.
    pub words: Arc<SubscriptionWords>,
    /// The subscriptions of the settings, in order. Changing them needs no other socket.
    pub declared: Vec<Arc<DeclaredSubscription>>,
    /// The most subscriptions, including those of callers.
    pub max: NonZeroU32,
}

/// The messages and expectations for a key: `subscribe`, or the long form of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionWords {
    /// The request to subscribe; `None`: nothing is sent, and the key is active once its turn has
    /// come.
    pub on: Option<Asking>,
    /// The request that ends a subscription; `None`: nothing is sent.
    pub off: Option<Asking>,
    /// The peer's acceptance; `None`: it counts as accepted once `on` is written, or its HTTP
    /// answer is 2xx.
    pub ack: Option<Expression>,
    /// The peer's refusal.
    pub fail: Option<Expression>,
    /// The end of the subscription by the peer.
    pub end: Option<Expression>,
    /// `if`: whether it is subscribed to on a socket at all.
    pub condition: Option<Expression>,
    /// The time limit for `ack`, from when `on` was written.
    pub within: Duration,
    /// How many keys go into one `on` or `off`.
    pub batch: NonZeroU32,
    /// The buckets, each with a key, that `on` and `off` wait for: all at once, and besides those
    /// of the connection.
    pub rate: Vec<RateSettings>,
    /// Captures from the message that `ack` accepts, separately for each key.
    pub capture: Vec<Capture>,
    /// How the messages of a key are recognised.
    pub route: Option<Route>,
    /// The pointers of this value, if it was compiled beside a running dialogue: those of the
    /// dialogue, followed by its own. `None`: only those of the dialogue.
    pub own_pointers: Option<Box<PointerSet>>,
}

/// A request to subscribe, or to end a subscription.
#[derive(Clone, Debug, PartialEq)]
pub enum Asking {
    /// A message.
    Send(Sending),
    /// An HTTP request.
    Http(HttpRequest),
}

/// How the peer names a subscription in its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Where a message names it.
    pub json: Slot,
    /// What a message with such a name must contain.
    pub need: Need,
    /// The name of each key.
    pub id: MessageTemplate,
}

/// A declared subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredSubscription {
    /// Its key.
    pub key: Arc<str>,
    /// What it asks for.
    pub item: SubscriptionItem,
    /// Its own messages and expectations; `None`: those of `subscribe`.
    pub words: Option<Arc<SubscriptionWords>>,
}

/// The item of a subscription. It is rendered when it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionItem {
    /// A text.
    Text(MessageTemplate),
    /// A JSON value, as a template of the whole text. Without holes it is the JSON itself.
    Json(MessageTemplate),
}

impl SubscribeSettings {
    /// Settings with these messages and expectations, without subscriptions.
    pub fn new(words: SubscriptionWords) -> Self {
        Self {
            words: Arc::new(words),
            declared: Vec::new(),
            max: MAX_SUBSCRIPTIONS,
        }
    }

    /// The words of `subscribe`, and those of single keys.
    pub fn all_words(&self) -> impl Iterator<Item = &SubscriptionWords> {
        let own = self.declared.iter();
        let own = own.filter_map(|declared| declared.words.as_deref());
        std::iter::once(&*self.words).chain(own)
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.all_words().flat_map(SubscriptionWords::expressions)
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let items = self
            .declared
            .iter()
            .map(|declared| declared.item.template());
        let words = self.all_words().flat_map(SubscriptionWords::templates);
        words.chain(items)
    }

    /// What it needs to find in a message.
    pub(super) fn need(&self) -> Need {
        let words = self.all_words().map(SubscriptionWords::need);
        words.fold(Need::Nothing, Need::or)
    }

    /// Whether both have the same messages and expectations. Declared subscriptions and numbers of
    /// a bucket do not matter: they can change on an open socket.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.max == other.max && self.words.says_the_same(&other.words)
    }
}

impl SubscriptionWords {
    /// The default time limit from `on` to `ack`.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// All expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let conditions = [&self.ack, &self.fail, &self.end, &self.condition];
        let captures = self.capture.iter().flat_map(Capture::expressions);
        conditions.into_iter().flatten().chain(captures)
    }

    /// All templates: the requests, and the names by which the peer refers to subscriptions.
    pub fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let asked = [&self.on, &self.off].into_iter().flatten();
        let route = self.route.iter().map(|route| &route.id);
        asked.flat_map(Asking::templates).chain(route)
    }

    /// What it needs to find in a message. If `on` is an HTTP request, `ack`, `fail` and `capture`
    /// do not read messages.
    pub fn need(&self) -> Need {
        let of = |condition: &Expression| condition.need().clone();
        let route = self.route.iter().map(|route| route.need.clone());
        let always = self.end.iter().map(of).chain(route);
        let need = always.fold(Need::Nothing, Need::or);
        if self.is_http() {
            return need;
        }
        let answers = [&self.ack, &self.fail].into_iter().flatten().map(of);
        // Captures come only from the accepting message, and may be anywhere in it.
        let looks = self.capture.iter().any(Capture::looks_into_message);
        let is_blind = |ack: &Expression| !ack.looks_into_message();
        match looks && self.ack.as_ref().is_some_and(is_blind) {
            true => Need::Everything,
            false => answers.fold(need, Need::or),
        }
    }

    /// Whether `on` is an HTTP request: then `ack`, `fail` and `capture` read its answer.
    pub fn is_http(&self) -> bool {
        matches!(self.on, Some(Asking::Http(_)))
    }

    /// Whether both have the same expectations, whatever they send: one check of a message then
    /// serves both.
    pub fn expects_the_same(&self, other: &Self) -> bool {
        self.ack == other.ack
            && self.fail == other.fail
            && self.end == other.end
            && self.capture == other.capture
            && self.route == other.route
            && self.own_pointers == other.own_pointers
            && self.is_http() == other.is_http()
    }

    /// Whether both have the same messages and expectations. Numbers of a bucket do not matter: the
    /// bucket has them.
    pub fn says_the_same(&self, other: &Self) -> bool {
        fn buckets(words: &SubscriptionWords) -> impl Iterator<Item = Option<&str>> {
            words.rate.iter().map(|rate| rate.bucket.as_deref())
        }
        let unlimited = |words: &Self| Self {
            rate: Vec::new(),
            ..words.clone()
        };
        self == other || (buckets(self).eq(buckets(other)) && unlimited(self) == unlimited(other))
    }
}

impl Default for SubscriptionWords {
    /// Empty.
    fn default() -> Self {
        Self {
            on: None,
            off: None,
            ack: None,
            fail: None,
            end: None,
            condition: None,
            within: Self::WITHIN,
            batch: NonZeroU32::MIN,
            rate: Vec::new(),
            capture: Vec::new(),
            route: None,
            own_pointers: None,
        }
    }
}

impl Asking {
    /// The templates that are rendered when it is sent.
    pub fn templates(&self) -> Vec<&MessageTemplate> {
        match self {
            Self::Send(sending) => sending.template().into_iter().collect(),
            Self::Http(request) => request.templates(),
        }
    }
}

impl Route {
    /// A route by the value at `json`. `pointers` are those of the dialogue, or of what is compiled
    /// beside it.
    pub fn new(json: &JsonPointer, id: MessageTemplate, pointers: &mut PointerSet) -> Self {
        Self {
            json: pointers.insert(json),
            need: Need::of(json),
            id,
        }
    }
}

impl SubscriptionItem {
    /// The template.
    pub fn template(&self) -> &MessageTemplate {
        match self {
            Self::Text(template) | Self::Json(template) => template,
        }
    }

    /// The item as JSON, as it was written.
    pub fn as_written(&self) -> String {
        match self {
            Self::Text(template) => {
                let mut text = String::new();
                write_quoted(template.as_str(), &mut text);
                text
            }
            Self::Json(template) => template.to_string(),
        }
    }
}
