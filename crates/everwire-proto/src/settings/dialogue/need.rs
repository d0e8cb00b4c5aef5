//! What of a message concerns a condition.

use crate::language::{Expression, Need};

/// What a condition needs of a message, if `then` is looked into where it holds.
pub(super) fn need_of(condition: &Expression, then_looks: bool) -> Need {
    match condition.need() {
        // It holds without JSON, and what follows reads JSON.
        Need::Nothing if then_looks => Need::Everything,
        need => need.clone(),
    }
}
