//! Detects when the thread, or the whole machine, stood still, so that no peer is blamed for it.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime},
};

use crate::clock;

/// How often the detector ticks.
const BEAT: Duration = Duration::from_secs(1);

/// A tick that is later than this means a stall.
const SLACK: Duration = Duration::from_millis(500);

/// How far the two clocks may drift apart within a tick. More means that the machine slept, or that
/// the wall clock was set.
const DRIFT: Duration = Duration::from_secs(2);

thread_local! {
    static DETECTOR: Cell<Option<StallDetector>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, Debug)]
struct StallDetector {
    last: Instant,
    /// A tick up to here is in time.
    late_from: Instant,
    stalled: Duration,
}

impl StallDetector {
    fn new(last: Instant, stalled: Duration) -> Self {
        Self {
            last,
            late_from: last + BEAT + SLACK,
            stalled,
        }
    }
}

/// The finding of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// This thread was late by this much.
    Late(Duration),
    /// The wall clock moved this much more, or less, than the monotonic clock.
    Jump(Duration),
}

/// The total time that this thread has stood still, including a stall that has just ended.
pub(in crate::connection) fn stalled(now: Instant) -> Duration {
    match DETECTOR.get() {
        None => Duration::ZERO,
        // The common case first, for its speed.
        Some(detector) if now <= detector.late_from => detector.stalled,
        Some(detector) => detector.stalled + lateness(now.saturating_duration_since(detector.last)),
    }
}

/// Ticks forever on the current thread, and reports what it finds.
pub(crate) async fn watch_stalls(mut report: impl FnMut(Finding)) {
    let mut wall = SystemTime::now();
    DETECTOR.set(Some(StallDetector::new(clock::now(), Duration::ZERO)));
    loop {
        tokio::time::sleep(BEAT).await;
        let (now, wall_now) = (clock::now(), SystemTime::now());
        let Some(detector) = DETECTOR.get() else {
            return;
        };
        let elapsed = now.saturating_duration_since(detector.last);
        let late = lateness(elapsed);
        DETECTOR.set(Some(StallDetector::new(now, detector.stalled + late)));
        if !late.is_zero() {
            report(Finding::Late(late));
        }
        let drift = drift(wall, wall_now, elapsed);
        if drift > DRIFT {
            report(Finding::Jump(drift));
        }
        wall = wall_now;
    }
}

fn lateness(elapsed: Duration) -> Duration {
    match elapsed > BEAT + SLACK {
        true => elapsed - BEAT,
        false => Duration::ZERO,
    }
}

/// How far the wall clock deviated while `elapsed` passed.
fn drift(from: SystemTime, to: SystemTime, elapsed: Duration) -> Duration {
    match to.duration_since(from) {
        Ok(walled) => walled.abs_diff(elapsed),
        Err(backwards) => backwards.duration() + elapsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_in_time_is_not_late_and_a_stall_counts_whole() {
        assert_eq!(lateness(BEAT), Duration::ZERO);
        assert_eq!(lateness(BEAT + SLACK), Duration::ZERO);
        assert_eq!(lateness(BEAT + 3 * BEAT), 3 * BEAT);
    }

    #[test]
    fn clocks_that_agree_do_not_drift_and_jumps_count_in_both_directions() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(drift(wall, wall + BEAT, BEAT), Duration::ZERO);
        assert_eq!(drift(wall, wall + 61 * BEAT, BEAT), 60 * BEAT);
        assert_eq!(drift(wall, wall - 60 * BEAT, BEAT), 61 * BEAT);
    }
}
