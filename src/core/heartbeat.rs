//! Pings, pongs and silence.

use std::time::{Duration, Instant};

use crate::config::Heartbeat;

impl Heartbeat {
    /// Between two pings; `None` without a heartbeat.
    pub fn interval(&self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Protocol { interval, .. } | Self::Text { interval, .. } => Some(*interval),
        }
    }

    /// From a ping to its answer; `None` without a heartbeat.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Protocol { timeout, .. } | Self::Text { timeout, .. } => Some(*timeout),
        }
    }
}

/// What to send at a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A Ping frame with this payload (RFC 6455 §5.5.2).
    Ping([u8; 8]),
    /// This text message.
    Text(String),
}

/// One socket's heartbeat and fences: at most one ping is unanswered at a time.
///
/// Each ping is a fence: its answer confirms what was taken from the outbox before it.
#[derive(Clone, Debug, Default)]
pub struct HeartbeatState {
    count: u64,
    waiting: Option<Waiting>,
    /// A text ping behind an unanswered one: text answers tell nothing of which ping they answer, so they are taken in order.
    behind: Option<Waiting>,
    rtt: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    sent: Instant,
    /// What the outbox may take as confirmed once the answer is here.
    fence: u64,
}

impl HeartbeatState {
    /// The interval has passed, or a fence is wanted: what to send, if the last ping was answered. `fence` is the outbox's mark
    /// at this moment.
    pub fn beat(&mut self, settings: &Heartbeat, fence: u64, now: Instant) -> Option<Beat> {
        match self.waiting {
            Some(_) => None,
            None => self.last_beat(settings, fence, now),
        }
    }

    /// A ping ahead of a close frame, or a probe: it is sent though another one may be unanswered, and takes that one's place;
    /// as a text it comes behind that one, and there is none behind two.
    pub fn last_beat(&mut self, settings: &Heartbeat, fence: u64, now: Instant) -> Option<Beat> {
        let waiting = Some(Waiting { sent: now, fence });
        let beat = match settings {
            Heartbeat::Off => return None,
            Heartbeat::Text { .. } if self.behind.is_some() => return None,
            Heartbeat::Text { ping, .. } if self.waiting.is_some() => {
                self.behind = waiting;
                return Some(Beat::Text(ping.clone()));
            }
            Heartbeat::Protocol { .. } => {
                self.count += 1;
                Beat::Ping(self.count.to_be_bytes())
            }
            Heartbeat::Text { ping, .. } => Beat::Text(ping.clone()),
        };
        self.waiting = waiting;
        Some(beat)
    }

    /// A Pong frame came. Returns the confirmed mark if it answers the ping we wait for; others are ignored
    /// (RFC 6455 §5.5.3 allows unsolicited ones).
    pub fn pong(&mut self, settings: &Heartbeat, payload: &[u8], now: Instant) -> Option<u64> {
        let ours =
            matches!(settings, Heartbeat::Protocol { .. }) && payload == self.count.to_be_bytes();
        let waiting = if ours { self.waiting.take() } else { None }?;
        self.rtt = Some(now.saturating_duration_since(waiting.sent));
        Some(waiting.fence)
    }

    /// A text message came. `None` if it is not the heartbeat's answer; otherwise the confirmed mark, which there is only where
    /// the settings say that the server answers in order.
    pub fn text(&mut self, settings: &Heartbeat, text: &str, now: Instant) -> Option<Option<u64>> {
        let Heartbeat::Text { pong, fence, .. } = settings else {
            return None;
        };
        if pong != text {
            return None;
        }
        let waiting = std::mem::replace(&mut self.waiting, self.behind.take());
        if let Some(waiting) = waiting {
            self.rtt = Some(now.saturating_duration_since(waiting.sent));
        }
        Some(waiting.filter(|_| *fence).map(|waiting| waiting.fence))
    }

    /// Whether a ping is unanswered.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// When the answer is overdue.
    pub fn deadline(&self, settings: &Heartbeat) -> Option<Instant> {
        let (waiting, timeout) = (self.waiting?, settings.timeout()?);
        Some(waiting.sent + timeout)
    }

    /// For the peer, time stood still from `since` to `now`: an unanswered ping gets it back.
    pub fn forgive(&mut self, since: Instant, now: Instant) {
        if let Some(waiting) = &mut self.waiting {
            waiting.sent += now.saturating_duration_since(since.max(waiting.sent));
        }
    }

