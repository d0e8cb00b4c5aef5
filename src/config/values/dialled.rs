//! Texts of a dial: variables are expanded, and expressions are filled with earlier captures.

use super::{Written, opening_text::has_expression, template::expand_template};
use crate::config::read::{Context, Node};
use everwire_proto::language::{Part, Template};

/// A text of a dial.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Dialled {
    /// The known text. If it contains an expression, the whole text is a hole until the dialogue is
    /// compiled.
    pub template: Template,
    /// The text, if it contains an expression.
    pub written: Option<Written>,
}

impl Dialled {
    /// Reads the text of a node; `None` if a variable in it is wrong.
    pub fn read(text: &str, node: &Node, context: &mut Context<'_>) -> Option<Self> {
        if !has_expression(text) {
            return expand_template(text, node.place, context).map(Self::from);
        }
        Some(Self {
            template: Template::from_parts([Part::Hole(text.into())]),
            written: Some(Written {
                text: text.to_owned(),
                place: node.place,
            }),
        })
    }
}

impl From<Template> for Dialled {
    fn from(template: Template) -> Self {
        Self {
            template,
            written: None,
        }
    }
}
