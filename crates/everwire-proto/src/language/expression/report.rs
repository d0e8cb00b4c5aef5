//! What is told of an expression while it is checked, and what is known of its parts.

use std::ops::Range;

use super::{
    super::{LanguageError, error::quoted},
    ast::Ast,
    kind::Kind,
    node::Node,
};

/// A part that is compiled, and what is known of its value.
pub(super) struct Typed {
    pub node: Node,
    pub kind: Kind,
}

impl Typed {
    pub fn new(node: Node, kind: Kind) -> Self {
        Self { node, kind }
    }

    /// What stands for a part that is wrong: it brings no further errors.
    pub fn wrong() -> Self {
        Self::new(Node::Null, Kind::Any)
    }
}

/// What is wrong with a text, and what only looks wrong.
pub(super) struct Report<'t> {
    text: &'t str,
    pub errors: Vec<LanguageError>,
    pub warnings: Vec<LanguageError>,
}

impl<'t> Report<'t> {
    pub fn of(text: &'t str) -> Self {
        Self {
            text,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub fn error(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.errors
            .push(LanguageError::new(span.clone(), message, help));
    }

    pub fn warn(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.warnings
            .push(LanguageError::new(span.clone(), message, help));
    }

    /// What was written there, between backticks.
    pub fn quoted(&self, ast: &Ast<'_>) -> String {
        quoted(self.written(ast))
    }

    pub fn written(&self, ast: &Ast<'_>) -> &'t str {
        &self.text[ast.span.clone()]
    }
}
