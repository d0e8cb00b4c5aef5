//! What is counted in lives: it adds up over all of them, and must be seen often enough.

/// Adds all of these fields up.
macro_rules! adds_up {
    ($name:ident: $($field:ident),+ $(,)?) => {
        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                // Taken apart, so that none is forgotten.
                let Self { $($field),+ } = other;
                $(self.$field += $field;)+
            }
        }
    };
}

pub(super) use adds_up;

/// Each of these was seen more than so often in so many lives.
pub(super) fn expect_more_than<const N: usize>(least: u64, lives: u64, counts: [(&str, u64); N]) {
    for (what, count) in counts {
        assert!(count > least, "only {count} {what} in {lives} lives");
    }
}
