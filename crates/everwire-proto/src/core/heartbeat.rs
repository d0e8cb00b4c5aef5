//! Pings, pongs and silence.

use std::time::{Duration, Instant};

use super::Awaited;
use crate::settings::Heartbeat;

impl Heartbeat {
    /// The time between two pings; `None` without a heartbeat.
    pub fn interval(&self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Protocol { interval, .. } | Self::Text { interval, .. } => Some(*interval),
        }
    }

    /// The time limit from a ping to its answer; `None` without a heartbeat.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Protocol { timeout, .. } | Self::Text { timeout, .. } => Some(*timeout),
        }
    }
}

/// A ping to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A Ping frame with this payload (RFC 6455 §5.5.2).
    Ping([u8; 8]),
    /// This text message.
    Text(String),
}

/// A ping and its position in our stream.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The id up to which the answer confirms the outbox.
    pub fence: u64,
    /// How many bytes the socket was given before the ping.
    pub position: u64,
    /// The most bytes before the ping that the peer may still have to read.
    pub max_ahead: u64,
    /// The longest frame that may come before the answer.
    pub max_frame: u64,
}

/// One socket's heartbeat and fences: at most one ping is unanswered at a time.
///
/// Each ping is a fence: its answer confirms what was taken from the outbox before it.
#[derive(Clone, Debug, Default)]
pub struct HeartbeatState {
    /// Boxed: few of thousands of idle names wait for an answer at a time.
    waiting: Option<Box<Waiting>>,
    /// A text ping after an unanswered one: a text answer does not say which ping it answers, so
    /// answers are matched in order.
    behind: Option<Box<Waiting>>,
    /// The peer has read up to this position: where the last answered ping was.
    read_to: u64,
    rtt: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Waiting {
    /// A value that only a peer which has read the ping can know.
    payload: [u8; 8],
    sent: Instant,
    fence: u64,
    position: u64,
    answer: Awaited,
    /// When the last message came that did not excuse the answer.
    heard: Option<Instant>,
    /// Whether a pong with another payload than the ping's came.
    foreign: bool,
}

impl HeartbeatState {
    /// The interval has passed, or a fence is wanted: returns a ping if the last one was answered.
    /// `random` becomes the payload, which the peer must not be able to guess.
    pub fn beat(
        &mut self,
        settings: &Heartbeat,
        question: Question,
        random: u64,
        now: Instant,
    ) -> Option<Beat> {
        match self.waiting {
            Some(_) => None,
            None => self.last_beat(settings, question, random, now),
        }
    }

    /// A ping before a close frame, or a probe: it is sent even if another one is unanswered, and
    /// replaces it. A text ping comes after that one instead, and there is none after two.
    pub fn last_beat(
        &mut self,
        settings: &Heartbeat,
        question: Question,
        random: u64,
        now: Instant,
    ) -> Option<Beat> {
        let ahead = question.position.saturating_sub(self.read_to);
        let waiting = Box::new(Waiting {
            payload: random.to_be_bytes(),
            sent: now,
            fence: question.fence,
            position: question.position,
            answer: Awaited::new(ahead.min(question.max_ahead), question.max_frame),
            heard: None,
            foreign: false,
        });
        let beat = match settings {
            Heartbeat::Off => return None,
            Heartbeat::Text { .. } if self.behind.is_some() => return None,
            Heartbeat::Text { ping, .. } if self.waiting.is_some() => {
                self.behind = Some(waiting);
                return Some(Beat::Text(ping.clone()));
            }
            Heartbeat::Protocol { .. } => Beat::Ping(waiting.payload),
            Heartbeat::Text { ping, .. } => Beat::Text(ping.clone()),
        };
        self.waiting = Some(waiting);
        Some(beat)
    }

    /// A Pong frame came. Returns the confirmed id if it answers our ping; other pongs are ignored
    /// (RFC 6455 §5.5.3 allows unsolicited ones).
    pub fn pong(&mut self, settings: &Heartbeat, payload: &[u8], now: Instant) -> Option<u64> {
        if !matches!(settings, Heartbeat::Protocol { .. }) {
            return None;
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.foreign |= waiting.payload != *payload;
        }
        let waiting = self
            .waiting
            .take_if(|waiting| waiting.payload == *payload)?;
        self.answered(&waiting, now);
        Some(waiting.fence)
    }

