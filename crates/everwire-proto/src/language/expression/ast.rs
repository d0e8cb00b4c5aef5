//! The syntax tree, with the place of each part.

use std::ops::Range;

use super::super::JsonPointer;

/// A part of an expression, and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ast<'t> {
    pub kind: AstKind<'t>,
    pub span: Range<usize>,
    /// Whether it is in parentheses of its own.
    pub in_parentheses: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum AstKind<'t> {
    Text(String),
    /// As it is written.
    Number(&'t str),
    Bool(bool),
    Null,
    Pointer(JsonPointer),
    Name(&'t str),
    /// An environment variable.
    Variable(&'t str),
    List(Vec<Ast<'t>>),
    Call(&'t str, Vec<Ast<'t>>),
    Or(Vec<Ast<'t>>),
    And(Vec<Ast<'t>>),
    Not(Box<Ast<'t>>),
    Compare(Comparison, Box<[Ast<'t>; 2]>),
    Join(Vec<Ast<'t>>),
    /// The first term, and the terms that are added or subtracted.
    Sum(Box<Ast<'t>>, Vec<(Sign, Ast<'t>)>),
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

/// Whether a number is added or subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sign {
    Plus,
    Minus,
}

impl Comparison {
    /// The notations; a longer one comes before its prefix.
    pub const ALL: [(&'static str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("in", Self::In),
    ];
}

impl Sign {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }
}
