//! What the parser makes of a text: a tree that keeps where each part stands.

use std::ops::Range;

use super::super::JsonPointer;

/// A part of an expression, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ast<'t> {
    pub kind: AstKind<'t>,
    pub span: Range<usize>,
    /// Whether it stands in parentheses of its own.
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
    /// A variable of the environment.
    Variable(&'t str),
    List(Vec<Ast<'t>>),
    Call(&'t str, Vec<Ast<'t>>),
    Or(Vec<Ast<'t>>),
    And(Vec<Ast<'t>>),
    Not(Box<Ast<'t>>),
    Compare(Comparison, Box<[Ast<'t>; 2]>),
    Join(Vec<Ast<'t>>),
    /// The first, and what is added to it or taken from it.
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

/// Whether a number is added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sign {
    Plus,
    Minus,
}

impl Comparison {
    /// How it is written; a longer one stands before its beginning.
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
