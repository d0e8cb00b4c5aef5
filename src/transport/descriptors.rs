//! The descriptors of the process that no dial may have: what accepts, stores and watches needs them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A process has one table of descriptors, whatever managers it has.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// From now on no dial of this process gets a descriptor of this number or a higher one. The system gives out the lowest that is
/// free: once that is not below `limit`, there are `limit` files open at least, and a dial fails with a `tcp` cause that says so.
///
/// It concerns the process, whatever managers it has. There is no limit until it is set; off Unix there is none at all.
pub fn limit_dial_descriptors(limit: u64) {
    LIMIT.store(limit, Ordering::Relaxed);
}

/// Whether a dial may have this socket; otherwise why not.
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
