//! Reserves file descriptors of the process: dials must leave some for listeners, the store and
//! watches.

use std::sync::atomic::{AtomicU64, Ordering};

/// One limit for the process, because all managers share its descriptor table.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// From now on, no dial of this process gets a descriptor with this number or a higher one. The
/// system always gives out the lowest free number: a number of `limit` means that at least `limit`
/// files are open. The dial then fails with a `tcp` cause that says so.
///
/// The limit is for the whole process, with all its managers. Without a call there is no limit. On
/// systems other than Unix it has no effect.
pub fn limit_dial_descriptors(limit: u64) {
    LIMIT.store(limit, Ordering::Relaxed);
}

/// Checks that a dial may use this socket. The error says why not.
#[cfg(unix)]
pub(super) fn check(socket: &impl std::os::fd::AsRawFd) -> Result<(), String> {
    let limit = LIMIT.load(Ordering::Relaxed);
    match u64::try_from(socket.as_raw_fd()) {
        Ok(number) if number >= limit => Err(format!(
            "no descriptor is left for a dial: {limit} files are open, and the others that the limit on open files allows are kept \
             for the API and the store; raise it with ulimit -n or LimitNOFILE"
        )),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn check<T>(_: &T) -> Result<(), String> {
    Ok(())
}
