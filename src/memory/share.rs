//! Fair sharing among holders that want different amounts.

/// The most that each may have so that all together have no more than `total`. A holder that wants
/// less gets all it wants. Sorts `wanted`.
pub(crate) fn fair_share(wanted: &mut [usize], total: usize) -> usize {
    wanted.sort_unstable();
    let (mut left, mut others) = (total, wanted.len());
    for &one in &*wanted {
        let share = left / others;
        if one > share {
            return share;
        }
        left -= one;
        others -= 1;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn who_wants_little_has_it() {
        assert_eq!(fair_share(&mut [5, 100, 10, 100], 115), 50);
        assert_eq!(fair_share(&mut [5, 100], 105), usize::MAX);
        assert_eq!(fair_share(&mut [5, 100], 0), 0);
        assert_eq!(fair_share(&mut [], 0), usize::MAX);
    }

    proptest! {
        #[test]
        fn all_have_as_much_as_there_is(mut wanted in vec(0..1000_usize, 1..50), total in 0..20_000_usize) {
            let share = fair_share(&mut wanted, total);
            let had: usize = wanted.iter().map(|one| (*one).min(share)).sum();
            prop_assert!(had <= total);
            let all: usize = wanted.iter().sum();
            prop_assert!(had == all || total - had < wanted.len(), "{had} of {total}");
        }
    }
}
