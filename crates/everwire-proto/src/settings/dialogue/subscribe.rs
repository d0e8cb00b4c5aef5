//! Subscriptions: what is asked of the peer key by key, without another socket.

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

/// The longest item, in bytes: as it is written, and filled.
pub const MAX_ITEM: usize = 64 << 10;

/// The longest key, in bytes.
pub const MAX_SUBSCRIPTION_KEY: usize = 1 << 10;

/// So many different answers are expected at most for the keys of a name: a message is looked at for each of them that waits.
pub const MAX_EXPECTED: usize = 64;

/// How a name subscribes, and what it subscribes to from the start: `subscribe` and `subscriptions`.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscribeSettings {
    /// What is said and expected for each key that does not say so itself.
    pub words: Arc<SubscriptionWords>,
    /// What the settings themselves subscribe to, in order. Other ones need no other socket.
    pub declared: Vec<Arc<DeclaredSubscription>>,
    /// The most subscriptions, those of callers among them.
    pub max: NonZeroU32,
}

/// What is said and expected for a key: `subscribe`, or the long form of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionWords {
    /// What subscribes; `None`: nothing is sent, and the key is active once its turn has come.
    pub on: Option<Asking>,
    /// What ends a subscription; `None`: nothing is sent.
    pub off: Option<Asking>,
    /// What says that the peer has taken it; `None`: it has, once `on` is written, or its HTTP answer is 2xx.
    pub ack: Option<Expression>,
    /// What says that the peer has not taken it.
    pub fail: Option<Expression>,
    /// What says that the peer has ended it.
    pub end: Option<Expression>,
    /// `if`: whether it is subscribed to on a socket at all.
    pub condition: Option<Expression>,
    /// How long `ack` may take from when `on` was written.
    pub within: Duration,
    /// How many keys go into one `on` or `off`.
    pub batch: NonZeroU32,
    /// The buckets, each with a key, that `on` and `off` wait for: all at once, and besides those of the connection.
    pub rate: Vec<RateSettings>,
    /// What is kept of what `ack` holds for: for each key its own.
    pub capture: Vec<Capture>,
    /// How messages are found that belong to a key.
    pub route: Option<Route>,
    /// The pointers of these words, where they were compiled beside a dialogue that runs: those of the dialogue, and behind them their own.
    /// `None`: those of the dialogue are all.
    pub own_pointers: Option<Box<PointerSet>>,
}

/// What is sent to subscribe, or to end that.
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
    /// Where a message has that.
    pub json: Slot,
    /// What a message needs that has something there.
    pub need: Need,
    /// What stands there, for each key.
    pub id: MessageTemplate,
}

/// A subscription that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredSubscription {
    /// What it is known by.
    pub key: Arc<str>,
    /// What is asked for.
    pub item: SubscriptionItem,
    /// What is said and expected for it; `None`: what `subscribe` says.
    pub words: Option<Arc<SubscriptionWords>>,
}

/// What a subscription asks for. It is filled when it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionItem {
    /// A text.
    Text(MessageTemplate),
    /// A JSON value, as a template of all of it. One without holes is the JSON itself.
    Json(MessageTemplate),
}

impl SubscribeSettings {
    /// What these words say, of nothing yet.
    pub fn new(words: SubscriptionWords) -> Self {
        Self {
            words: Arc::new(words),
            declared: Vec::new(),
            max: MAX_SUBSCRIPTIONS,
        }
    }

    /// The words of `subscribe`, and those that keys have of their own.
    pub fn all_words(&self) -> impl Iterator<Item = &SubscriptionWords> {
        let own = self.declared.iter();
        let own = own.filter_map(|declared| declared.words.as_deref());
        std::iter::once(&*self.words).chain(own)
    }

    /// Its expressions.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.all_words().flat_map(SubscriptionWords::expressions)
    }

    /// Its templates.
    pub(super) fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let items = self
            .declared
            .iter()
            .map(|declared| declared.item.template());
        let words = self.all_words().flat_map(SubscriptionWords::templates);
        words.chain(items)
    }

    /// What it needs of a message.
    pub(super) fn need(&self) -> Need {
        let words = self.all_words().map(SubscriptionWords::need);
        words.fold(Need::Nothing, Need::or)
    }

    /// Whether both say and expect the same, of whatever: what is declared can change on a socket, and so can the numbers of a bucket.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.max == other.max && self.words.says_the_same(&other.words)
    }
}

impl SubscriptionWords {
    /// From `on` to `ack`, unless the settings say otherwise.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// Its expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let conditions = [&self.ack, &self.fail, &self.end, &self.condition];
        let captures = self.capture.iter().flat_map(Capture::expressions);
        conditions.into_iter().flatten().chain(captures)
    }

    /// Its templates: what it sends, and how the peer names what it subscribes to.
    pub fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let asked = [&self.on, &self.off].into_iter().flatten();
        let route = self.route.iter().map(|route| &route.id);
        asked.flat_map(Asking::templates).chain(route)
    }

    /// What it needs of a message. Where `on` is an HTTP request, `ack`, `fail` and `capture` look at no message.
    pub fn need(&self) -> Need {
        let of = |condition: &Expression| condition.need().clone();
        let route = self.route.iter().map(|route| route.need.clone());
        let always = self.end.iter().map(of).chain(route);
        let need = always.fold(Need::Nothing, Need::or);
        if self.is_http() {
            return need;
        }
        let answers = [&self.ack, &self.fail].into_iter().flatten().map(of);
        // Only what `ack` holds for is captured, and what is captured may stand anywhere in it.
        let looks = self.capture.iter().any(Capture::looks_into_message);
        let is_blind = |ack: &Expression| !ack.looks_into_message();
        match looks && self.ack.as_ref().is_some_and(is_blind) {
            true => Need::Everything,
            false => answers.fold(need, Need::or),
        }
    }

    /// Whether `on` is an HTTP request: then `ack`, `fail` and `capture` look at its answer.
    pub fn is_http(&self) -> bool {
        matches!(self.on, Some(Asking::Http(_)))
    }

    /// Whether both expect the same of what comes, whatever they send: one look at a message serves both.
    pub fn expects_the_same(&self, other: &Self) -> bool {
        self.ack == other.ack
            && self.fail == other.fail
            && self.end == other.end
            && self.capture == other.capture
            && self.route == other.route
            && self.own_pointers == other.own_pointers
            && self.is_http() == other.is_http()
    }

    /// Whether both say and expect the same. Other numbers of a bucket change nothing about that: the bucket knows them.
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
    /// Words that say nothing.
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
    /// What is filled when it is sent.
    pub fn templates(&self) -> Vec<&MessageTemplate> {
        match self {
            Self::Send(sending) => sending.template().into_iter().collect(),
            Self::Http(request) => request.templates(),
        }
    }
}

impl Route {
    /// The route of what stands at `json`. `pointers` are those of the dialogue, or of the words that are compiled beside it.
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