    /// The last round trip that was measured.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn protocol() -> Heartbeat {
        Heartbeat::default()
    }

    fn text() -> Heartbeat {
        Heartbeat::Text {
            interval: 10 * SECOND,
            timeout: 20 * SECOND,
            ping: "ping".into(),
            pong: "pong".into(),
            fence: false,
            deliver: false,
        }
    }

    #[test]
    fn a_matching_pong_gives_the_round_trip_and_the_fence() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        let Some(Beat::Ping(payload)) = state.beat(&settings, 7, now) else {
            panic!("no ping");
        };
        assert_eq!(state.deadline(&settings), Some(now + 20 * SECOND));
        assert_eq!(state.pong(&settings, b"another", now + SECOND), None);
        assert_eq!(state.pong(&settings, &payload, now + SECOND), Some(7));
        assert_eq!(state.rtt(), Some(SECOND));
        assert_eq!(state.deadline(&settings), None);
        assert_eq!(
            state.pong(&settings, &payload, now + SECOND),
            None,
            "answered twice"
        );
    }

    #[test]
    fn no_second_ping_goes_out_while_one_is_unanswered() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        assert!(state.beat(&settings, 0, now).is_some());
        assert!(state.beat(&settings, 0, now + 10 * SECOND).is_none());
        assert_eq!(state.deadline(&settings), Some(now + 20 * SECOND));
    }

    #[test]
    fn a_text_heartbeat_takes_only_its_own_answer() {
        let (mut state, settings, now) = (HeartbeatState::default(), text(), Instant::now());
        assert_eq!(
            state.beat(&settings, 0, now),
            Some(Beat::Text("ping".into()))
        );
        assert_eq!(state.text(&settings, "hello", now), None);
        assert_eq!(state.text(&settings, "pong", now + SECOND), Some(None));
        assert_eq!(state.rtt(), Some(SECOND));
        let mut other = HeartbeatState::default();
        assert_eq!(other.text(&protocol(), "pong", now), None);
    }

    #[test]
    fn a_text_heartbeat_fences_only_where_the_server_answers_in_order() {
        let (mut state, now) = (HeartbeatState::default(), Instant::now());
        let mut settings = text();
        if let Heartbeat::Text { fence, .. } = &mut settings {
            *fence = true;
        }
        state.beat(&settings, 7, now);
        assert_eq!(state.text(&settings, "pong", now), Some(Some(7)));
        assert_eq!(
            state.text(&settings, "pong", now),
            Some(None),
            "answered twice"
        );
    }

    #[test]
    fn text_answers_are_taken_in_the_order_of_the_pings() {
        let (mut state, now) = (HeartbeatState::default(), Instant::now());
        let mut settings = text();
        if let Heartbeat::Text { fence, .. } = &mut settings {
            *fence = true;
        }
        assert!(state.beat(&settings, 3, now).is_some());
        assert!(state.last_beat(&settings, 9, now).is_some());
        assert!(state.last_beat(&settings, 12, now).is_none(), "behind two");
        assert_eq!(state.text(&settings, "pong", now), Some(Some(3)));
        assert_eq!(state.text(&settings, "pong", now), Some(Some(9)));
        assert!(!state.is_waiting());
    }

    #[test]
    fn a_last_ping_takes_the_place_of_an_unanswered_one() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        let first = state.beat(&settings, 3, now);
        let Some(Beat::Ping(last)) = state.last_beat(&settings, 9, now) else {
            panic!("no ping");
        };
        let Some(Beat::Ping(first)) = first else {
            panic!("no ping");
        };
        assert_eq!(state.pong(&settings, &first, now), None);
        assert_eq!(state.pong(&settings, &last, now), Some(9));
    }

    #[test]
    fn a_pause_moves_the_deadline() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        state.beat(&settings, 0, now);
        state.forgive(now + SECOND, now + 6 * SECOND);
        assert_eq!(state.deadline(&settings), Some(now + 25 * SECOND));
        state.forgive(now - 100 * SECOND, now + 6 * SECOND);
        assert_eq!(
            state.deadline(&settings),
            Some(now + 26 * SECOND),
            "only since it was sent"
        );
    }
}
