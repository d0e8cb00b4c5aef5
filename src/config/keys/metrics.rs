//! `service.metrics`.

use std::net::SocketAddr;

use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Node, Read, Value, field, table},
    values::{Limit, Listen},
};
use crate::settings::MetricsSettings;

table! {
    /// The address and the size of the metrics.
    pub(in crate::config) struct MetricsTable => MetricsSettings {
        /// A separate IP address and port; "" is that of the API.
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

field! { MetricsListen => Option<SocketAddr>: |listen| listen.0.map(|listen| listen.0) }

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
