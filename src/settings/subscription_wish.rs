//! A subscription that a caller wants of a name that runs.

use std::sync::Arc;

use everwire_proto::settings::dialogue::{DeclaredSubscription, Dialogue};
use serde_json::{Map, Value};

/// What a caller wants of a subscription: the body of a `PUT`.
///
/// By itself it says nothing: then the key is the item, as in a list of `subscriptions`; or what the settings say of this key.
///
/// ```
/// use everwire::SubscriptionWish;
/// use serde_json::json;
///
/// let wish = SubscriptionWish::from_json(&json!({ "item": { "channel": "trades" } }))?;
/// assert_eq!(wish.item, Some(json!({ "channel": "trades" })));
/// assert!(SubscriptionWish::from_json(&json!("trades")).is_err());
/// # Ok::<(), everwire::InvalidSubscription>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionWish {
    /// What is asked for; `None`: the key itself, or what the settings say of it.
    pub item: Option<Value>,
    /// The other keys of the long form, as they stand in the settings: `on`, `off`, `ack` and so on. Those that are not there are those of
    /// `subscribe`.
    pub words: Map<String, Value>,
}

/// What is wrong with a subscription that a caller wants, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSubscription(pub String);

/// Makes what a caller wants into what a dialogue can subscribe to.
pub(crate) type CompileSubscription = fn(
    &Dialogue,
    &str,
    &SubscriptionWish,
) -> Result<Arc<DeclaredSubscription>, InvalidSubscription>;

impl SubscriptionWish {
    /// That of a long form: an object with `item` and the keys of `subscribe`.
    ///
    /// # Errors
    ///
    /// It is no object.
    pub fn from_json(body: &Value) -> Result<Self, InvalidSubscription> {
        let Value::Object(body) = body else {
            let text = "invalid subscription: write an object, as {\"item\": \"trades\"}";
            return Err(InvalidSubscription(text.into()));
        };
        let mut words = body.clone();
        let item = words.remove("item").filter(|item| !item.is_null());
        Ok(Self { item, words })
    }

    /// A wish for this item.
    pub fn of(item: impl Into<Value>) -> Self {
        Self {
            item: Some(item.into()),
            words: Map::new(),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.item.is_none() && self.words.is_empty()
    }
}
