//! Until when a boot may write.

use std::time::Duration;

use super::super::{Clocks, LeaseSettings, lease::Lease};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Both clocks, the wall clock so many seconds ahead.
fn at(boot: u64, ahead: u64) -> Clocks {
    Clocks {
        boot: s(boot),
        wall: s(1_700_000_000 + boot + ahead),
    }
}

fn lease() -> Lease {
    let settings = LeaseSettings::new(s(30), s(2)).unwrap();
    Lease::new(settings, None, at(100, 0))
}

#[test]
fn it_counts_from_before_the_renewal_was_sent_and_only_if_it_was_seen() {
    let mut lease = lease();
    lease.sent(0, at(100, 0));
    // Again, since the first may be lost: it counts from the first.
    lease.sent(0, at(105, 0));
    assert_eq!(
        (lease.write_until(), lease.is_over(at(500, 0))),
        (None, false)
    );
    lease.seen(0);
    assert_eq!(lease.write_until(), Some(s(128)));
    lease.sent(1, at(112, 0));
    lease.sent(2, at(117, 0));
    assert_eq!(lease.write_until(), Some(s(128)));
    lease.seen(2);
    lease.seen(1);
    assert_eq!(
        lease.write_until(),
        Some(s(145)),
        "a late record does not shorten it"
    );
    lease.seen(9);
    assert_eq!(lease.write_until(), Some(s(145)), "nobody has sent it");
    assert!(!lease.is_over(at(144, 0)) && lease.is_over(at(145, 0)));
}

#[test]
fn clocks_that_move_apart_leave_it_unproven_until_a_renewal_sent_afterwards_is_seen() {
    for ahead in [3, 7_200] {
        let mut lease = lease();
        lease.look(at(101, ahead));
        lease.sent(0, at(101, ahead));
        lease.seen(0);
        lease.sent(1, at(110, ahead));
        // Slowly they may.
        lease.look(at(110, ahead + 1));
        assert_eq!(lease.write_until(), Some(s(129)));
        lease.look(at(111, 1));
        assert_eq!(lease.write_until(), None);
        lease.seen(1);
        assert_eq!(lease.write_until(), None, "it was sent before");
        lease.sent(2, at(112, 1));
        lease.seen(2);
        assert_eq!(lease.write_until(), Some(s(140)));
        assert_eq!(lease.until(), Some(s(140)));
    }
}

#[test]
fn what_was_sent_and_never_seen_is_forgotten() {
    let mut lease = lease();
    for number in 0..1_000 {
        lease.sent(number, at(100 + number, 0));
    }
    lease.seen(0);
    assert_eq!(lease.write_until(), None);
    lease.seen(999);
    assert_eq!(lease.write_until(), Some(s(1_127)));
}

#[test]
fn a_lease_leaves_time_to_renew_it() {
    for (lease, margin, least) in [
        (18, 2, None),
        (17, 2, Some(18)),
        (30, 11, Some(31)),
        (30, 40, Some(75)),
    ] {
        let settings = LeaseSettings::new(s(lease), s(margin));
        assert_eq!(
            settings.err().map(|error| error.least),
            least.map(|least| Duration::from_millis(
                least * 1000 + if margin == 11 { 500 } else { 0 }
            ))
        );
    }
}