    /// A text message came. `None` if it is not the heartbeat's answer; otherwise the confirmed
    /// id, if the settings say that the server answers in order.
    // Inlined, since each text message passes here, and nearly all with another heartbeat.
    #[inline]
    pub fn text(&mut self, settings: &Heartbeat, text: &str, now: Instant) -> Option<Option<u64>> {
        match settings {
            Heartbeat::Text { pong, fence, .. } if pong == text => {
                Some(self.text_answer(*fence, now))
            }
            _ => None,
        }
    }

    /// A message came that an expression accepts as the heartbeat's answer. Returns the confirmed
    /// id, if the settings say that the server answers in order.
    pub fn matched(&mut self, settings: &Heartbeat, now: Instant) -> Option<u64> {
        self.text_answer(settings.can_fence(), now)
    }

    fn text_answer(&mut self, fence: bool, now: Instant) -> Option<u64> {
        let behind = self.behind.take().map(|mut behind| {
            // It was written with the one before it, or soon after.
            behind.answer.written(0, now);
            behind
        });
        let waiting = std::mem::replace(&mut self.waiting, behind);
        if let Some(waiting) = &waiting {
            self.answered(waiting, now);
        }
        waiting.filter(|_| fence).map(|waiting| waiting.fence)
    }

    fn answered(&mut self, waiting: &Waiting, now: Instant) {
        self.rtt = Some(now.saturating_duration_since(waiting.sent));
        self.read_to = self.read_to.max(waiting.position);
    }

    /// Whether pongs came since the unanswered ping, but not its answer.
    pub fn has_foreign_pongs(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.foreign)
    }

    /// Whether a ping is unanswered.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The answer that the peer owes us, while a ping is unanswered.
    pub fn awaited(&mut self) -> Option<&mut Awaited> {
        self.waiting.as_mut().map(|waiting| &mut waiting.answer)
    }

    /// Whole messages came. They excuse a missing answer while nobody waits for a confirmation
    /// (`is_awaited`). Otherwise a peer that sends and never answers would block an outbox forever.
    pub fn heard(&mut self, is_awaited: bool, now: Instant) {
        match (&mut self.waiting, is_awaited) {
            (Some(waiting), true) => waiting.heard = Some(now),
            (Some(waiting), false) => waiting.answer.alive(now),
            (None, _) => {}
        }
    }

    /// When the answer is overdue.
    pub fn deadline(&self, settings: &Heartbeat) -> Option<Instant> {
        let (waiting, timeout) = (self.waiting.as_ref()?, settings.timeout()?);
        waiting.answer.late_at(timeout)
    }

    /// Whether the peer sent messages while its answer became overdue.
    pub fn heard_instead(&self, settings: &Heartbeat, now: Instant) -> bool {
        let heard = self.waiting.as_ref().and_then(|waiting| waiting.heard);
        let timeout = settings.timeout().unwrap_or_default();
        heard.is_some_and(|heard| now.saturating_duration_since(heard) < timeout)
    }

    /// The time from `since` to `now` does not count against the peer: an unanswered ping gets it
    /// back.
    pub fn forgive(&mut self, since: Instant, now: Instant) {
        if let Some(waiting) = &mut self.waiting {
            waiting.answer.forgive(since, now);
        }
    }

    /// The last measured round trip.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ping after the message `fence`, which the kernel has at once.
    fn at(fence: u64) -> Question {
        Question {
            fence,
            position: 0,
            max_ahead: 4 << 20,
            max_frame: 16 << 20,
        }
    }

