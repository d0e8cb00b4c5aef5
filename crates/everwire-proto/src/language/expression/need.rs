//! Derives from an expression what it needs to find in a message.

use super::{
    super::{
        Name, Need,
        json::{JsonPointer, write_quoted},
    },
    ast::Comparison,
    node::{Call, Node, One, Two},
};

/// Texts one of which a message contains, or a backslash.
type Needles = Vec<Box<str>>;

/// The result of an expression for a message without its needles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Without {
    /// Absent.
    Absent,
    /// Absent or false.
    False,
    /// Anything.
    Anything,
}

/// The result of this expression for a message without its needles.
pub(super) fn without(node: &Node) -> Without {
    match reads(node) {
        true if for_value(node).is_some() => Without::Absent,
        true if for_true(node).is_some() => Without::False,
        _ => Without::Anything,
    }
}

/// The needs of this expression.
pub(super) fn of(node: &Node) -> Need {
    if !reads(node) {
        return Need::Nothing;
    }
    if let Some(needles) = for_true(node) {
        return Need::AnyOf(needles);
    }
    match node {
        Node::Or(parts) | Node::And(parts) => parts.iter().map(of).fold(Need::Nothing, Need::or),
        _ => Need::Everything,
    }
}

/// Whether it reads the message as JSON. A `let` may do so.
pub(super) fn reads(node: &Node) -> bool {
    node.any(&mut |part| matches!(part, Node::Pointer(..) | Node::Name(Name::Let(_))))
}

/// Without one of these the part is absent or false; `None` if that is not certain.
fn for_true(node: &Node) -> Option<Needles> {
    match node {
        Node::Compare(Comparison::Unequal, _) => None,
        Node::Compare(comparison, sides) => of_comparison(*comparison, sides),
        Node::And(parts) => rarest(parts.iter().map(for_true)),
        Node::Or(parts) => {
            let all: Option<Vec<Needles>> = parts.iter().map(for_true).collect();
            all.map(|all| all.concat())
        }
        Node::Call(call) => match &**call {
            Call::One(One::Exists, node) => for_value(node),
            Call::Two(Two::Starts | Two::Contains, nodes) => rarest(nodes.iter().map(for_value)),
            _ => for_value(node),
        },
        _ => for_value(node),
    }
}

/// Without one of these the part is absent; `None` if that is not certain.
fn for_value(node: &Node) -> Option<Needles> {
    match node {
        Node::Pointer(_, pointer) => of_pointer(pointer),
        Node::Join(parts) => rarest(parts.iter().map(for_value)),
        Node::Sum(first, others) => {
            let others = others.iter().map(|(_, other)| for_value(other));
            rarest([for_value(first)].into_iter().chain(others))
        }
        Node::Call(call) => match &**call {
            // These have a value when their argument is absent.
            Call::One(One::Exists, _)
            | Call::Two(Two::Starts | Two::Contains | Two::Default | Two::At, _) => None,
            call => rarest(call.arguments().iter().map(for_value)),
        },
        Node::Null
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Text(_)
        | Node::Variable(..)
        | Node::Name(_)
        | Node::List(_)
        | Node::Not(_)
        | Node::Or(_)
        | Node::And(_)
        | Node::Compare(..) => None,
    }
}

fn of_comparison(comparison: Comparison, [left, right]: &[Node; 2]) -> Option<Needles> {
    let literals = match (comparison, left, right) {
        (Comparison::Equal, Node::Pointer(..), Node::Text(text))
        | (Comparison::Equal, Node::Text(text), Node::Pointer(..)) => Some(needle(text)),
        (Comparison::In, Node::Pointer(..), Node::List(items)) => {
            let texts = items.iter().map(|item| match item {
                Node::Text(text) => Some(needle(text)),
                _ => None,
            });
            texts
                .collect::<Option<Vec<Needles>>>()
                .map(|texts| texts.concat())
        }
        _ => None,
    };
    literals.or_else(|| rarest([for_value(left), for_value(right)]))
}

/// The last key that is not an array index.
fn of_pointer(pointer: &JsonPointer) -> Option<Needles> {
    pointer.last_name().map(needle)
}

/// The text in JSON notation; empty if that needs a backslash.
fn needle(text: &str) -> Needles {
    let mut quoted = String::new();
    write_quoted(text, &mut quoted);
    match quoted.contains('\\') {
        true => Vec::new(),
        false => vec![quoted.into()],
    }
}

/// The longest needles: they occur in the fewest messages.
fn rarest(all: impl IntoIterator<Item = Option<Needles>>) -> Option<Needles> {
    let shortest = |needles: &Needles| {
        needles
            .iter()
            .map(|needle| needle.len())
            .min()
            .unwrap_or(usize::MAX)
    };
    all.into_iter().flatten().max_by_key(shortest)
}
