//! The errors and warnings of a check, and the known kinds of parts.

use std::ops::Range;

use super::{
    super::{LanguageError, error::quoted},
    ast::Ast,
    kind::Kind,
    node::Node,
};

/// A compiled part, and the known kind of its value.
pub(super) struct Typed {
    pub node: Node,
    pub kind: Kind,
}

impl Typed {
    pub fn new(node: Node, kind: Kind) -> Self {
        Self { node, kind }
    }

    /// Stands for a wrong part, and causes no further errors.
    pub fn wrong() -> Self {
        Self::new(Node::Null, Kind::Any)
    }
}

/// The errors and warnings of a text.
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

    /// The text of a part, between backticks.
    pub fn quoted(&self, ast: &Ast<'_>) -> String {
        quoted(self.written(ast))
    }

    pub fn written(&self, ast: &Ast<'_>) -> &'t str {
        &self.text[ast.span.clone()]
    }
}
