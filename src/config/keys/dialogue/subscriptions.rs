//! `subscriptions`, and a fleet's `spread`.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::WordsTable;
use crate::config::{
    read::{
        Context, Item, Keys, Node, Place, Problem, Read, Value, backticked, similar, table_schema,
        unknown_key,
    },
    values::{Written, has_holes},
};
use everwire_proto::settings::dialogue::{MAX_SUBSCRIPTION_KEY, MAX_SUBSCRIPTIONS};

/// The help for a table that is not one of the forms of a subscription.
const UNDER_ITEM: &str = "an item that is a table stands under `item`: { item = { … } }";

/// The subscriptions of a connection, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Subscriptions {
    pub items: Vec<Item<SubscriptionLayer>>,
    /// Whether they are a list, which a nearer layer replaces.
    is_list: bool,
}

/// A subscription under its key.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum SubscriptionLayer {
    /// A text of a list: both key and item.
    Text(Written),
    /// An item.
    Item(Node),
    /// A table: an item, and overrides of `subscribe`.
    Long(Box<LongForm>),
}

/// The long form of a subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct LongForm {
    /// The item; without it the key is the item.
    pub item: Option<Node>,
    /// The overrides of `subscribe` for this key.
    pub words: WordsTable,
}

/// `spread`: texts that the names of a fleet share.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Spread(pub Vec<Written>);

impl Subscriptions {
    /// Adds texts of a list.
    pub fn extend(&mut self, texts: impl IntoIterator<Item = Written>) {
        self.items.extend(texts.into_iter().map(of_text));
    }

    /// The long forms.
    pub fn long_forms(&self) -> impl Iterator<Item = &LongForm> {
        self.items.iter().filter_map(|item| match &item.value {
            SubscriptionLayer::Long(long) => Some(&**long),
            SubscriptionLayer::Text(_) | SubscriptionLayer::Item(_) => None,
        })
    }
}

impl Read for Subscriptions {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Array(items) => Some(Self {
                items: read_texts(items, context)
                    .into_iter()
                    .map(of_text)
                    .collect(),
                is_list: true,
            }),
            Value::Table(entries) => {
                let mut items = Vec::with_capacity(entries.len());
                for entry in entries {
                    check_key(&entry.key, entry.place, context);
                    let value = SubscriptionLayer::read(&entry.node, context);
                    items.extend(value.map(|value| Item {
                        name: entry.key.clone(),
                        place: entry.place,
                        value,
                    }));
                }
                let is_list = false;
                Some(Self { items, is_list })
            }
            _ => context.wrong_type(node, "a list of texts, or a table of keys and their items"),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            Spread::schema(),
            {
                "type": "object",
                "additionalProperties": SubscriptionLayer::schema(),
                "maxProperties": MAX_SUBSCRIPTIONS,
            },
        ] })
    }

    fn overlay(&mut self, nearer: Self) {
        if self.is_list || nearer.is_list {
            *self = nearer;
            return;
        }
        let known = self.items.iter().zip(0..);
        let known: HashMap<String, usize> =
            known.map(|(item, at)| (item.name.clone(), at)).collect();
        for item in nearer.items {
            match known.get(&item.name).and_then(|at| self.items.get_mut(*at)) {
                Some(known) => {
                    known.value.overlay(item.value);
                    known.place = item.place;
                }
                None => self.items.push(item),
            }
        }
    }
}

impl Read for SubscriptionLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => LongForm::read(node, context).map(Box::new).map(Self::Long),
            _ => Some(Self::Item(node.clone())),
        }
    }

    fn schema() -> Json {
        let item = json!({ "type": ["string", "number", "boolean", "array"] });
        json!({ "anyOf": [item, LongForm::schema()] })
    }

    fn overlay(&mut self, nearer: Self) {
        match (self, nearer) {
            (Self::Long(long), Self::Long(nearer)) => long.overlay(*nearer),
            (this, nearer) => *this = nearer,
        }
    }
}

impl Read for LongForm {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table such as { item = …, on = '…' }");
        };
        let mut long = Self::default();
        for entry in entries {
            if entry.key == "item" {
                long.item = Some(entry.node.clone());
                continue;
            }
            if long.words.set(&entry.key, &entry.node, context) {
                continue;
            }
            match entry.key.as_str() {
                "batch" | "max" => {
                    let message = format!("{} cannot be set for one key", backticked(&entry.key));
                    context.wrong(entry.place, message, "write it in `subscribe`");
                }
                key if similar(key, Self::names()).is_some() => {
                    let known = [&["item"][..], WordsTable::NAMES];
                    unknown_key(key, entry.place, &known, &[], context);
                }
                key => {
                    let message =
                        format!("unknown key {}: a table is the long form", backticked(key));
                    context.wrong(entry.place, message, UNDER_ITEM);
                }
            }
        }
        Some(long)
    }

    fn schema() -> Json {
        let mut schema = table_schema::<WordsTable>();
        let mut properties: Map<String, Json> = WordsTable::properties();
        // `subscribe` has the defaults for the missing keys.
        for property in properties.values_mut().filter_map(Json::as_object_mut) {
            property.remove("default");
        }
        let about = "The item: any value. Expressions in its strings are filled. Without it the key is the item.";
        properties.insert("item".into(), json!({ "description": about }));
        schema["properties"] = properties.into();
        schema
    }

    fn overlay(&mut self, nearer: Self) {
        if nearer.item.is_some() {
            self.item = nearer.item;
        }
        self.words.overlay(nearer.words);
    }
}

impl LongForm {
    fn names() -> impl Iterator<Item = &'static str> {
        ["item"]
            .into_iter()
            .chain(WordsTable::NAMES.iter().copied())
    }
}

impl Read for Spread {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "a list of texts, which the names share");
        };
        Some(Self(read_texts(items, context)))
    }

    fn schema() -> Json {
        json!({
            "type": "array",
            "items": { "type": "string", "minLength": 1, "maxLength": MAX_SUBSCRIPTION_KEY },
        })
    }
}

/// A text of a list is key and item.
fn of_text(text: Written) -> Item<SubscriptionLayer> {
    let name = match has_holes(&text.text) {
        true => text.text.clone(),
        false => text.text.replace("$${", "${"),
    };
    Item {
        name,
        place: text.place,
        value: SubscriptionLayer::Text(text),
    }
}

fn read_texts(items: &[Node], context: &mut Context<'_>) -> Vec<Written> {
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        let Value::String(text) = &item.value else {
            let message = format!("expected a text, found {}", item.describe());
            let help = "in a list the text is key and item; others stand in a table: subscriptions = { KEY = { item = … } }";
            context
                .problems
                .push(Problem::new(item.place, message).help(help));
            continue;
        };
        check_key(text, item.place, context);
        texts.push(Written {
            text: text.clone(),
            place: item.place,
        });
    }
    texts
}

/// Reports errors of a key.
pub(in crate::config) fn check_key(key: &str, place: Place, context: &mut Context<'_>) {
    if key.is_empty() {
        context.wrong(place, "the key is empty", "write at least one character");
    } else if key.len() > MAX_SUBSCRIPTION_KEY {
        let message = format!("the key has {} bytes", key.len());
        let help = format!(
            "at most {MAX_SUBSCRIPTION_KEY} are allowed: a long item has a short key, as in subscriptions = {{ KEY = {{ item = … }} }}"
        );
        context.wrong(place, message, help);
    } else if key.contains(char::is_control) {
        let message = format!("the key {} has a control character", backticked(key));
        context.wrong(place, message, "write printable text");
    }
}
