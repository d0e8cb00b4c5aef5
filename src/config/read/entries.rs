//! Tables with free keys, which are merged key by key.

use serde_json::{Value as Json, json};

use super::{Context, Item, Node, Read, Value};

/// The pattern of a dialogue's names, for JSON Schema.
const NAME_PATTERN: &str = "^[a-z][A-Za-z0-9_]*$";

/// Values under names that the file chooses, in its order; inherited ones come first.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Entries<T>(pub Vec<Item<T>>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Read> Read for Entries<T> {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table of names");
        };
        let items = entries.iter().filter_map(|entry| {
            T::read(&entry.node, context).map(|value| Item {
                name: entry.key.clone(),
                place: entry.place,
                value,
            })
        });
        Some(Self(items.collect()))
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": { "pattern": NAME_PATTERN },
            "additionalProperties": T::schema(),
        })
    }

    fn overlay(&mut self, nearer: Self) {
        for item in nearer.0 {
            match self.0.iter_mut().find(|known| known.name == item.name) {
                Some(known) => {
                    known.value.overlay(item.value);
                    known.place = item.place;
                }
                None => self.0.push(item),
            }
        }
    }
}
