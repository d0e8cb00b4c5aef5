//! Decides when a socket is late, and when it is not to blame: while this thread stood still, while
//! the reading is paused, and while bytes are in flight in either direction.

use std::time::{Duration, Instant};

use super::{Awaited, Cause, HeartbeatState, later};

/// While the peer's TCP has not taken a whole ping, it is checked this often per timeout.
const LOOKS: u32 = 16;

/// A pause of the reading is checked again after this time.
const PAUSE: Duration = Duration::from_millis(250);

/// The deadlines of one socket.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// When the last application message came, or the socket opened.
    heard: Instant,
    /// Since when a subscriber pauses the reading.
    paused: Option<Instant>,
    /// Since when bytes of ours wait for the kernel.
    blocked: Option<Blocked>,
    /// What the peer's TCP had taken at the last look, while it does not have a whole ping.
    look: Option<Look>,
    /// The incomplete data frame when everything that had arrived was read.
    within: Option<WithinFrame>,
    /// Whether everything that has arrived was read.
    drained: bool,
    /// How long this thread had stood still at the last look.
    stalled: Duration,
}

/// Bytes that the kernel does not take.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    /// When it last took some, and how many it had taken then.
    progress: Instant,
    accepted: u64,
}

/// How much the peer's TCP has of the bytes up to a ping.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Where the ping ends, in bytes written to TCP.
    end: u64,
    /// When to look again.
    next: Instant,
}

/// A partly received data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithinFrame {
    /// Its number among the data frames of the socket.
    pub number: u32,
    /// How many of its bytes are missing.
    pub lacks: usize,
}

/// TCP's progress with our bytes.
#[derive(Clone, Copy, Debug)]
pub struct TcpProgress {
    /// How many bytes it was given.
    pub written: u64,
    /// How many of them the peer's TCP has not taken.
    pub unacknowledged: u64,
}

/// How long a peer may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// To answer a ping, and to take our bytes; `None`: no limit.
    pub answer: Option<Duration>,
    /// To send something; `None`: no limit.
    pub idle: Option<Duration>,
}

/// What a peer owes us by the heartbeat.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owed {
    /// When its answer is overdue.
    pub answer: Option<Instant>,
    /// Whether a ping is unanswered.
    pub is_waiting: bool,
    /// Whether a ping is due.
    pub is_due: bool,
    /// Whether it has sent messages while its answer became overdue.
    pub heard_instead: bool,
    /// Whether it has sent pongs that answer no ping of ours.
    pub foreign_pongs: bool,
}

impl Deadlines {
    /// The deadlines of a socket that opens now, on a thread that has stood still for `stalled` in
    /// total.
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

    /// This thread has stood still for `stalled` in total. That time does not count against the
    /// peer.
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

    /// The kernel has accepted `accepted` bytes in total, and does not take the next one if
    /// `is_blocked`.
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

    /// The kernel has a whole ping, whose `answer` may take `timeout`. `tcp`: the progress of the
    /// connection, if there is one.
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

    /// Whether it is time to check how much of the bytes up to the ping the peer's TCP has taken.
    pub fn is_look_due(&self, now: Instant) -> bool {
        self.look.is_some_and(|look| look.next <= now)
    }

    /// The result of that check, while the ping's `answer` is awaited.
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

    /// There may be unread data.
    #[inline]
    pub fn reads(&mut self) {
        self.drained = false;
    }

    /// Everything that has arrived was read, up to the middle of this data frame. Bytes of it are
    /// signs of life.
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

    /// Whether everything that has arrived was read. Only then can something be late.
    #[inline]
    pub fn has_read_all(&self) -> bool {
        self.drained
    }

    /// Whether a subscriber pauses the reading now. Deadlines stand still meanwhile.
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

    /// Whether a subscriber paused the reading at the last check.
    #[inline]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Until when a close frame is still awaited after `timeout`: our own bytes, or an incoming
    /// frame before the answer to a ping, are in its way.
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

    /// What is overdue. Nothing is late while there is unread data.
    pub fn overdue(&self, patience: Patience, owed: Owed, now: Instant) -> Option<Cause> {
        if self.is_paused() || !self.drained {
            return None;
        }
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_over(self.write_deadline(patience.answer)) {
            // A ping that cannot be sent cannot be answered either.
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

    /// When [`overdue`](Self::overdue) must be asked again, or a pause or the peer's TCP checked.
    /// For a socket that is not in use (`is_open` is false) only pauses count.
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

    /// When our bytes have waited too long for the kernel.
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

    /// Everything that has arrived was read.
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
        // The stall that was reported before counts once.
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
        // 300 bytes were written after the ping.
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
