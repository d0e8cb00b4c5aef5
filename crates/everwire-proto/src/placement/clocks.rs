//! The two clocks of a machine.

use std::time::Duration;

/// What the clocks of a machine say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The time since the machine was started, with the time that it was asleep: `CLOCK_BOOTTIME`.
    pub boot: Duration,
    /// The time since 1970, as the machine is told it.
    pub wall: Duration,
}

impl Clocks {
    /// How far the two clocks have moved apart since an earlier reading.
    pub fn apart_since(self, earlier: Self) -> Duration {
        let of = |clocks: Self| {
            let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
            nanos(clocks.wall).saturating_sub(nanos(clocks.boot))
        };
        let apart = of(self).abs_diff(of(earlier));
        Duration::from_nanos(u64::try_from(apart).unwrap_or(u64::MAX))
    }
}
