//! What the events of a name with a dialogue must be.

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

/// With which code a socket is closed that a successor replaces.
const CLOSE_CODE: u16 = 1001;

/// Who compares the events with what the peer knows.
#[derive(Debug, Default)]
pub(super) struct Witness {
    process: u64,
    /// The socket that serves.
    pub current: Option<usize>,
    /// The last number of the broadcast that was heard in this process.
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
            // Numbers alone, and of all events the most.
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

    /// Ready, or cut over to, is only a socket whose script has passed.
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

/// Whether the old socket was closed since the new one was ready. One that takes over since the old one was lost may not be ready yet, nor
/// one that is dialled behind it.
pub(super) fn is_cut_over(rotated: &Rotated) -> bool {
    let sent = rotated.old.sent.as_ref();
    sent.is_some_and(|sent| sent.code == CLOSE_CODE && sent.reason.is_empty())
}

/// The port at which a socket seems to be.
pub(super) fn port_of(socket: usize) -> u16 {
    u16::try_from(socket + 1).expect("few sockets")
}

/// The socket that seems to be at this port.
pub(super) fn number_of(port: u16) -> usize {
    usize::from(port) - 1
}

/// What a message says. What was compressed comes as bytes.
pub(super) fn text_of(message: &Message) -> &str {
    std::str::from_utf8(message.payload()).expect("text")
}

/// The number of the broadcast that a message is, if it is one.
pub(super) fn broadcast(text: &str) -> Option<u64> {
    let number = text.strip_prefix("{\"n\":")?;
    let end = number.find([',', '}'])?;
    Some(number[..end].parse().expect("a number"))
}
