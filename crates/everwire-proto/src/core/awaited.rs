//! Decides when the answer to a message of ours is late, and when the delay is our own doing.

use std::time::{Duration, Instant};

/// If a peer takes our bytes more slowly than this, in bytes a second, it counts as not reading.
pub const OUTBOUND_FLOOR: u64 = 64 << 10;

/// If an incoming frame is slower than this, in bytes a second, it does not excuse a missing
/// answer.
pub const INBOUND_FLOOR: u64 = 1 << 10;

/// An answer that the peer owes us: to a ping, or to a Close frame.
///
/// It is late after `timeout`, plus the time that our bytes before the question take at
/// [`OUTBOUND_FLOOR`]. The time starts at the latest of these: the question was written; the peer's
/// TCP took more of the bytes up to the question; bytes of an unfinished frame came at
/// [`INBOUND_FLOOR`] or faster, since no answer fits inside a frame (RFC 6455 §5.4).
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    /// When the peer last gave a sign of life, or the question was written; `None` before that.
    since: Option<Instant>,
    /// Our bytes before the question that the peer may not have read.
    ahead: u64,
    /// The bytes up to the question that the peer's TCP had not taken at the last look.
    untaken: u64,
    /// How many more incoming bytes can excuse a missing answer: those of one frame of the largest
    /// size.
    excusing: u64,
}

impl Awaited {
    /// A question after `ahead` bytes that the peer may not have read. `max_frame` bounds what
    /// comes before its answer.
    pub fn new(ahead: u64, max_frame: u64) -> Self {
        Self {
            since: None,
            ahead,
            untaken: 0,
            excusing: max_frame,
        }
    }

    /// The kernel has the whole question; the peer's TCP has not taken `untaken` bytes up to it.
    pub fn written(&mut self, untaken: u64, now: Instant) {
        if self.since.is_none() {
            self.since = Some(now);
            self.untaken = untaken;
        }
    }

    /// Whether the kernel has the question.
    pub fn is_written(&self) -> bool {
        self.since.is_some()
    }

    /// How many bytes up to the question the peer's TCP has not taken, as of the last look.
    pub fn untaken(&self) -> u64 {
        self.untaken
    }

    /// The peer's TCP has not taken `untaken` bytes up to the question.
    pub fn looked(&mut self, untaken: u64, now: Instant) {
        if untaken < self.untaken {
            self.untaken = untaken;
            self.alive(now);
        }
    }

    /// Bytes of an incomplete frame came. At the floor's rate they make up for the time that they
    /// took.
    pub fn inbound(&mut self, bytes: u64, now: Instant) {
        let bytes = bytes.min(self.excusing);
        self.excusing -= bytes;
        if let Some(since) = &mut self.since {
            *since = (*since + time_for(bytes, INBOUND_FLOOR)).min(now.max(*since));
        }
    }

    /// The peer gave a sign of life that counts like an answer.
    pub fn alive(&mut self, now: Instant) {
        if let Some(since) = &mut self.since {
            *since = now.max(*since);
        }
    }

    /// The time from `from` to `now` does not count against the peer.
    pub fn forgive(&mut self, from: Instant, now: Instant) {
        if let Some(since) = &mut self.since {
            *since += now.saturating_duration_since(from.max(*since));
        }
    }

    /// When the answer is late; `None` until the question is written.
    pub fn late_at(&self, timeout: Duration) -> Option<Instant> {
        self.since?
            .checked_add(timeout.saturating_add(time_for(self.ahead, OUTBOUND_FLOOR)))
    }
}

/// How long `bytes` take at `per_second`.
fn time_for(bytes: u64, per_second: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(per_second);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MAX_FRAME: u64 = 16 << 20;

    fn written(ahead: u64, untaken: u64, now: Instant) -> Awaited {
        let mut answer = Awaited::new(ahead, MAX_FRAME);
        answer.written(untaken, now);
        answer
    }

    #[test]
    fn an_answer_is_never_late_before_the_question_is_written() {
        let (mut answer, now) = (Awaited::new(0, MAX_FRAME), Instant::now());
        answer.inbound(1 << 20, now);
        answer.forgive(now, now + SECOND);
        answer.alive(now);
        assert_eq!(answer.late_at(SECOND), None);
    }

    #[test]
    fn our_bytes_ahead_of_the_question_have_their_time() {
        let now = Instant::now();
        let answer = written(3 * OUTBOUND_FLOOR, 0, now);
        assert_eq!(answer.late_at(2 * SECOND), Some(now + 5 * SECOND));
    }

    #[test]
    fn bytes_that_the_peers_tcp_takes_count_until_it_has_the_question() {
        let now = Instant::now();
        let mut answer = written(0, 100, now);
        answer.looked(100, now + SECOND);
        assert_eq!(answer.late_at(2 * SECOND), Some(now + 2 * SECOND));
        answer.looked(40, now + SECOND);
        assert_eq!(answer.late_at(2 * SECOND), Some(now + 3 * SECOND));
        answer.looked(0, now + 2 * SECOND);
        answer.looked(0, now + 3 * SECOND);
        assert_eq!(answer.late_at(2 * SECOND), Some(now + 4 * SECOND));
    }

    #[test]
    fn a_frame_that_comes_in_fast_excuses_and_a_trickle_does_not() {
        let now = Instant::now();
        let mut fast = written(0, 0, now);
        fast.inbound(100_000, now + SECOND);
        assert_eq!(
            fast.late_at(2 * SECOND),
            Some(now + 3 * SECOND),
            "no further than now"
        );
        let (mut floor, mut trickle) = (written(0, 0, now), written(0, 0, now));
        for second in 1..100 {
            floor.inbound(INBOUND_FLOOR, now + second * SECOND);
            trickle.inbound(1, now + second * SECOND);
        }
        assert_eq!(floor.late_at(2 * SECOND), Some(now + 101 * SECOND));
        assert!(trickle.late_at(2 * SECOND) < Some(now + 3 * SECOND));
    }

    #[test]
    fn no_more_than_one_frame_excuses_an_answer() {
        let now = Instant::now();
        let mut answer = Awaited::new(0, 10 * INBOUND_FLOOR);
        answer.written(0, now);
        for second in 1..100 {
            answer.inbound(INBOUND_FLOOR, now + second * SECOND);
        }
        assert_eq!(answer.late_at(2 * SECOND), Some(now + 12 * SECOND));
    }
}
