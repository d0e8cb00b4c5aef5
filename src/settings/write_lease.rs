//! The lease of a process: until when it may begin writes to the sockets of its names.

use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

/// The clock of leases.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// The time of CLOCK_BOOTTIME, which goes on while the machine sleeps, unlike that of
/// [`Instant`](std::time::Instant). All processes of a machine see the same time. Systems without
/// it give CLOCK_MONOTONIC.
///
/// ```
/// let before = everwire::boot_clock();
/// assert!(before <= everwire::boot_clock());
/// ```
pub fn boot_clock() -> Duration {
    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

/// Until when a process may write to the sockets of its names. Clones are the same lease.
///
/// With a lease in [`Settings::write_lease`](super::Settings::write_lease), **no write(2),
/// writev(2) or shutdown(2) of a TCP connection to a peer begins while
/// [`may_write`](Self::may_write) is `false`**. The clock is read directly before each of these
/// calls, so a process that was stopped beyond its lease and goes on begins no write. Reading goes
/// on, and so does dialling up to the first byte. What was to be written waits, and goes out once,
/// in order, after the lease was [set](Self::set) again.
///
/// This holds for all connections that names open: their sockets, with and without TLS, the
/// successors of rotations, sessions, handshakes, tunnels through proxies, and HTTP calls of
/// dialogues and of `prepare`. It does not hold for what the kernel has already accepted, for
/// lookups of host names, and for programs that `prepare` runs. Between the look at the clock and
/// the call there is no other work, but a kernel can stop a thread there: a holder of leases needs
/// a margin.
///
/// A socket that is dropped while its process may not write is closed with SO_LINGER 0: the kernel
/// discards what it has not sent, and sends no FIN.
///
/// Time limits go on: a dial whose handshake cannot be written fails after `connect_timeout`, and a
/// peer that is not pinged may close its socket.
///
/// ```
/// use everwire::{WriteLease, boot_clock};
/// use std::time::Duration;
///
/// let lease = WriteLease::new();
/// assert!(!lease.may_write());
/// lease.set(Some(boot_clock() + Duration::from_secs(30)));
/// assert!(lease.may_write());
/// lease.set(None);
/// assert!(!lease.may_write());
/// ```
#[derive(Clone, Default)]
pub struct WriteLease(Arc<Lease>);

#[derive(Default)]
struct Lease {
    /// Nanoseconds of the boot clock; 0: no write may begin.
    until: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// Connections with something to write.
#[derive(Default)]
struct Waiting {
    last: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl WriteLease {
    /// A lease under which nothing may be written until it is [set](Self::set).
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes may begin until `until` of the [`boot_clock`]; `None`: none may begin from now on. A
    /// write that has begun is not stopped. Wakes what waits, if writes may begin now.
    pub fn set(&self, until: Option<Duration>) {
        let nanos = until.map_or(0, |until| {
            u64::try_from(until.as_nanos()).unwrap_or(u64::MAX)
        });
        self.0.until.store(nanos, Ordering::SeqCst);
        if !self.may_write() {
            return;
        }
        // Woken without the lock: a waker may run its task at once.
        let wakers = mem::take(&mut self.0.waiting.lock().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Whether a write may begin now, by a look at the [`boot_clock`].
    pub fn may_write(&self) -> bool {
        let until = self.0.until.load(Ordering::SeqCst);
        until != 0 && boot_clock().as_nanos() < u128::from(until)
    }

    /// A place for one connection to wait at.
    pub(crate) fn place(&self) -> WritePlace {
        let mut waiting = self.0.waiting.lock();
        waiting.last += 1;
        WritePlace {
            lease: self.clone(),
            number: waiting.last,
            is_noted: false,
        }
    }
}

impl PartialEq for WriteLease {
    /// Whether both are the same lease.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for WriteLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteLease")
            .field("may_write", &self.may_write())
            .finish_non_exhaustive()
    }
}

/// The place of one connection at a lease.
#[derive(Debug)]
pub(crate) struct WritePlace {
    lease: WriteLease,
    number: u64,
    /// Whether a waker may be noted under the number.
    is_noted: bool,
}

impl WritePlace {
    /// Whether a write may begin now.
    pub(crate) fn may_write(&self) -> bool {
        self.lease.may_write()
    }

    /// Whether a write may begin now. If not, `waker` is woken when that may have changed; it
    /// replaces the one of an earlier call.
    pub(crate) fn may_write_or_wake(&mut self, waker: &Waker) -> bool {
        if self.lease.may_write() {
            return true;
        }
        let mut waiting = self.lease.0.waiting.lock();
        match waiting.wakers.get_mut(&self.number) {
            Some(known) => known.clone_from(waker),
            None => {
                waiting.wakers.insert(self.number, waker.clone());
            }
        }
        self.is_noted = true;
        drop(waiting);
        // `set` stores the time before it takes the wakers: either it takes this one, or the time is
        // seen here.
        self.lease.may_write()
    }
}

impl Drop for WritePlace {
    fn drop(&mut self) {
        if self.is_noted {
            self.lease.0.waiting.lock().wakers.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::AtomicUsize,
        task::{Context, Wake},
    };

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn soon() -> Option<Duration> {
        Some(boot_clock() + Duration::from_secs(60))
    }

    #[test]
    fn a_lease_ends_by_itself_and_by_hand() {
        let lease = WriteLease::new();
        assert!(!lease.may_write());
        lease.set(soon());
        let same = lease.clone();
        assert!(lease.may_write() && same.may_write());
        lease.set(Some(boot_clock()));
        assert!(!lease.may_write());
        lease.set(soon());
        lease.set(None);
        assert!(!lease.may_write() && !same.may_write());
    }

    #[test]
    fn the_last_waker_of_each_place_is_woken_once_and_only_when_writes_may_begin() {
        let lease = WriteLease::new();
        let counts = [(); 3].map(|()| Arc::new(Counted::default()));
        let wakers = counts.clone().map(Waker::from);
        let (mut one, mut other) = (lease.place(), lease.place());
        assert!(!one.may_write_or_wake(&wakers[0]));
        // A task that was replaced by another.
        assert!(!one.may_write_or_wake(&wakers[1]));
        assert!(!other.may_write_or_wake(Context::from_waker(&wakers[2]).waker()));
        let woken = || {
            counts
                .each_ref()
                .map(|count| count.0.load(Ordering::SeqCst))
        };
        lease.set(None);
        lease.set(Some(boot_clock()));
        assert_eq!(woken(), [0, 0, 0]);
        drop(other);
        lease.set(soon());
        assert_eq!(woken(), [0, 1, 0]);
        lease.set(soon());
        assert_eq!(woken(), [0, 1, 0]);
        assert!(one.may_write_or_wake(&wakers[0]));
        drop(one);
        assert!(lease.0.waiting.lock().wakers.is_empty());
    }

    #[test]
    fn no_waker_is_lost_while_the_lease_is_set() {
        for _ in 0..2_000 {
            let lease = WriteLease::new();
            let count = Arc::new(Counted::default());
            let waker = Waker::from(Arc::clone(&count));
            let mut place = lease.place();
            let setter = {
                let lease = lease.clone();
                std::thread::spawn(move || lease.set(soon()))
            };
            let may_write = place.may_write_or_wake(&waker);
            setter.join().unwrap();
            assert!(may_write || count.0.load(Ordering::SeqCst) == 1);
        }
    }
}
