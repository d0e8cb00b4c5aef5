//! Pings, pongs and silence.

use std::time::{Duration, Instant};

use crate::config::Heartbeat;

/// What to send at a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A Ping frame with this payload (RFC 6455 §5.5.2).
    Ping([u8; 8]),
    /// This text message.
    Text(String),
}

/// One socket's heartbeat: at most one ping is unanswered at a time.
#[derive(Clone, Debug, Default)]
pub struct HeartbeatState {
    count: u64,
    waiting: Option<Waiting>,
    rtt: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    sent: Instant,
    /// What the outbox may take as confirmed once the answer is here.
    fence: u64,
}

impl HeartbeatState {
    /// The interval has passed: what to send, if the last ping was answered. `fence` is the outbox's mark at this moment.
    pub fn beat(&mut self, settings: &Heartbeat, fence: u64, now: Instant) -> Option<Beat> {
        if self.waiting.is_some() {
            return None;
        }
        let beat = match settings {
            Heartbeat::Off => return None,
            Heartbeat::Protocol { .. } => {
                self.count += 1;
                Beat::Ping(self.count.to_be_bytes())
            }
            Heartbeat::Text { ping, .. } => Beat::Text(ping.clone()),
        };
        self.waiting = Some(Waiting { sent: now, fence });
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

    /// A text message came. Says whether it is the heartbeat's answer.
    ///
    /// A text answer confirms nothing: no rule says that a server answers text in order.
    pub fn text(&mut self, settings: &Heartbeat, text: &str, now: Instant) -> bool {
        let Heartbeat::Text { pong, .. } = settings else {
            return false;
        };
        if pong != text {
            return false;
        }
        if let Some(waiting) = self.waiting.take() {
            self.rtt = Some(now.saturating_duration_since(waiting.sent));
        }
        true
    }

    /// When the answer is overdue.
    pub fn deadline(&self, settings: &Heartbeat) -> Option<Instant> {
        let timeout = match settings {
            Heartbeat::Off => return None,
            Heartbeat::Protocol { timeout, .. } | Heartbeat::Text { timeout, .. } => *timeout,
        };
        self.waiting.map(|waiting| waiting.sent + timeout)
    }

    /// The time stood still for so long: an unanswered ping gets it back.
    pub fn forgive(&mut self, paused: Duration) {
        if let Some(waiting) = &mut self.waiting {
            waiting.sent += paused;
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
        assert!(!state.text(&settings, "hello", now));
        assert!(state.text(&settings, "pong", now + SECOND));
        assert_eq!(state.rtt(), Some(SECOND));
        assert!(!HeartbeatState::default().text(&protocol(), "pong", now));
    }

    #[test]
    fn a_pause_moves_the_deadline() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        state.beat(&settings, 0, now);
        state.forgive(5 * SECOND);
        assert_eq!(state.deadline(&settings), Some(now + 25 * SECOND));
    }
}
