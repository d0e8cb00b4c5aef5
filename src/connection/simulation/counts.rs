//! Counters of events in simulated lives. They add up over all lives, and tests require a minimum.

/// Adds all listed fields of another value.
macro_rules! adds_up {
    ($name:ident: $($field:ident),+ $(,)?) => {
        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                // Destructured, so that a new field cannot be forgotten.
                let Self { $($field),+ } = other;
                $(self.$field += $field;)+
            }
        }
    };
}

pub(super) use adds_up;

/// Asserts that each counter is greater than a minimum, in proportion to the number of lives.
pub(super) fn expect_more_than<const N: usize>(least: u64, lives: u64, counts: [(&str, u64); N]) {
    for (what, count) in counts {
        assert!(count > least, "only {count} {what} in {lives} lives");
    }
}
