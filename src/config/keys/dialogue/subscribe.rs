//! `subscribe`: the messages and expectations of subscriptions.

use serde_json::{Map, Value as Json, json};

use super::{super::RateKeys, CaptureLayer, HttpTable, SendLayer};
use crate::config::{
    read::{Context, Entries, Keys, Located, Node, Read, Value, table, table_schema, unknown_key},
    values::{Count, ExpressionText, MaxSubscriptions, Pointer, TemplateText, Timeout},
};

table! {
    /// How a subscription is asked for and answered. `key`, `item`, `items` and `id` are names in
    /// all of it; `on_id` is the number under which it was asked for.
    #[derive(PartialEq)]
    pub(in crate::config) struct WordsTable {
        /// The message that asks for it, or { http = { … } }. `${item}` is one item, `${items}` a
        /// JSON array of up to `batch`.
        on: AskLayer,
        /// The message that ends it, or { http = { … } }.
        off: AskLayer,
        /// The message that confirms it. Without it a subscription is active once it is written; an
        /// HTTP request must be answered with 2xx.
        ack: ExpressionText,
        /// The message that refuses it.
        fail: ExpressionText,
        /// A message on the socket by which the server ends it.
        end: ExpressionText,
        /// The time limit for the answer, from when it was written.
        within: Timeout = "10s",
        /// Whether it is asked for at all on this socket. A subscription that is left out counts as
        /// active.
        condition as "if": ExpressionText,
        /// The KEY of a bucket in [rates] that it waits for, besides the connection's rate; or
        /// several at once.
        rate: RateKeys,
        /// Values that are captured from the answer, separately for each subscription.
        capture: Entries<CaptureLayer>,
        /// How its messages are recognised.
        route: RouteTable,
    }
}

table! {
    /// Limits: how many at once, and how many in total.
    #[derive(PartialEq)]
    pub(in crate::config) struct LimitsTable {
        /// How many items go into one message, as `${items}`.
        batch: Count = 1,
        /// The most subscriptions of the connection, including those that come over the API.
        max: MaxSubscriptions = 10000,
    }
}

table! {
    /// How the messages of a subscription are recognised.
    #[derive(PartialEq)]
    pub(in crate::config) struct RouteTable {
        /// Where a message names its subscription, as a JSON Pointer (RFC 6901): "/stream".
        json: Pointer,
        /// The value there for a subscription: "${item}", "${on_id}", or a capture from its answer.
        id: TemplateText,
    }
}

table! {
    /// A subscription by HTTP.
    pub(in crate::config) struct AskTable {
        /// The request.
        http: HttpTable,
    }
}

/// `subscribe`: its messages and expectations, and its limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct SubscribeLayer {
    pub limits: LimitsTable,
    pub words: WordsTable,
}

/// How a subscription is asked for or ended: a message, or an HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum AskLayer {
    Send(SendLayer),
    Http(Box<Located<HttpTable>>),
}

impl AskLayer {
    /// The HTTP request, if it is one.
    pub fn http(&self) -> Option<&HttpTable> {
        match self {
            Self::Send(_) => None,
            Self::Http(http) => Some(&http.value),
        }
    }
}

impl WordsTable {
    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The requests of `on` and `off`.
    pub fn requests(&self) -> impl Iterator<Item = &HttpTable> {
        let asks = self.on.iter().chain(&self.off);
        asks.filter_map(|ask| ask.value.http())
    }
}

impl Read for SubscribeLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table such as { on = '…', ack = '…' }");
        };
        let mut layer = Self::default();
        for entry in entries {
            let is_known = layer.limits.set(&entry.key, &entry.node, context)
                || layer.words.set(&entry.key, &entry.node, context);
            if !is_known {
                let known = [WordsTable::NAMES, LimitsTable::NAMES];
                unknown_key(&entry.key, entry.place, &known, &[], context);
            }
        }
        Some(layer)
    }

    fn schema() -> Json {
        let mut schema = table_schema::<WordsTable>();
        let mut properties: Map<String, Json> = WordsTable::properties();
        properties.extend(LimitsTable::properties());
        schema["properties"] = properties.into();
        schema
    }

    fn overlay(&mut self, nearer: Self) {
        self.limits.overlay(nearer.limits);
        self.words.overlay(nearer.words);
    }
}

impl Read for AskLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let is_http = match &node.value {
            Value::Table(entries) => entries.iter().any(|entry| entry.key == "http"),
            Value::String(_) => false,
            _ => {
                return context.wrong_type(
                    node,
                    "a text, { text = \"…\" }, { base64 = \"…\" }, { bytes = \"…\" } or { http = { url = \"https://…\" } }",
                );
            }
        };
        match is_http {
            true => AskTable::read(node, context)?
                .http
                .map(Box::new)
                .map(Self::Http),
            false => SendLayer::read(node, context).map(Self::Send),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [SendLayer::schema(), table_schema::<AskTable>()] })
    }
}
