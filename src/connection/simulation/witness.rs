//! Checks the events of a name with a dialogue.

use super::{
    dialogue::{FORGOTTEN, KEY},
    plan::Plan,
    talks::Talks,
};
use crate::{
    core::Message,
    events::{Event, EventKind, Rotated},
    settings::RotationMode,
};

/// The code with which a replaced socket is closed.
const CLOSE_CODE: u16 = 1001;

/// Compares the events with the peer's record.
#[derive(Debug, Default)]
pub(super) struct Witness {
    process: u64,
    /// The serving socket.
    pub current: Option<usize>,
    /// The last number of the broadcast received in this process.
    heard: u64,
}

impl Witness {
    /// Notes an event of the `process`-th process.
    pub fn note(&mut self, process: u64, event: &Event, plan: &Plan, talks: &mut Talks) {
        let is_one_by_one = plan.is_one_by_one();
        let overlaps = plan.settings.rotation == RotationMode::Overlap;
        if process != self.process {
            *self = Self {
                process,
                ..Self::default()
            };
            talks.has_session = false;
        }
        match &event.kind {
            EventKind::Message(message) => return self.message(message, talks),
            // They have only numbers, and are the most frequent events.
            EventKind::Sent(_) => return,
            EventKind::Opened(opened) => {
                self.serves(number_of(opened.peer.port()), talks);
                if is_one_by_one {
                    talks.opens_one_by_one(number_of(opened.peer.port()), self.heard);
                }
            }
            EventKind::Rotated(rotated) => {
                self.serves(number_of(rotated.peer.port()), talks);
                if overlaps && is_cut_over(rotated) {
                    self.expect_passed(talks);
                }
            }
            EventKind::Ready => {
                self.expect_passed(talks);
                talks.has_session = true;
            }
            EventKind::Closed(closed) if is_one_by_one && closed.code == FORGOTTEN => {
                talks.forgotten = true;
            }
            _ => {}
        }
        let told = format!("{:?}", event.kind);
        for secret in [KEY, "tok-"] {
            assert!(!told.contains(secret), "{told} shows a secret");
        }
        for never in ["answers wait already", "is absent", "template"] {
            assert!(!told.contains(never), "{told}");
        }
    }

    fn serves(&mut self, socket: usize, talks: &mut Talks) {
        talks.serves(socket, self.current.replace(socket));
    }

    /// Asserts that a socket is ready, or cut over to, only after its script has passed.
    fn expect_passed(&self, talks: &Talks) {
        let current = self.current.expect("a socket");
        let standing = &talks.sockets[current];
        assert!(
            standing.has_passed,
            "socket {current} serves, and its script has not passed"
        );
    }

    fn message(&mut self, message: &Message, talks: &mut Talks) {
        let text = text_of(message);
        for unheard in [r#""t":"ask""#, r#""t":"mark""#, r#""t":"pong""#] {
            assert!(!text.contains(unheard), "{text} is told");
        }
        let is_taken = text.contains("tok-") && !text.contains("refused");
        assert!(!is_taken, "{text} is told, and holds a secret");
        if let Some(number) = broadcast(text) {
            self.heard = number;
            talks.told = talks.told.max(number);
        }
    }
}

/// Whether the old socket was closed because the new one was ready. If the old socket was lost, its
/// successor may not be ready yet, and may be a later dial.
pub(super) fn is_cut_over(rotated: &Rotated) -> bool {
    let sent = rotated.old.sent.as_ref();
    sent.is_some_and(|sent| sent.code == CLOSE_CODE && sent.reason.is_empty())
}

/// The port that stands for a socket.
pub(super) fn port_of(socket: usize) -> u16 {
    u16::try_from(socket + 1).expect("few sockets")
}

/// The socket that this port stands for.
pub(super) fn number_of(port: u16) -> usize {
    usize::from(port) - 1
}

/// The text of a message. Compressed messages come as bytes.
pub(super) fn text_of(message: &Message) -> &str {
    std::str::from_utf8(message.payload()).expect("text")
}

/// The number of the broadcast in a message, if it is one.
pub(super) fn broadcast(text: &str) -> Option<u64> {
    let number = text.strip_prefix("{\"n\":")?;
    let end = number.find([',', '}'])?;
    Some(number[..end].parse().expect("a number"))
}
