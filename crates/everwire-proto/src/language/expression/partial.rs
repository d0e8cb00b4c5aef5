//! Conditions of which a part is not known.

use super::{
    super::{Name, World},
    Expression, eval,
    node::{Call, Node},
};

impl Expression {
    /// Whether it can be true in this world for some values of these names. Without such names, and
    /// if it is not [random](Self::is_random), it is then true.
    pub(crate) fn can_hold(&self, unknown: &[Name], world: &dyn World) -> bool {
        can_hold(&self.node, unknown, world)
    }

    /// Whether it is drawn anew whenever it is evaluated. `let`s are not considered.
    pub(crate) fn is_random(&self) -> bool {
        self.node.any(&mut is_random)
    }
}

fn can_hold(node: &Node, unknown: &[Name], world: &dyn World) -> bool {
    match node {
        Node::And(parts) => parts.iter().all(|part| can_hold(part, unknown, world)),
        Node::Or(parts) => parts.iter().any(|part| can_hold(part, unknown, world)),
        _ => is_unknown(node, unknown) || eval::holds(node, world),
    }
}

/// Whether its value depends on one of these names, or on chance.
fn is_unknown(node: &Node, unknown: &[Name]) -> bool {
    node.any(&mut |part| match part {
        Node::Name(name) => unknown.contains(name),
        _ => is_random(part),
    })
}

fn is_random(node: &Node) -> bool {
    match node {
        Node::Call(call) => matches!(**call, Call::Uuid | Call::Random(..)),
        _ => false,
    }
}
