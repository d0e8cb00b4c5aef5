//! What happens after a loss.

use std::{num::NonZeroU32, time::Duration};

/// What happens after a loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconnect {
    /// The first loss is final: the name fails.
    Never,
    /// Dial again, after a delay.
    Backoff(Backoff),
}

/// The delays between dials: uniform in `[min, cap]`, `cap = min(max, initial × factor^attempt)`.
///
/// Start from the defaults. Setters keep `min ≤ initial ≤ max`: the latest one wins, and moves the
/// others.
///
/// ```
/// use std::time::Duration;
/// use everwire_proto::settings::{Backoff, ConnectionSettings};
///
/// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
/// settings.reconnect = Backoff::default().max(Duration::from_secs(5)).max_attempts(10).into();
/// # Ok::<(), everwire_proto::settings::InvalidUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// The shortest delay, except before another URL, where it is between zero and `initial`.
    pub min: Duration,
    /// The first cap; at least `min`.
    pub initial: Duration,
    /// The longest cap; at least `initial`.
    pub max: Duration,
    /// The factor by which the cap grows; at least 1.
    pub factor: f64,
    /// How a delay below the cap is chosen.
    pub jitter: Jitter,
    /// How long a socket must be up before the attempts count from zero again.
    pub stable_after: Duration,
    /// Give up after this many failed attempts in a row; with several URLs, after this many for
    /// each.
    pub max_attempts: Option<NonZeroU32>,
    /// Causes after which there are no more attempts.
    pub give_up_on: Vec<GiveUpRule>,
}

/// How a delay below the cap is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Uniform in `[min, cap]`.
    #[default]
    Full,
    /// The cap itself.
    None,
}

/// A cause after which there are no more attempts. `Display` gives the text of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiveUpRule {
    /// `status:401` or `status:400-499`: the HTTP status of a refused handshake, or of a proxy's answer to CONNECT.
    Status(std::ops::RangeInclusive<u16>),
    /// `close:4010-4014`: the close code that the peer sent; 1005 is a close frame without a code,
    /// 1006 the end of a socket without a close frame.
    Close(std::ops::RangeInclusive<u16>),
    /// `cause:refused`: one of [`Cause::KINDS`](crate::core::Cause::KINDS).
    Cause(&'static str),
}

impl std::fmt::Display for GiveUpRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, range) = match self {
            Self::Status(range) => ("status", range),
            Self::Close(range) => ("close", range),
            Self::Cause(cause) => return write!(f, "cause:{cause}"),
        };
        match (range.start(), range.end()) {
            (first, last) if first == last => write!(f, "{kind}:{first}"),
            (first, last) => write!(f, "{kind}:{first}-{last}"),
        }
    }
}

impl Backoff {
    /// Sets the shortest delay; `initial` and `max` are raised to it.
    pub fn min(mut self, min: Duration) -> Self {
        self.min = min;
        self.initial = self.initial.max(min);
        self.max = self.max.max(min);
        self
    }

    /// Sets the first cap; `min` is lowered to it, `max` raised.
    pub fn initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self.min = self.min.min(initial);
        self.max = self.max.max(initial);
        self
    }

    /// Sets the longest cap; `min` and `initial` are lowered to it.
    pub fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self.min = self.min.min(max);
        self.initial = self.initial.min(max);
        self
    }

    /// Sets the factor by which the cap grows; a value below 1, or NaN, counts as 1.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0);
        self
    }

    /// Sets how delays are chosen.
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets how long a socket must be up before the attempts count from zero again.
    pub fn stable_after(mut self, stable_after: Duration) -> Self {
        self.stable_after = stable_after;
        self
    }

    /// Sets the number of failed attempts in a row after which it gives up; 0 is never, as in the
    /// configuration.
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = NonZeroU32::new(max_attempts);
        self
    }

    /// Replaces the causes after which there are no more attempts.
    pub fn give_up_on(mut self, rules: impl IntoIterator<Item = GiveUpRule>) -> Self {
        self.give_up_on = rules.into_iter().collect();
        self
    }
}

impl From<Backoff> for Reconnect {
    fn from(backoff: Backoff) -> Self {
        Self::Backoff(backoff)
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::Backoff(Backoff::default())
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(100),
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            factor: 2.0,
            jitter: Jitter::Full,
            stable_after: Duration::from_secs(10),
            max_attempts: None,
            give_up_on: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_keep_the_order_of_the_delays_whichever_comes_last() {
        let (ms, default) = (Duration::from_millis, Backoff::default());
        let delays = |backoff: &Backoff| (backoff.min, backoff.initial, backoff.max);
        let low = default.clone().max(ms(50));
        assert_eq!(delays(&low), (ms(50), ms(50), ms(50)));
        let high = default.clone().min(ms(60_000));
        assert_eq!(delays(&high), (ms(60_000), ms(60_000), ms(60_000)));
        let first = default.clone().initial(ms(10));
        assert_eq!(delays(&first), (ms(10), ms(10), ms(30_000)));
        let first = default.initial(ms(40_000));
        assert_eq!(delays(&first), (ms(100), ms(40_000), ms(40_000)));
    }

    #[test]
    fn each_setter_sets_its_field() {
        let rule = GiveUpRule::Status(401..=401);
        let backoff = Backoff::default()
            .factor(3.0)
            .jitter(Jitter::None)
            .stable_after(Duration::from_secs(1))
            .max_attempts(7)
            .give_up_on([rule.clone()]);
        assert_eq!((backoff.factor, backoff.jitter), (3.0, Jitter::None));
        assert_eq!(backoff.stable_after, Duration::from_secs(1));
        assert_eq!(backoff.max_attempts, NonZeroU32::new(7));
        assert_eq!(backoff.give_up_on, [rule]);
        assert_eq!(backoff.clone().max_attempts(0).max_attempts, None);
        assert_eq!(backoff.clone().factor(f64::NAN).factor, 1.0);
        assert_eq!(
            Reconnect::from(backoff.clone()),
            Reconnect::Backoff(backoff)
        );
    }
}
