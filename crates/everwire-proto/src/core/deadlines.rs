//! When a socket is late, and when it is not to be blamed: while this thread stood still, while nobody may read it, and while
//! bytes are on their way in either direction.

use std::time::{Duration, Instant};

use super::{Awaited, Cause, HeartbeatState, later};

/// In this part of a timeout the peer's TCP is looked at again, while it has not taken a ping whole.
const LOOKS: u32 = 16;

/// After so long a pause of ours is looked at again.
const PAUSE: Duration = Duration::from_millis(250);

/// What one socket is waited for.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// When the last application message came, or the socket opened.
    heard: Instant,
    /// Since when a subscriber keeps us from reading.
    paused: Option<Instant>,
    /// Since when bytes of ours wait for the kernel.
    blocked: Option<Blocked>,
    /// What the peer's TCP had taken when we looked last, while it has not taken a ping whole.
    look: Option<Look>,
    /// The data frame that was not complete when all that had come was read.
    within: Option<WithinFrame>,
    /// Whether all that has come is read.
    drained: bool,
    /// How long this thread had stood still when we looked last.
    stalled: Duration,
}

/// Bytes that the kernel does not take.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    /// When it took some last, and how many it had taken then.
    progress: Instant,
    accepted: u64,
}

/// What the peer's TCP has of the bytes up to a ping.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Where the ping ends, by bytes written to TCP.
    end: u64,
    /// When to look again.
    next: Instant,
}

/// A data frame of which a part has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithinFrame {
    /// Which of the data frames of the socket it is.
    pub number: u32,
    /// How many bytes of it have not come.
    pub lacks: usize,
}

/// How far TCP has come with our bytes.
#[derive(Clone, Copy, Debug)]
pub struct TcpProgress {
    /// As many were given to it.
    pub written: u64,
    /// As many of those the peer's TCP has not taken.
    pub unacknowledged: u64,
}

/// How long a peer may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// To answer a ping, and to let bytes of ours move on; `None`: as long as it likes.
    pub answer: Option<Duration>,
    /// To say something; `None`: as long as it likes.
    pub idle: Option<Duration>,
}

/// What a peer owes us by the heartbeat.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owed {
    /// When its answer is overdue.
    pub answer: Option<Instant>,
    /// Whether a ping is unanswered.
    pub is_waiting: bool,
    /// Whether a ping is to go out.
    pub is_due: bool,
    /// Whether it has sent messages while its answer became overdue.
    pub heard_instead: bool,
    /// Whether it has sent pongs that answer no ping of ours.
    pub foreign_pongs: bool,
}

impl Deadlines {
    /// Those of a socket that opens now, on a thread that has stood still for so long in all.
    pub fn new(stalled: Duration, now: Instant) -> Self {
        Self {
            heard: now,
            paused: None,
            blocked: None,
            look: None,
            within: None,
            drained: false,
            stalled,
        }
    }

    /// An application message came.
    #[inline]
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// This thread has stood still for so long in all. Meanwhile nobody was late.
    pub fn forgive_stalls(
        &mut self,
        stalled: Duration,
        heartbeat: &mut HeartbeatState,
        now: Instant,
    ) {
        let more = stalled.saturating_sub(self.stalled);
        if !more.is_zero() {
            self.stalled = stalled;
            self.heard += more;
            if let Some(blocked) = &mut self.blocked {
                blocked.progress = now.min(blocked.progress + more);
            }
            heartbeat.forgive(now.checked_sub(more).unwrap_or(now), now);
        }
    }

    /// The kernel has accepted so many bytes in all, and does not take the next one (`is_blocked`).
    pub fn written(&mut self, is_blocked: bool, accepted: u64, now: Instant) {
        match (is_blocked, &mut self.blocked) {
            (true, Some(blocked)) => {
                if accepted > blocked.accepted {
                    (blocked.accepted, blocked.progress) = (accepted, now);
                }
            }
            (true, none) => {
                *none = Some(Blocked {
                    progress: now,
                    accepted,
                });
            }
            (false, blocked) => *blocked = None,
        }
    }

