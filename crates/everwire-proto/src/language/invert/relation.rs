//! Checks comparisons.

use super::candidate::Candidate;
use crate::language::{
    Value,
    expression::{Comparison, Node, evaluate},
    value::{equal, is_in, order},
};

/// Whether a comparison is true.
pub(super) fn is_so(
    comparison: Comparison,
    left: &Node,
    right: &Node,
    world: &Candidate<'_>,
) -> bool {
    between(comparison, &evaluate(left, world), &evaluate(right, world))
}

/// Whether a comparison between two values is true.
pub(super) fn between(comparison: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    if left.is_absent() || right.is_absent() {
        return false;
    }
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::Unequal => !equal(left, right),
        Comparison::Less => order(left, right).is_some_and(|order| order.is_lt()),
        Comparison::LessOrEqual => order(left, right).is_some_and(|order| order.is_le()),
        Comparison::Greater => order(left, right).is_some_and(|order| order.is_gt()),
        Comparison::GreaterOrEqual => order(left, right).is_some_and(|order| order.is_ge()),
        Comparison::In => is_in(left, right),
    }
}
