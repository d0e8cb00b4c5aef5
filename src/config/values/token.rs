//! Tokens of HTTP (RFC 9110 §5.6.2).

use serde_json::{Value as Json, json};

use super::{
    Dialled,
    template::{escaped_template, known},
};
use crate::config::read::{Context, Node, Read, Value, backticked, field};
use everwire_proto::{language::Template, settings::Subprotocol};

/// Whether a text is a token: a header's name, a subprotocol.
pub(in crate::config) fn is_token(text: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(tchar)
}

/// Subprotocols, none twice (RFC 6455 §4.1).
#[derive(Clone, Debug)]
pub(in crate::config) struct Subprotocols(pub Vec<Dialled>);

field! {
    Subprotocols <=> Vec<Subprotocol>: |list| list.0.into_iter().map(|one| one.template.into()).collect(),
    |list| list.iter().map(|one| escaped_template(one.template())).collect::<Vec<_>>()
}

impl Read for Subprotocols {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_list(node, "an array of subprotocols");
        };
        let mut list: Vec<Dialled> = Vec::new();
        for item in items {
            let Value::String(text) = &item.value else {
                let _none: Option<()> = context.wrong_type(item, "a string");
                continue;
            };
            let Some(one) = Dialled::read(text, item, context) else {
                continue;
            };
            let template = &one.template;
            let is_known = |known: &Dialled| known.template == *template;
            if !may_be_token(template) {
                let name = backticked(&template.to_string());
                let message = match template.has_variables() {
                    true => format!("invalid subprotocol {name} when its variables are expanded"),
                    false => format!("invalid subprotocol {name}"),
                };
                context.wrong(
                    item.place,
                    message,
                    "it is a token: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2)",
                );
            } else if list.iter().any(is_known) {
                let name = backticked(&template.to_string());
                context.wrong(
                    item.place,
                    format!("the subprotocol {name} comes twice"),
                    "offer each subprotocol once, the best first",
                );
            } else {
                list.push(one);
            }
        }
        Some(Self(list))
    }

    fn schema() -> Json {
        json!({
            "type": "array",
            "items": { "type": "string", "pattern": r"^([A-Za-z0-9!#$%&'*+.^_`|~-]|\$\{[^}]+\})+$" },
            "uniqueItems": true,
        })
    }
}

/// Whether the known part of the text is a token; the rest is checked at each dial.
fn may_be_token(template: &Template) -> bool {
    let mut known = known(template)
        .map(|(_, text)| text)
        .filter(|text| !text.is_empty());
    match known.next() {
        None => !template.is_static(),
        Some(first) => is_token(first) && known.all(is_token),
    }
}
