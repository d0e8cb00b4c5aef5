//! What a condition needs to find in a message.

use crate::language::{Expression, Need};

/// What a message must contain for a condition to hold, if `then` reads the message afterwards.
pub(super) fn need_of(condition: &Expression, then_looks: bool) -> Need {
    // It may hold without its needles, and what follows reads JSON.
    match then_looks && !condition.fails_without_needles() {
        true => Need::Everything,
        false => condition.need().clone(),
    }
}
