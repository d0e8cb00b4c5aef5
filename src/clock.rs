//! The clocks: tokio's monotonic clock, which a test can pause and advance, and the wall clock.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

/// How long a reading of the wall clock is extrapolated by the monotonic clock. A reading takes 23
/// ns, and an echo only 1.2 µs outside of the kernel. If the clock is slewed at the most that
/// kernels do, 500 µs a second, the error is 5 µs. A clock that is set is noticed after this time.
const FRESH: Duration = Duration::from_millis(10);

thread_local! {
    static READ: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
}

/// The current time of the clock that timers use.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The wall clock's time at `now`, which must be the current time.
pub(crate) fn wall_at(now: Instant) -> Timestamp {
    if let Some((at, wall)) = READ.get()
        && let Some(since) = now.checked_duration_since(at)
        && since < FRESH
        && let Ok(wall) = gone_on(wall, since)
    {
        return wall;
    }
    let wall = Timestamp::now();
    READ.set(Some((now, wall)));
    wall
}

/// Adds a short span. `checked_add` takes any kind of span and costs five times as much.
fn gone_on(wall: Timestamp, since: Duration) -> Result<Timestamp, jiff::Error> {
    let since = SignedDuration::new(0, since.subsec_nanos().cast_signed());
    Timestamp::from_duration(wall.as_duration().saturating_add(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_looks_the_wall_clock_goes_on() {
        let start = Instant::now();
        let wall = wall_at(start);
        let step = FRESH / 2;
        assert_eq!(wall_at(start + step), wall.checked_add(step).unwrap());
        assert_eq!(wall_at(start), wall);
    }

    #[test]
    fn it_is_looked_at_anew_after_a_while_and_when_time_goes_back() {
        let real = Instant::now();
        for at in [real, real + FRESH, real + 50 * FRESH, real] {
            let before = Timestamp::now();
            let wall = wall_at(at);
            assert!((before..=Timestamp::now()).contains(&wall));
        }
    }
}