    /// The kernel has a ping whole, whose `answer` may take `timeout`. `tcp`: how far the connection has come, where there is one.
    pub fn ping_written(
        &mut self,
        answer: &mut Awaited,
        timeout: Duration,
        tcp: Option<TcpProgress>,
        now: Instant,
    ) {
        let untaken = tcp.map_or(0, |tcp| tcp.unacknowledged);
        answer.written(untaken, now);
        self.look = tcp.filter(|_| untaken > 0).map(|tcp| Look {
            end: tcp.written,
            next: later(now, timeout / LOOKS),
        });
    }

    /// Whether it is time to look how much the peer's TCP has taken of the bytes up to the ping.
    pub fn is_look_due(&self, now: Instant) -> bool {
        self.look.is_some_and(|look| look.next <= now)
    }

    /// That was looked at, and is this, as long as the ping's `answer` is waited for.
    pub fn looked(
        &mut self,
        answer: Option<&mut Awaited>,
        timeout: Option<Duration>,
        tcp: Option<TcpProgress>,
        now: Instant,
    ) {
        let (Some(mut look), Some(answer), Some(timeout), Some(tcp)) =
            (self.look.take(), answer, timeout, tcp)
        else {
            return;
        };
        let behind = tcp.written.saturating_sub(look.end);
        answer.looked(tcp.unacknowledged.saturating_sub(behind), now);
        if answer.untaken() > 0 {
            look.next = later(now, timeout / LOOKS);
            self.look = Some(look);
        }
    }

    /// There may be more to read than was read.
    #[inline]
    pub fn reads(&mut self) {
        self.drained = false;
    }

    /// All that has come is read, up to the midst of this data frame. Bytes of it are signs of life.
    pub fn read_all(
        &mut self,
        within: Option<WithinFrame>,
        heartbeat: &mut HeartbeatState,
        now: Instant,
    ) {
        self.drained = true;
        if within == self.within {
            return;
        }
        if let (Some(before), Some(here)) = (self.within, within)
            && before.number == here.number
            && let Some(answer) = heartbeat.awaited()
        {
            let bytes = before.lacks.saturating_sub(here.lacks) as u64;
            answer.inbound(bytes, now);
        }
        if within.is_some() {
            self.heard = now;
        }
        self.within = within;
    }

    /// Whether all that has come is read: only then is what did not come late.
    #[inline]
    pub fn has_read_all(&self) -> bool {
        self.drained
    }

