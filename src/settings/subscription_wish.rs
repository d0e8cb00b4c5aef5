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

    /// What it takes in memory, nearly, in bytes.
    pub(crate) fn size(&self) -> usize {
        let words = self.words.iter();
        let words = words.map(|(name, value)| name.len() + size_of_value(value));
        words.sum::<usize>() + self.item.as_ref().map_or(0, size_of_value)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.item.is_none() && self.words.is_empty()
    }
}

/// What a value takes, nearly: what it says, and its places.
fn size_of_value(value: &Value) -> usize {
    let said = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size_of_value).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| size_of::<String>() + name.len() + size_of_value(value))
            .sum(),
    };
    size_of::<Value>() + said
}
