//! A caller's subscription on a running name.

use std::sync::Arc;

use everwire_proto::settings::dialogue::{DeclaredSubscription, Dialogue};
use serde_json::{Map, Value};

/// A caller's wish for a subscription: the body of a `PUT`.
///
/// An empty wish uses what the settings say about this key, or the key itself as the item, as in a
/// list of `subscriptions`.
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
    /// The item; `None`: as the settings say, or the key itself.
    pub item: Option<Value>,
    /// The other keys of the long form, as in the settings: `on`, `off`, `ack` and so on. Missing
    /// keys come from `subscribe`.
    pub words: Map<String, Value>,
}

/// What is wrong with a subscription that a caller wants, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSubscription(pub String);

/// Compiles a caller's wish into a subscription of a dialogue.
pub(crate) type CompileSubscription = fn(
    &Dialogue,
    &str,
    &SubscriptionWish,
) -> Result<Arc<DeclaredSubscription>, InvalidSubscription>;

impl SubscriptionWish {
    /// The wish of a long form: an object with `item` and the keys of `subscribe`.
    ///
    /// # Errors
    ///
    /// It is not an object.
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

    /// Its approximate memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        let words = self.words.iter();
        let words = words.map(|(name, value)| name.len() + size_of_value(value));
        words.sum::<usize>() + self.item.as_ref().map_or(0, size_of_value)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.item.is_none() && self.words.is_empty()
    }
}

/// The approximate memory of a value.
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