    /// Whether a subscriber keeps us from reading. Deadlines stand still meanwhile.
    #[inline]
    pub fn pause(&mut self, paused: bool, heartbeat: &mut HeartbeatState, now: Instant) {
        match (paused, self.paused) {
            (true, None) => self.paused = Some(now),
            (false, Some(since)) => {
                self.paused = None;
                self.heard += now.saturating_duration_since(since);
                heartbeat.forgive(since, now);
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Whether a subscriber kept us from reading when that was looked at last.
    #[inline]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Until when a close frame that did not come within `timeout` is still waited for: our own bytes, or a frame that comes in ahead
    /// of the answer to a ping, are in its way.
    pub fn close_late_until(
        &self,
        answer: Option<&Awaited>,
        timeout: Duration,
        now: Instant,
    ) -> Option<Instant> {
        let answer = answer.and_then(|answer| answer.late_at(timeout));
        let written = self.write_deadline(Some(timeout));
        answer.max(written).filter(|until| *until > now)
    }

    /// What did not come in time. Nothing is late while there is something to read.
    pub fn overdue(&self, patience: Patience, owed: Owed, now: Instant) -> Option<Cause> {
        if self.is_paused() || !self.drained {
            return None;
        }
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_over(self.write_deadline(patience.answer)) {
            // A ping that cannot go out is not answered either.
            Some(match owed.is_waiting || owed.is_due {
                true => Cause::PongTimeout,
                false => Cause::WriteTimeout,
            })
        } else if is_over(owed.answer) {
            Some(match owed.heard_instead {
                true => Cause::FenceTimeout,
                false if owed.foreign_pongs => Cause::ForeignPongs,
                false => Cause::PongTimeout,
            })
        } else if is_over(self.idle_deadline(patience)) {
            Some(Cause::IdleTimeout)
        } else {
            None
        }
    }

    /// When [`overdue`](Self::overdue) must be asked, or a pause or the peer's TCP looked at again. Of a socket that does not serve
    /// (`is_open`) only pauses are.
    pub fn next(
        &self,
        patience: Patience,
        owed: Owed,
        is_open: bool,
        now: Instant,
    ) -> Option<Instant> {
        if let Some(since) = self.paused {
            return Some(since.max(now) + PAUSE);
        }
        if !is_open {
            return None;
        }
        let look = self.look.filter(|_| owed.is_waiting).map(|look| look.next);
        let deadlines = [
            self.write_deadline(patience.answer),
            owed.answer,
            look,
            self.idle_deadline(patience),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// When our bytes have waited too long for the kernel to take some.
    fn write_deadline(&self, timeout: Option<Duration>) -> Option<Instant> {
        let timeout = timeout?;
        self.blocked.map(|blocked| later(blocked.progress, timeout))
    }

    fn idle_deadline(&self, patience: Patience) -> Option<Instant> {
        patience.idle.map(|idle| later(self.heard, idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);
    const PATIENCE: Patience = Patience {
        answer: Some(TIMEOUT),
        idle: None,
    };
    const IDLE: Patience = Patience {
        answer: None,
        idle: Some(TIMEOUT),
    };

    /// All that has come was read.
    fn drained(now: Instant) -> Deadlines {
        let mut deadlines = Deadlines::new(Duration::ZERO, now);
        deadlines.read_all(None, &mut HeartbeatState::default(), now);
        deadlines
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_silent_peer_is_late_once_all_that_has_come_is_read() {
        let start = Instant::now();
        let mut deadlines = drained(start);
        let at = |deadlines: &Deadlines, after| {
            deadlines.overdue(IDLE, Owed::default(), start + seconds(after))
        };
        assert_eq!(at(&deadlines, 9), None);
        assert_eq!(at(&deadlines, 10), Some(Cause::IdleTimeout));
        deadlines.heard(start + seconds(5));
        assert_eq!(at(&deadlines, 10), None);
        deadlines.reads();
        assert_eq!(at(&deadlines, 60), None);
    }

    #[test]
    fn bytes_that_the_kernel_does_not_take_are_late_since_it_took_some_last() {
        let start = Instant::now();
        let mut deadlines = drained(start);
        deadlines.written(true, 100, start);
        deadlines.written(true, 100, start + seconds(5));
        let late = start + TIMEOUT;
        let owed = Owed::default();
        assert_eq!(
            deadlines.overdue(PATIENCE, owed, late),
            Some(Cause::WriteTimeout)
        );
        let pinged = Owed {
            is_due: true,
            ..owed
        };
        assert_eq!(
            deadlines.overdue(PATIENCE, pinged, late),
            Some(Cause::PongTimeout)
        );
        deadlines.written(true, 101, start + seconds(5));
        assert_eq!(deadlines.overdue(PATIENCE, owed, late), None);
        assert_eq!(
            deadlines.next(PATIENCE, owed, true, start),
            Some(start + seconds(15))
        );
        assert_eq!(
            deadlines.close_late_until(None, TIMEOUT, late),
            Some(start + seconds(15))
        );
        deadlines.written(false, 102, start + seconds(6));
        assert_eq!(deadlines.next(PATIENCE, owed, true, start), None);
        assert_eq!(deadlines.close_late_until(None, TIMEOUT, late), None);
    }

    #[test]
    fn an_answer_that_is_overdue_is_told_by_what_came_in_its_place() {
        let start = Instant::now();
        let deadlines = drained(start);
        let owed = Owed {
            answer: Some(start),
            is_waiting: true,
            ..Owed::default()
        };
        let cause = |owed| deadlines.overdue(PATIENCE, owed, start);
        assert_eq!(cause(owed), Some(Cause::PongTimeout));
        let foreign_pongs = Owed {
            foreign_pongs: true,
            ..owed
        };
        assert_eq!(cause(foreign_pongs), Some(Cause::ForeignPongs));
        let heard_instead = Owed {
            heard_instead: true,
            ..foreign_pongs
        };
        assert_eq!(cause(heard_instead), Some(Cause::FenceTimeout));
    }

    #[test]
    fn while_we_are_kept_from_reading_nobody_is_late() {
        let start = Instant::now();
        let (mut deadlines, mut heartbeat) = (drained(start), HeartbeatState::default());
        deadlines.pause(true, &mut heartbeat, start + seconds(1));
        let later = start + seconds(31);
        let owed = Owed::default();
        assert_eq!(deadlines.overdue(IDLE, owed, later), None);
        assert_eq!(
            deadlines.next(IDLE, owed, false, later),
            Some(later + PAUSE)
        );
        deadlines.pause(false, &mut heartbeat, later);
        assert_eq!(
            deadlines.next(IDLE, owed, true, later),
            Some(start + seconds(40))
        );
        assert_eq!(deadlines.next(IDLE, owed, false, later), None);
    }

    #[test]
    fn a_thread_that_stood_still_blames_nobody() {
        let start = Instant::now();
        let (mut deadlines, mut heartbeat) = (drained(start), HeartbeatState::default());
        deadlines.written(true, 1, start);
        deadlines.forgive_stalls(seconds(3), &mut heartbeat, start + seconds(4));
        // What was told before counts once.
        deadlines.forgive_stalls(seconds(3), &mut heartbeat, start + seconds(4));
        let (owed, later) = (Owed::default(), start + seconds(4));
        let next = |patience| deadlines.next(patience, owed, true, later);
        assert_eq!(next(IDLE), Some(start + seconds(13)));
        assert_eq!(next(PATIENCE), Some(start + seconds(13)));
    }

    #[test]
    fn bytes_of_a_frame_that_comes_in_are_something_heard() {
        let start = Instant::now();
        let (mut deadlines, mut heartbeat) = (drained(start), HeartbeatState::default());
        let within = |lacks| Some(WithinFrame { number: 1, lacks });
        for (after, lacks) in [(4, 100), (8, 50), (9, 50)] {
            let now = start + seconds(after);
            deadlines.read_all(within(lacks), &mut heartbeat, now);
        }
        let next = deadlines.next(IDLE, Owed::default(), true, start);
        assert_eq!(next, Some(start + seconds(18)));
    }

    #[test]
    fn the_peers_tcp_is_looked_at_until_it_has_taken_the_ping() {
        let start = Instant::now();
        let mut deadlines = drained(start);
        let mut answer = Awaited::new(0, 0);
        let tcp = |written, unacknowledged| {
            Some(TcpProgress {
                written,
                unacknowledged,
            })
        };
        deadlines.ping_written(&mut answer, TIMEOUT, tcp(1000, 400), start);
        assert!(!deadlines.is_look_due(start));
        let next = start + TIMEOUT / LOOKS;
        assert!(deadlines.is_look_due(next));
        // 300 bytes were written behind the ping.
        deadlines.looked(Some(&mut answer), Some(TIMEOUT), tcp(1300, 500), next);
        assert_eq!(answer.untaken(), 200);
        assert_eq!(answer.late_at(TIMEOUT), Some(next + TIMEOUT));
        assert!(!deadlines.is_look_due(next));
        let last = next + TIMEOUT / LOOKS;
        deadlines.looked(Some(&mut answer), Some(TIMEOUT), tcp(1300, 300), last);
        assert_eq!(answer.untaken(), 0);
        assert!(!deadlines.is_look_due(last + TIMEOUT));
    }
}
