//! Tokens of HTTP (RFC 9110 §5.6.2).

use serde_json::{Value as Json, json};

use super::Text;
use crate::config::read::{Context, Located, Node, Read, Value, backticked};

/// Whether a text is a token: a header's name, a subprotocol.
pub(in crate::config) fn is_token(text: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(tchar)
}

/// Subprotocols, none twice (RFC 6455 §4.1).
#[derive(Clone, Debug)]
pub(in crate::config) struct Subprotocols(pub Vec<String>);

impl Read for Subprotocols {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of subprotocols");
        };
        let mut list: Vec<String> = Vec::new();
        for item in items {
            let Some(Located {
                value: Text(text),
                place,
            }) = Located::<Text>::read(item, context)
            else {
                continue;
            };
            if !is_token(&text) {
                context.wrong(
                    place,
                    format!("{} is no subprotocol", backticked(&text)),
                    "it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)",
                );
            } else if list.contains(&text) {
                let message = format!("the subprotocol {} comes twice", backticked(&text));
                context.wrong(
                    place,
                    message,
                    "offer each subprotocol once, the best first",
                );
            } else {
                list.push(text);
            }
        }
        Some(Self(list))
    }

    fn schema() -> Json {
        json!({
            "type": "array",
            "items": { "type": "string", "pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" },
            "uniqueItems": true,
        })
    }
}
