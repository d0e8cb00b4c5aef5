//! `service.metrics`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Located, Node, Read, Value, table},
    values::{Limit, Listen},
};
use crate::settings::MetricsSettings;

table! {
    /// Where metrics are read, and how many.
    pub(in crate::config) struct MetricsTable {
        /// An IP address and port of their own; "" is that of the API.
        listen: MetricsListen = "",
        /// Whether a token is needed: one that may read all names.
        token: bool = false,
        /// How many names have series of their own.
        max_names: Limit = 10000,
    }
}

/// An address, or none.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct MetricsListen(pub Option<Listen>);

impl Read for MetricsListen {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::String(text) if text.is_empty() => Some(Self(None)),
            _ => Listen::read(node, context).map(|listen| Self(Some(listen))),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "" }, Listen::schema()] })
    }
}

impl MetricsTable {
    /// The settings: what is not written keeps its default.
    pub fn settings(&self) -> MetricsSettings {
        let defaults = MetricsSettings::default();
        let value = |limit: &Located<Limit>| limit.value.0 as usize;
        MetricsSettings {
            listen: self
                .listen
                .as_ref()
                .and_then(|listen| listen.value.0.map(|listen| listen.0)),
            token: self.token.as_ref().is_some_and(|token| token.value),
            max_names: self.max_names.as_ref().map_or(defaults.max_names, value),
        }
    }
}
