//! What of a message concerns a condition.

use crate::language::{Expression, Need};

/// What a condition needs of a message, if `then` is looked into where it holds.
pub(super) fn need_of(condition: &Expression, then_looks: bool) -> Need {
    // It may hold without its needles, and what follows reads JSON.
    match then_looks && !condition.fails_without_needles() {
        true => Need::Everything,
        false => condition.need().clone(),
    }
}
