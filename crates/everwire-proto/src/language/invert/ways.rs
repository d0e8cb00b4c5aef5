//! The ways to reach a goal: through its parts, or values of them.

use super::{
    candidate::Candidate,
    compare,
    draft::Draft,
    goal::{Goal, Ways},
    target,
};
use crate::language::{
    Value,
    expression::{Call, Node, One, Two},
};

/// The ways to a goal that reads the message.
pub(super) fn ways<'n>(goal: Goal<'n>, draft: &Draft, world: &Candidate<'_>) -> Ways<'n> {
    let one = |goals: Vec<Goal<'n>>| Ok(vec![(draft.clone(), goals)]);
    let each = |goals: Vec<Goal<'n>>| {
        let ways = goals.into_iter();
        Ok(ways.map(|goal| (draft.clone(), vec![goal])).collect())
    };
    let holds = |parts: &'n [Node], wanted| {
        let parts = parts.iter();
        parts.map(|part| Goal::Holds(part, wanted)).collect()
    };
    match goal {
        Goal::Holds(Node::And(parts), true) => one(holds(parts, true)),
        Goal::Holds(Node::Or(parts), false) => one(holds(parts, false)),
        Goal::Holds(Node::Or(parts), true) => each(holds(parts, true)),
        Goal::Holds(Node::And(parts), false) => each(holds(parts, false)),
        Goal::Holds(Node::Not(inner), wanted) => one(vec![Goal::Holds(inner, !wanted)]),
        Goal::Holds(Node::Compare(comparison, sides), wanted) => {
            let [left, right] = &**sides;
            one(vec![Goal::Compares(*comparison, left, right, wanted)])
        }
        Goal::Holds(node @ Node::Call(call), wanted) => match &**call {
            Call::One(One::Exists, node) => match wanted {
                true => one(vec![Goal::There(node)]),
                false => each(vec![
                    Goal::Absent(node),
                    Goal::Is(node, vec![Value::null()]),
                ]),
            },
            Call::Two(function @ (Two::Starts | Two::Contains), nodes) => {
                compare::texts(*function, nodes, wanted, draft, world)
            }
            _ => each(truth(node, wanted)),
        },
        Goal::Holds(node, wanted) => each(truth(node, wanted)),
        Goal::Compares(comparison, left, right, wanted) => {
            compare::ways(comparison, left, right, wanted, draft, world)
        }
        Goal::Is(node, values) => target::is(node, values, draft, world),
        Goal::There(node) => target::there(node, draft, world),
        Goal::Absent(node) => target::absent(node, draft, world),
    }
}

/// A value that is true as a condition, or is not.
fn truth(node: &Node, wanted: bool) -> Vec<Goal<'_>> {
    match wanted {
        true => vec![Goal::Is(
            node,
            vec![Value::from(true), Value::text("x"), Value::from(1_u64)],
        )],
        false => vec![
            Goal::Absent(node),
            Goal::Is(node, vec![Value::from(false), Value::null()]),
        ],
    }
}
