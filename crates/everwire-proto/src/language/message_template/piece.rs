//! The pieces of a template's text.

use std::ops::Range;

use super::super::{Expression, Part};

/// A piece of a template, and its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub kind: PieceKind,
    pub span: Range<usize>,
    /// In a JSON template: whether it is within quotes.
    pub is_quoted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum PieceKind {
    Literal(Box<str>),
    /// `${NAME}`, `${file:PATH}` or `${secret:ID}`.
    Variable(Part),
    /// `${…}` with an expression.
    Hole(Box<Expression>),
}

impl Piece {
    pub fn new(kind: PieceKind, span: Range<usize>) -> Self {
        Self {
            kind,
            span,
            is_quoted: false,
        }
    }

    pub fn is_hole(&self) -> bool {
        matches!(self.kind, PieceKind::Hole(_))
    }

    pub fn as_literal(&self) -> Option<&str> {
        match &self.kind {
            PieceKind::Literal(text) => Some(text),
            PieceKind::Variable(_) | PieceKind::Hole(_) => None,
        }
    }
}
