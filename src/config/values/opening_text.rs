//! Texts of `on_open`, which may contain expressions.

use serde_json::{Value as Json, json};

use super::{
    Written,
    template::{expand_template, is_variable, string},
};
use crate::config::read::{Context, Node, Read};
use everwire_proto::language::Template;

/// A text that is sent when a socket opens.
#[derive(Clone, Debug)]
pub(in crate::config) struct OpeningText {
    pub written: Written,
    /// Its value, unless it contains an expression.
    pub plain: Option<Template>,
}

impl Read for OpeningText {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = string(node, context, "a text to send")?;
        let plain = match has_expression(text) {
            true => None,
            false => Some(expand_template(text, node.place, context)?),
        };
        let written = Written {
            text: text.to_owned(),
            place: node.place,
        };
        Some(Self { written, plain })
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

/// Whether a text contains an expression, beside variables, files and stored secrets.
pub(super) fn has_expression(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, hole) = rest.split_at(at);
        rest = &hole[2..];
        let inner = rest.split_once('}').map(|(inner, _)| inner);
        let is_other = |inner: &str| {
            // A text in the wrong case is meant as a variable: names do not begin with a capital.
            let is_variable = is_variable(&inner.to_ascii_uppercase())
                && !inner.starts_with(|first: char| first.is_ascii_lowercase());
            !inner.starts_with("file:") && !inner.starts_with("secret:") && !is_variable
        };
        if !before.ends_with('$') && inner.is_some_and(is_other) {
            return true;
        }
    }
    false
}
