//! Limits the log lines for the names of one owner, so that names with many failures leave room for
//! others.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use everwire::Owner;
use parking_lot::Mutex;

/// The average time per line of an owner.
const EACH: Duration = Duration::from_millis(10);
/// The most lines at once after a silence: a thousand names that are lost and reconnect together.
const BURST: u32 = 10_000;
/// The shortest time between two reports of omitted lines.
const TOLD: Duration = Duration::from_secs(10);

/// The shares of all owners that have one.
#[derive(Debug, Default)]
pub struct LogShares(Mutex<HashMap<Owner, Share>>);

#[derive(Debug)]
struct Share {
    /// When all lines so far would be written, with [`EACH`] for each.
    paid_at: Instant,
    left_out: u64,
    /// When omitted lines were last reported.
    told_at: Option<Instant>,
}

impl LogShares {
    /// Whether to write a line for this owner. `has_room`: whether there is room for one.
    pub fn take(&self, owner: &Owner, has_room: bool, now: Instant) -> bool {
        let mut shares = self.0.lock();
        let share = shares.entry(owner.clone()).or_insert(Share {
            paid_at: now,
            left_out: 0,
            told_at: None,
        });
        let paid_at = share.paid_at.max(now) + EACH;
        let is_written = has_room && paid_at.duration_since(now) <= EACH * BURST;
        match is_written {
            true => share.paid_at = paid_at,
            false => share.left_out += 1,
        }
        is_written
    }

    /// The number of omitted lines, for each owner that is to be reported now.
    pub fn left_out(&self, now: Instant) -> Vec<(Owner, u64)> {
        let mut shares = self.0.lock();
        let due = shares.iter_mut().filter(|(_, share)| {
            let is_due = share.told_at.is_none_or(|told_at| now >= told_at + TOLD);
            share.left_out > 0 && is_due
        });
        due.map(|(owner, share)| {
            share.told_at = Some(now);
            (owner.clone(), std::mem::take(&mut share.left_out))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_with_many_lines_leaves_out_its_own_and_their_number_is_told() {
        let (shares, start) = (LogShares::default(), Instant::now());
        let [acme, other] = ["acme", "other"].map(Owner::new);
        let take = |now| shares.take(&acme, true, now);
        assert!((0..BURST).all(|_| take(start)));
        assert_eq!(shares.left_out(start), []);
        assert!(!take(start) && !take(start));
        assert!(shares.take(&other, true, start));
        let later = start + EACH;
        assert!(take(later) && !take(later));
        assert_eq!(shares.left_out(later), [(acme.clone(), 3)]);
        assert!(!shares.take(&other, false, later));
        assert_eq!(shares.left_out(later), [(other, 1)]);
        assert!(!take(later));
        assert_eq!(shares.left_out(later), [], "it was told just now");
        assert_eq!(shares.left_out(later + TOLD), [(acme.clone(), 1)]);
        // A silence is worth no more than the burst.
        let much_later = later + 10 * BURST * EACH;
        let written = (0..2 * BURST).filter(|_| take(much_later)).count();
        assert_eq!(written, BURST as usize);
    }
}
