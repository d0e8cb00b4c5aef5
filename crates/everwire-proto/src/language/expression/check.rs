//! Compiles the tree: resolves names, pointers and functions, and reports all errors at once.

use std::ops::Range;

use super::{
    super::{BuiltIn, Name, Scope, Secret, error::quoted, json::JsonPointer},
    ast::{Ast, AstKind, Comparison, Sign},
    calls::{self, Called},
    kind::Kind,
    node::{Call, Node, One, Two},
    report::{Report, Typed},
};

/// A name that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The name.
    pub name: Name,
    /// Its place in the text.
    pub span: Range<usize>,
    /// Whether the expression allows for its absence: below `default`, `exists`, or as a condition.
    pub is_guarded: bool,
}

impl Read {
    /// The same in a text that contains this one at `offset`.
    pub(in super::super) fn moved(mut self, offset: usize) -> Self {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }
}

/// Compiles one text.
pub(super) struct Check<'s, 'a, 't> {
    pub scope: &'s mut Scope<'a>,
    pub report: Report<'t>,
    pub reads: Vec<Read>,
    /// Whether absence is allowed for here.
    pub is_guarded: bool,
}

impl Check<'_, '_, '_> {
    /// A part whose value is used.
    pub fn value(&mut self, ast: &Ast<'_>) -> Typed {
        match &ast.kind {
            AstKind::Null => Typed::new(Node::Null, Kind::Null),
            AstKind::Bool(value) => Typed::new(Node::Bool(*value), Kind::Bool),
            AstKind::Number(number) => Typed::new(Node::Number((*number).into()), Kind::Number),
            AstKind::Text(text) => Typed::new(Node::Text(text.as_str().into()), Kind::Text),
            AstKind::Pointer(pointer) => self.pointer(ast, pointer),
            AstKind::Variable(name) => self.variable(ast, name),
            AstKind::Name(name) => self.name(ast, name),
            AstKind::List(items) => {
                let items = items.iter().map(|item| self.value(item).node);
                Typed::new(Node::List(items.collect()), Kind::List)
            }
            AstKind::Or(parts) => Typed::new(Node::Or(self.conditions(parts)), Kind::Bool),
            AstKind::And(parts) => Typed::new(Node::And(self.conditions(parts)), Kind::Bool),
            AstKind::Not(inner) => {
                Typed::new(Node::Not(Box::new(self.condition(inner))), Kind::Bool)
            }
            AstKind::Compare(comparison, sides) => self.comparison(*comparison, sides),
            AstKind::Join(parts) => self.join(parts),
            AstKind::Sum(first, others) => self.sum(first, others),
            AstKind::Call(name, arguments) => {
                let called = Called {
                    name,
                    ast,
                    arguments,
                    http: self.scope.http,
                    is_name: self.find(name).is_some(),
                };
                let values = self.arguments(name, arguments);
                calls::check(&mut self.report, &called, values)
            }
        }
    }

    fn conditions(&mut self, parts: &[Ast<'_>]) -> Box<[Node]> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    /// A part that is used as a condition.
    pub fn condition(&mut self, ast: &Ast<'_>) -> Node {
        let is_bare = matches!(ast.kind, AstKind::Name(_));
        let outer = self.is_guarded;
        self.is_guarded |= is_bare;
        let before = self.report.errors.len();
        let value = self.value(ast);
        self.is_guarded = outer;
        if !may_be_condition(&value) && self.report.errors.len() == before {
            let message = format!(
                "invalid condition {}: it is {}",
                self.report.quoted(ast),
                value.kind.described()
            );
            let help = "write a comparison such as `/op == \"ping\"`, `exists(/x)`, or a pointer or name alone";
            self.report.error(&ast.span, message, help);
        }
        value.node
    }

    fn pointer(&mut self, ast: &Ast<'_>, pointer: &JsonPointer) -> Typed {
        if !self.scope.built_ins.has(BuiltIn::Message) {
            let message = format!(
                "{} looks into a message, but there is none here",
                self.report.quoted(ast)
            );
            self.report.error(
                &ast.span,
                message,
                "capture the value before, and write the capture's name",
            );
            return Typed::wrong();
        }
        let slot = self.scope.pointers.insert(pointer);
        Typed::new(Node::Pointer(slot, pointer.clone()), Kind::Any)
    }

    fn variable(&mut self, ast: &Ast<'_>, name: &str) -> Typed {
        let unset = match variable(self.scope, name) {
            Ok(value) => return Typed::new(Node::Variable(name.into(), value), Kind::Text),
            Err(unset) => unset,
        };
        let help = match unset {
            Unset::NotAllowed => {
                "PUT the value to /v1/secrets/ID, and bring it in with `let`: ${secret:ID}"
                    .to_owned()
            }
            Unset::NotSet => match self.find(&name.to_ascii_lowercase()) {
                Some(found) => format!(
                    "set it, or write {} for the name",
                    quoted(self.scope.names.text(found))
                ),
                None => "set it, or bring in a file with `let`: ${file:PATH}".to_owned(),
            },
        };
        self.report.error(&ast.span, unset.told(name), help);
        Typed::wrong()
    }

    fn name(&mut self, ast: &Ast<'_>, name: &str) -> Typed {
        let built_in = BuiltIn::named(name);
        let Some(found) = self.find(name) else {
            let (message, help) = match built_in {
                Some(_) => (
                    format!("there is no {} here", quoted(name)),
                    self.known_here(),
                ),
                None => (
                    format!("unknown name {}", quoted(name)),
                    self.instead_of(name),
                ),
            };
            self.report.error(&ast.span, message, help);
            return Typed::wrong();
        };
        self.reads.push(Read {
            name: found,
            span: ast.span.clone(),
            is_guarded: self.is_guarded,
        });
        let kind = match built_in {
            Some(BuiltIn::Id | BuiltIn::OnId | BuiltIn::Status) => Kind::Number,
            Some(BuiltIn::Handover) => Kind::Bool,
            Some(BuiltIn::Key | BuiltIn::Name) => Kind::Text,
            _ => Kind::Any,
        };
        Typed::new(Node::Name(found), kind)
    }

    fn known_here(&self) -> String {
        let names: Vec<String> = self
            .scope
            .built_ins
            .iter()
            .map(|name| quoted(name.as_str()))
            .collect();
        match names.is_empty() {
            true => "no name is built in here".to_owned(),
            false => format!("built in here: {}", names.join(", ")),
        }
    }

    /// The name that may be meant by an unknown one.
    fn instead_of(&self, name: &str) -> String {
        if let Some(meant) = self.scope.names.meant(name, self.scope.built_ins) {
            return format!("did you mean {}?", quoted(meant));
        }
        let upper = name.to_ascii_uppercase();
        if self.scope.outside.is_open() && self.scope.outside.variable(&upper).is_some() {
            return format!(
                "a variable of the environment is written in capitals: {}",
                quoted(&upper)
            );
        }
        match self.scope.built_ins.has(BuiltIn::Message) {
            true => format!(
                "a part of the message is {}; a text is {}",
                quoted(&format!("/{name}")),
                quoted(&format!("\"{name}\""))
            ),
            false => "set it with `let` or `capture`".to_owned(),
        }
    }

    fn comparison(&mut self, comparison: Comparison, sides: &[Ast<'_>; 2]) -> Typed {
        let [left, right] = sides.each_ref().map(|side| self.value(side));
        let span = sides[0].span.start..sides[1].span.end;
        if comparison == Comparison::In {
            if !right.kind.may_be(Kind::List) {
                let message = format!(
                    "`in` needs a list, but {} is {}",
                    self.report.quoted(&sides[1]),
                    right.kind.described()
                );
                let help =
                    "write `in [1, 2]`; whether a text holds another says `contains(x, part)`";
                self.report.error(&sides[1].span, message, help);
            }
        } else if !left.kind.may_equal(right.kind) {
            let message = format!(
                "{} never equals {}",
                left.kind.described(),
                right.kind.described()
            );
            let numbers = [left.kind, right.kind].contains(&Kind::Number)
                && [left.kind, right.kind].contains(&Kind::Text);
            let help = match numbers {
                true => "`text(x)` makes a text of a number, `number(x)` a number of a text",
                false => "compare values of one kind",
            };
            self.report.warn(&span, message, help);
        }
        Typed::new(
            Node::Compare(comparison, Box::new([left.node, right.node])),
            Kind::Bool,
        )
    }

    fn join(&mut self, parts: &[Ast<'_>]) -> Typed {
        let parts: Vec<Typed> = parts.iter().map(|part| self.value(part)).collect();
        let has_bytes = parts.iter().any(|part| part.kind == Kind::Bytes);
        let kind = if has_bytes { Kind::Bytes } else { Kind::Text };
        let nodes = parts.into_iter().map(|part| part.node).collect();
        Typed::new(Node::Join(nodes), kind)
    }

    fn sum(&mut self, first: &Ast<'_>, others: &[(Sign, Ast<'_>)]) -> Typed {
        let sign = others.first().map_or(Sign::Plus, |(sign, _)| *sign);
        let value = self.term(first, sign);
        let others = others
            .iter()
            .map(|(sign, other)| (*sign, self.term(other, *sign)));
        Typed::new(Node::Sum(Box::new(value), others.collect()), Kind::Number)
    }

    /// A term of a sum.
    fn term(&mut self, ast: &Ast<'_>, sign: Sign) -> Node {
        let value = self.value(ast);
        let is_fraction =
            matches!(&value.node, Node::Number(number) if number.contains(['.', 'e', 'E']));
        if value.kind.may_be(Kind::Number) && !is_fraction {
            return value.node;
        }
        let kind = match is_fraction {
            true => "a number with a fraction or an exponent",
            false => value.kind.described(),
        };
        let message = format!(
            "`{}` takes whole numbers, but {} is {kind}",
            sign.as_str(),
            self.report.quoted(ast)
        );
        let help = match value.kind {
            Kind::Text | Kind::Bytes => "`~` joins texts; `number(x)` makes a number of a text",
            _ => "write a whole number",
        };
        self.report.error(&ast.span, message, help);
        value.node
    }

    /// The arguments of a call; `exists` and `default` allow for the absence of their first.
    fn arguments(&mut self, function: &str, arguments: &[Ast<'_>]) -> Vec<Typed> {
        let outer = self.is_guarded;
        let mut values = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            self.is_guarded |= at == 0 && matches!(function, "exists" | "default");
            values.push(self.value(argument));
            self.is_guarded = outer;
        }
        values
    }

    /// The meaning of a name here.
    fn find(&self, name: &str) -> Option<Name> {
        match BuiltIn::named(name) {
            Some(built_in) => self
                .scope
                .built_ins
                .has(built_in)
                .then_some(Name::BuiltIn(built_in)),
            None => self.scope.names.find(name),
        }
    }
}

/// Why an environment variable has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Unset {
    NotAllowed,
    NotSet,
}

impl Unset {
    pub fn told(self, name: &str) -> String {
        match self {
            Self::NotAllowed => {
                format!("the environment variable `{name}` is not allowed over the API")
            }
            Self::NotSet => format!("the environment variable `{name}` is not set"),
        }
    }
}

/// The value of an environment variable.
pub(in super::super) fn variable(scope: &Scope<'_>, name: &str) -> Result<Secret, Unset> {
    match scope.outside.is_open() {
        true => scope.outside.variable(name).ok_or(Unset::NotSet),
        false => Err(Unset::NotAllowed),
    }
}

/// Whether this can be both true and false, or both present and absent.
fn may_be_condition(value: &Typed) -> bool {
    let may_be_absent = match &value.node {
        Node::Call(call) => matches!(
            **call,
            Call::Between(_)
                | Call::Two(Two::At | Two::After | Two::Default, _)
                | Call::One(One::Number | One::Header | One::Cookie, _)
        ),
        Node::Pointer(..) | Node::Name(_) => true,
        _ => false,
    };
    may_be_absent || value.kind.may_be(Kind::Bool)
}
