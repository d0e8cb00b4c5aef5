//! Goals: requirements on a message.

use super::{NotInvertible, candidate::Candidate, draft::Draft, relation};
use crate::language::{
    BuiltIn, Name, Value,
    expression::{Call, Comparison, Node, One, evaluate, holds},
    value::{Data, equal},
};

/// A requirement.
#[derive(Clone)]
pub(super) enum Goal<'n> {
    /// This is true, or is not.
    Holds(&'n Node, bool),
    /// This comparison is true, or is not.
    Compares(Comparison, &'n Node, &'n Node, bool),
    /// The value is one of these; the first are tried first.
    Is(&'n Node, Vec<Value<'n>>),
    /// The value is present, and not null.
    There(&'n Node),
    /// The value is absent.
    Absent(&'n Node),
}

/// The result for one goal: ways to reach it, the best first; or a reason why there is none.
pub(super) type Ways<'n> = Result<Vec<(Draft, Vec<Goal<'n>>)>, NotInvertible>;

impl<'n> Goal<'n> {
    /// Whether it is reached.
    pub fn is_so(&self, world: &Candidate<'_>) -> bool {
        match self {
            Self::Holds(node, wanted) => holds(node, world) == *wanted,
            Self::Compares(comparison, left, right, wanted) => {
                relation::is_so(*comparison, left, right, world) == *wanted
            }
            Self::Is(node, values) => {
                let value = evaluate(node, world);
                let is = |wanted: &Value<'_>| match (&value.data, &wanted.data) {
                    (Data::Absent, Data::Absent) => true,
                    _ => equal(&value, wanted),
                };
                values.iter().any(is)
            }
            Self::There(node) => evaluate(node, world).is_there(),
            Self::Absent(node) => evaluate(node, world).is_absent(),
        }
    }

    /// Whether it is checked last: it requires that something is not true, which is mostly the
    /// case.
    pub fn is_soft(&self) -> bool {
        match self {
            Self::Holds(Node::Or(_) | Node::Not(_), false) => false,
            Self::Holds(Node::Compare(Comparison::Unequal, _), wanted) => *wanted,
            Self::Compares(Comparison::Unequal, _, _, wanted) => *wanted,
            Self::Holds(_, wanted) | Self::Compares(_, _, _, wanted) => !wanted,
            Self::Is(..) | Self::There(_) => false,
            Self::Absent(_) => true,
        }
    }

    /// Whether all its parts are required: they are handled one by one, even if it is reached
    /// already.
    pub fn has_parts(&self) -> bool {
        matches!(
            self,
            Self::Holds(Node::And(_), true)
                | Self::Holds(Node::Or(_), false)
                | Self::Holds(Node::Not(_), _)
        )
    }

    fn nodes(&self) -> [Option<&'n Node>; 2] {
        match self {
            Self::Holds(node, _) | Self::Is(node, _) | Self::There(node) | Self::Absent(node) => {
                [Some(node), None]
            }
            Self::Compares(_, left, right, _) => [Some(left), Some(right)],
        }
    }

    pub fn reads_message(&self) -> bool {
        self.nodes().into_iter().flatten().any(reads_message)
    }

    /// The reason if the message cannot reach it.
    pub fn without_message(&self) -> NotInvertible {
        let reads_let =
            |node: &Node| node.any(&mut |node| matches!(node, Node::Name(Name::Let(_))));
        match self.nodes().into_iter().flatten().any(reads_let) {
            true => NotInvertible::Let,
            false => NotInvertible::Known,
        }
    }

    /// The part of it that the time or chance decides.
    pub fn chance(&self) -> Option<&'static str> {
        let mut chance = None;
        for node in self.nodes().into_iter().flatten() {
            node.any(&mut |node| {
                if let Node::Call(call) = node {
                    chance = chance.or(match **call {
                        Call::Now(..) => Some("now"),
                        Call::Uuid => Some("uuid"),
                        Call::Random(..) => Some("random"),
                        _ => None,
                    });
                }
                chance.is_some()
            });
        }
        chance
    }
}

/// Whether the message may change its value.
pub(super) fn reads_message(node: &Node) -> bool {
    node.any(&mut |node| match node {
        Node::Pointer(..) => true,
        Node::Name(Name::BuiltIn(built_in)) => {
            matches!(built_in, BuiltIn::Message | BuiltIn::Status)
        }
        Node::Call(call) => matches!(**call, Call::One(One::Header | One::Cookie, _)),
        _ => false,
    })
}