    fn written(state: &mut HeartbeatState, now: Instant) {
        state.awaited().unwrap().written(0, now);
    }

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
        let Some(Beat::Ping(payload)) = state.beat(&settings, at(7), 0x1234, now) else {
            panic!("no ping");
        };
        assert_eq!(state.deadline(&settings), None, "not before it is written");
        written(&mut state, now);
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
        assert!(state.beat(&settings, at(0), 0x1234, now).is_some());
        written(&mut state, now);
        assert!(
            state
                .beat(&settings, at(0), 0x1234, now + 10 * SECOND)
                .is_none()
        );
        assert_eq!(state.deadline(&settings), Some(now + 20 * SECOND));
    }

    #[test]
    fn a_text_heartbeat_takes_only_its_own_answer() {
        let (mut state, settings, now) = (HeartbeatState::default(), text(), Instant::now());
        assert_eq!(
            state.beat(&settings, at(0), 0x1234, now),
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
        state.beat(&settings, at(7), 0x1234, now);
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
        assert!(state.beat(&settings, at(3), 0x1234, now).is_some());
        assert!(state.last_beat(&settings, at(9), 0x5678, now).is_some());
        assert!(
            state.last_beat(&settings, at(12), 0x5678, now).is_none(),
            "behind two"
        );
        assert_eq!(state.text(&settings, "pong", now), Some(Some(3)));
        assert_eq!(state.text(&settings, "pong", now), Some(Some(9)));
        assert!(!state.is_waiting());
    }

    #[test]
    fn a_last_ping_takes_the_place_of_an_unanswered_one() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        let first = state.beat(&settings, at(3), 0x1234, now);
        let Some(Beat::Ping(last)) = state.last_beat(&settings, at(9), 0x5678, now) else {
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
        state.beat(&settings, at(0), 0x1234, now);
        written(&mut state, now);
        state.forgive(now + SECOND, now + 6 * SECOND);
        assert_eq!(state.deadline(&settings), Some(now + 25 * SECOND));
        state.forgive(now - 100 * SECOND, now + 6 * SECOND);
        assert_eq!(
            state.deadline(&settings),
            Some(now + 26 * SECOND),
            "only since it was sent"
        );
    }

    #[test]
    fn a_pong_that_was_guessed_answers_nothing() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        for number in 1..1_000_u64 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let Some(Beat::Ping(payload)) = state.beat(&settings, at(number), random, now) else {
                panic!("no ping");
            };
            for guess in [number, number - 1, number + 1, random ^ 1] {
                assert_eq!(state.pong(&settings, &guess.to_be_bytes(), now), None);
            }
            assert_eq!(state.pong(&settings, &payload[..7], now), None);
            assert_eq!(state.pong(&settings, &payload, now), Some(number));
        }
    }

    #[test]
    fn our_bytes_since_the_last_answered_ping_have_their_time_and_no_more_than_the_outbox_holds() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        let behind = |position| Question { position, ..at(1) };
        let floor = super::super::OUTBOUND_FLOOR;
        let Some(Beat::Ping(payload)) = state.beat(&settings, behind(3 * floor), 1, now) else {
            panic!("no ping");
        };
        written(&mut state, now);
        assert_eq!(state.deadline(&settings), Some(now + 23 * SECOND));
        state.pong(&settings, &payload, now);
        state.beat(&settings, behind(4 * floor), 2, now);
        written(&mut state, now);
        assert_eq!(state.deadline(&settings), Some(now + 21 * SECOND));
        let mut other = HeartbeatState::default();
        other.beat(&settings, behind(u64::MAX), 3, now);
        written(&mut other, now);
        assert_eq!(other.deadline(&settings), Some(now + 84 * SECOND), "4 MiB");
    }

    #[test]
    fn messages_excuse_a_missing_answer_only_while_nobody_waits_for_it() {
        let (mut state, settings, now) = (HeartbeatState::default(), protocol(), Instant::now());
        state.beat(&settings, at(1), 1, now);
        written(&mut state, now);
        state.heard(false, now + 5 * SECOND);
        assert_eq!(state.deadline(&settings), Some(now + 25 * SECOND));
        assert!(!state.heard_instead(&settings, now + 25 * SECOND));
        state.heard(true, now + 15 * SECOND);
        assert_eq!(state.deadline(&settings), Some(now + 25 * SECOND));
        assert!(state.heard_instead(&settings, now + 25 * SECOND));
        assert!(!state.heard_instead(&settings, now + 35 * SECOND));
    }
}
