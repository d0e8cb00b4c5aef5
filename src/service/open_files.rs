//! The limit on open files: each socket is one.

/// What the process needs besides one file for each name: HTTP clients, the runtime, and dials that race addresses.
const RESERVE: usize = 256;

/// Raises the limit as far as allowed, and warns when `names` need more.
pub fn raise(names: usize) {
    let need = names.saturating_add(RESERVE);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if suffices(limit, need) => tracing::debug!(limit, "limit on open files raised"),
        Ok(limit) => tracing::warn!(
            limit,
            need,
            "the limit on open files is too low for all names; raise it with ulimit -n or LimitNOFILE"
        ),
        Err(error) => tracing::warn!(need, %error, "the limit on open files cannot be raised"),
    }
}

fn suffices(limit: u64, need: usize) -> bool {
    u64::try_from(need).is_ok_and(|need| need <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_below_the_need_does_not_suffice() {
        assert!(suffices(1024, 1024));
        assert!(!suffices(1023, 1024));
    }
}
