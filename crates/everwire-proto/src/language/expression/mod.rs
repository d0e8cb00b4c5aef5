//! Expressions: conditions on messages, and values to send.
//!
//! ```text
//! expr = or;  or = and {"||" and};  and = not {"&&" not};  not = "!" not | cmp
//! cmp  = cat [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") cat]
//! cat  = sum {"~" sum};  sum = prim {("+" | "-") prim}
//! prim = text | number | true | false | null | /pointer | name | NAME | call | [list] | (expr)
//! ```
//!
//! text ─► [`Ast`](ast) (lexer, parser) ─► [`Node`](node) (check, calls) ─► [`Value`] (eval)

mod apply;
mod ast;
mod calls;
mod check;
mod compared;
mod eval;
mod kind;
mod lexer;
mod need;
mod node;
mod parser;
mod partial;
mod report;
#[cfg(test)]
pub(super) mod tests;
mod unexpected;

use std::fmt;

use self::{check::Check, need::Without, report::Report};
use super::{LanguageError, Need, Scope, Secret, SignatureAlgorithm, TokenAlgorithm, Value, World};

pub(super) use self::{
    ast::{Comparison, Sign},
    check::{Unset, variable},
    node::{Call, Node, One, Two},
};
pub use self::{
    check::Read,
    parser::{MAX_DEPTH, MAX_EXPRESSION, MAX_NODES},
};

/// A compiled expression. Two are equal if they differ only in white space and parentheses.
///
/// ```
/// use everwire_proto::language::{Expression, Names, NothingOutside, Scope, json::PointerSet};
///
/// let (names, mut pointers) = (Names::default(), PointerSet::default());
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
/// let ping = Expression::condition(r#"/op == "ping""#, &mut scope).map_err(|errors| errors[0].clone())?;
/// assert_eq!(ping.as_str(), r#"/op == "ping""#);
///
/// let errors = Expression::condition("/op = 1", &mut scope).unwrap_err();
/// assert_eq!(errors[0].to_string(), "invalid operator `=`: write `==` to compare");
/// # Ok::<(), everwire_proto::language::LanguageError>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    text: Box<str>,
    node: Node,
    need: Need,
    without: Without,
    reads: Box<[Read]>,
    is_slow: bool,
}

impl Expression {
    /// Compiles an expression whose value is used. Warnings go to the scope.
    ///
    /// # Errors
    ///
    /// All errors; of syntax errors only the first.
    pub fn value(text: &str, scope: &mut Scope<'_>) -> Result<Self, Vec<LanguageError>> {
        Self::compile(text, scope, |check, ast| check.value(ast).node)
    }

    /// Compiles an expression that is true or false: `when`, `expect`, `if`.
    ///
    /// # Errors
    ///
    /// Like [`value`](Self::value), and if it is not a condition.
    pub fn condition(text: &str, scope: &mut Scope<'_>) -> Result<Self, Vec<LanguageError>> {
        Self::compile(text, scope, |check, ast| check.condition(ast))
    }

    fn compile(
        text: &str,
        scope: &mut Scope<'_>,
        lower: impl FnOnce(&mut Check<'_, '_, '_>, &ast::Ast<'_>) -> Node,
    ) -> Result<Self, Vec<LanguageError>> {
        let (ast, warnings) = parser::parse(text).map_err(|error| vec![error])?;
        let mut check = Check {
            scope,
            report: Report::of(text),
            reads: Vec::new(),
            is_guarded: false,
        };
        let node = lower(&mut check, &ast);
        let Check { report, reads, .. } = check;
        if !report.errors.is_empty() {
            return Err(report.errors);
        }
        scope.warnings.extend(warnings);
        scope.warnings.extend(report.warnings);
        Ok(Self {
            text: text.into(),
            need: need::of(&node),
            without: need::without(&node),
            is_slow: node.any(&mut is_slow),
            reads: reads.into(),
            node,
        })
    }

    /// Whether it is true: its value is present, and neither null nor false.
    pub fn holds(&self, world: &dyn World) -> bool {
        eval::holds(&self.node, world)
    }

    /// Its value. This never fails: a value that cannot be computed is absent.
    pub fn evaluate<'e>(&'e self, world: &'e dyn World) -> Value<'e> {
        eval::eval(&self.node, world)
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it needs to find in a message.
    pub fn need(&self) -> &Need {
        &self.need
    }

    /// Whether it reads the message as JSON, or reads a `let`, which may do so.
    pub fn looks_into_message(&self) -> bool {
        self.need != Need::Nothing
    }

    /// Whether it is absent for each message without the needles that it [needs](Self::need).
    pub fn is_absent_without_needles(&self) -> bool {
        self.without == Without::Absent
    }

    /// Whether it is false for each message without its needles.
    pub fn fails_without_needles(&self) -> bool {
        self.without != Without::Anything
    }

    /// The names that it reads, in order.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// The values of its environment variables.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        self.node.any(&mut |node| {
            if let Node::Variable(_, secret) = node {
                secrets.push(secret.clone());
            }
            false
        });
        secrets
    }

    /// The names of its environment variables.
    pub fn environment(&self) -> Vec<Box<str>> {
        let mut names = Vec::new();
        self.node.any(&mut |node| {
            if let Node::Variable(name, _) = node {
                names.push(name.clone());
            }
            false
        });
        names
    }

    /// The name, if the expression is a single name.
    pub(super) fn as_name(&self) -> Option<super::Name> {
        match &self.node {
            Node::Name(name) => Some(*name),
            Node::Call(call) => match &**call {
                Call::One(One::Text, Node::Name(name)) => Some(*name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The compiled form.
    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Whether it has a slow signature, which belongs on another thread. `let`s are not considered.
    pub fn is_slow(&self) -> bool {
        self.is_slow
    }
}

/// The value of a part of an expression.
pub(super) fn evaluate<'e>(node: &'e Node, world: &'e dyn World) -> Value<'e> {
    eval::eval(node, world)
}

/// Whether a part of an expression is true as a condition.
pub(super) fn holds(node: &Node, world: &dyn World) -> bool {
    eval::holds(node, world)
}

fn is_slow(node: &Node) -> bool {
    let Node::Call(call) = node else {
        return false;
    };
    let algorithm: Option<SignatureAlgorithm> = match **call {
        Call::Sign(algorithm, ..) | Call::Jwt(TokenAlgorithm::Signed(algorithm), _) => {
            Some(algorithm)
        }
        _ => None,
    };
    algorithm.is_some_and(SignatureAlgorithm::is_slow)
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}
