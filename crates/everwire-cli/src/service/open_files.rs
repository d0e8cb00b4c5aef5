//! The limit on open files: each socket needs one.

/// The files that the process needs besides one for each name: HTTP clients, the store, the watch,
/// the runtime.
const RESERVE: usize = 384;

/// Raises the limit as far as allowed, reserves a part of it, and warns if `names` need more.
pub fn raise(names: usize) {
    let need = names.saturating_add(RESERVE);
    let raised = rlimit::increase_nofile_limit(u64::MAX);
    if let Ok(limit) = raised {
        everwire::limit_dial_descriptors(for_dials(limit));
    }
    match raised {
        Ok(limit) if suffices(limit, need) => tracing::debug!(limit, "limit on open files raised"),
        Ok(limit) => tracing::warn!(
            limit,
            need,
            "the limit on open files is too low for all names; raise it with ulimit -n or LimitNOFILE"
        ),
        Err(error) => tracing::warn!(need, %error, "the limit on open files cannot be raised"),
    }
}

/// How many of the descriptors dials may use: all except the reserve, or half if there are few.
fn for_dials(limit: u64) -> u64 {
    let reserve = u64::try_from(RESERVE).unwrap_or(u64::MAX);
    limit.saturating_sub(reserve).max(limit / 2)
}

fn suffices(limit: u64, need: usize) -> bool {
    u64::try_from(need).is_ok_and(|need| need <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dials_leave_the_reserve_and_get_half_of_few() {
        assert_eq!(for_dials(20_000), 20_000 - 384);
        assert_eq!(for_dials(1024), 640);
        assert_eq!(for_dials(128), 64);
    }

    #[test]
    fn a_limit_below_the_need_does_not_suffice() {
        assert!(suffices(1024, 1024));
        assert!(!suffices(1023, 1024));
    }
}
