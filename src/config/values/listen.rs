//! Addresses to listen on.

use std::net::SocketAddr;

use serde_json::{Value as Json, json};

use crate::config::read::{Context, Node, Read, Value, backticked, field};

/// Where the HTTP API listens.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Listen(pub SocketAddr);

field! { Listen => SocketAddr: |listen| listen.0 }

impl Read for Listen {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "an address such as \"127.0.0.1:9180\"");
        };
        let Ok(address) = text.parse::<SocketAddr>() else {
            context.wrong(
                node.place,
                format!("invalid listen address {}", backticked(text)),
                "write an IP address and a port: \"127.0.0.1:9180\" or \"[::1]:9180\"",
            );
            return None;
        };
        Some(Self(address))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": r"^.+:\d+$" })
    }
}
