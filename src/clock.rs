//! The clocks: tokio's, so that a test can stop it and let it jump, and the one on the wall.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

/// For how long what the wall clock said is gone on from, by the monotonic clock: each reading takes 23 ns, where all that an echo
/// takes outside the kernel is 1.2 µs. A clock that is slewed at the most that kernels do, 500 µs a second, is wrong by 5 µs then; one that
/// is set is noticed so much later.
const FRESH: Duration = Duration::from_millis(10);

thread_local! {
    static READ: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
}

/// Now, by the clock that timers go by.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What the wall clock says at `now`, which is now.
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

/// The same as `checked_add`, which takes any kind of span and costs five times as much.
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
