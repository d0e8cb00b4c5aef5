//! Texts of the dialogue's language as written. They are compiled after the layers are merged, when
//! all names are known.

use serde_json::{Value as Json, json};

use super::matcher::expression_of;
use crate::config::read::{Context, Node, Place, Read, Value};

/// A text as it is written, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Written {
    pub text: String,
    pub place: Place,
}

/// An expression: a condition, or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct ExpressionText(pub Written);

/// A template, which may contain expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct TemplateText(pub Written);

/// A value, or a template of one, which is rendered at run time.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum Templated<T> {
    Fixed(T),
    Template(Written),
}

impl<T> Templated<T> {
    /// The value, unless it is a template.
    pub fn fixed(&self) -> Option<&T> {
        match self {
            Self::Fixed(value) => Some(value),
            Self::Template(_) => None,
        }
    }

    /// The template, if it is one.
    pub fn template(&self) -> Option<&Written> {
        match self {
            Self::Fixed(_) => None,
            Self::Template(written) => Some(written),
        }
    }
}

/// Whether a text contains a `${` that is not escaped.
pub(in crate::config) fn has_holes(text: &str) -> bool {
    text.matches("${").count() > text.matches("$${").count()
}

impl Read for ExpressionText {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let text = match &node.value {
            Value::String(text) => text.clone(),
            Value::Table(entries) => {
                let help = match expression_of(entries) {
                    Some(expression) => format!("write {expression}"),
                    None => "write it as a string: '/op == \"ping\"'".into(),
                };
                context.wrong(node.place, "expected an expression, found a table", help);
                return None;
            }
            _ => return context.wrong_type(node, "an expression such as '/op == \"ping\"'"),
        };
        let place = node.place;
        Some(Self(Written { text, place }))
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Read for TemplateText {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "a text such as '{\"op\":\"ping\",\"id\":${id}}'");
        };
        Some(Self(Written {
            text: text.clone(),
            place: node.place,
        }))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

impl<T: Read> Read for Templated<T> {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::String(text) if has_holes(text) => Some(Self::Template(Written {
                text: text.clone(),
                place: node.place,
            })),
            _ => T::read(node, context).map(Self::Fixed),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), { "type": "string", "pattern": r"\$\{" }] })
    }
}
