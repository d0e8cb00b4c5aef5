//! Finds messages of a successor that were delivered already, before messages go to the
//! subscribers.

use std::time::Instant;

use super::{DuplicateFilter, Message, OverlapRecorder};

/// The state of a name's messages between two sockets.
#[derive(Debug, Default)]
pub enum Deduplication {
    /// One socket, and nothing to compare.
    #[default]
    Plain,
    /// The old socket is in use, and messages of the successor are held. Exits to `After` with the
    /// cut, to `Abandoned` with the successor.
    Before {
        /// What came on both.
        recorder: Box<OverlapRecorder>,
        /// The old socket is itself a successor that has not caught up with its predecessor.
        filter: Option<Box<DuplicateFilter>>,
    },
    /// The successor was lost, and the old socket stays in use. Held messages are delivered unless
    /// the old one brings them, too.
    Abandoned {
        /// What came on both.
        recorder: Box<OverlapRecorder>,
        /// When that is decided.
        until: Instant,
    },
    /// The successor is in use, and messages that the old socket has brought are dropped. Exits to
    /// `Plain` once nothing more can be a duplicate.
    After {
        /// Tells them apart.
        filter: Box<DuplicateFilter>,
        /// When nothing is held any more; `None`: nothing is.
        until: Option<Instant>,
    },
}

/// Messages to deliver, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Deliverable {
    /// One message: without a rotation it is always one.
    One(Message),
    /// All messages that are now known not to be duplicates.
    Many(Vec<Message>),
}

impl Deduplication {
    /// Handles a message on the current socket.
    // Inlined, since each message of each name passes here, and nearly all outside of a rotation.
    #[inline]
    pub fn receive(&mut self, message: Message) -> Deliverable {
        match self {
            Self::Plain => Deliverable::One(message),
            _ => self.receive_in_rotation(message),
        }
    }

    fn receive_in_rotation(&mut self, message: Message) -> Deliverable {
        match self {
            Self::Plain => Deliverable::One(message),
            Self::Before {
                recorder,
                filter: None,
            }
            | Self::Abandoned { recorder, .. } => {
                recorder.old(&message);
                Deliverable::One(message)
            }
            Self::Before {
                recorder,
                filter: Some(filter),
            } => {
                let messages = filter.feed(message);
                messages.iter().for_each(|message| recorder.old(message));
                Deliverable::Many(messages)
            }
            Self::After { filter, .. } => {
                let messages = filter.feed(message);
                if filter.is_resolved() {
                    *self = Self::Plain;
                }
                Deliverable::Many(messages)
            }
        }
    }

    /// Handles a message on the successor. Returns it if there is no successor to hold it for.
    pub fn hold(&mut self, message: Message) -> Option<Message> {
        match self {
            Self::Before { recorder, .. } => {
                recorder.hold(message);
                None
            }
            Self::Plain | Self::Abandoned { .. } | Self::After { .. } => Some(message),
        }
    }

    /// Whether the successor must not be read for now.
    pub fn holds_enough(&self) -> bool {
        matches!(self, Self::Before { recorder, .. } if recorder.is_full())
    }

    /// Whether the last rotation is finished.
    pub fn is_resolved(&self) -> bool {
        matches!(self, Self::Plain | Self::After { until: None, .. })
    }

    /// Whether messages of the current socket are held, and not delivered yet.
    pub fn holds_back(&self) -> bool {
        matches!(self, Self::After { filter, until: Some(_) } if !filter.holds_nothing())
    }

    /// A successor is about to be dialled, and `recorder` takes what comes on both sockets.
    pub fn begin(&mut self, recorder: OverlapRecorder) {
        let filter = match std::mem::take(self) {
            Self::After { filter, .. } => Some(filter),
            Self::Plain | Self::Before { .. } | Self::Abandoned { .. } => None,
        };
        *self = Self::Before {
            recorder: Box::new(recorder),
            filter,
        };
    }

    /// The old socket was read to its end. Returns the successor's messages that can be delivered;
    /// others are held until `until` at most.
    pub fn cut(&mut self, until: Instant) -> Vec<Message> {
        let Self::Before { recorder, .. } = std::mem::take(self) else {
            return Vec::new();
        };
        let (filter, messages) = recorder.cut();
        if !filter.is_resolved() {
            *self = Self::After {
                filter: Box::new(filter),
                until: Some(until),
            };
        }
        messages
    }

    /// Closed by hand: drops the messages of a socket that was never in use.
    pub fn forget_successor(&mut self) {
        if let Self::Before { filter, .. } = self {
            *self = match filter.take() {
                Some(filter) => Self::After {
                    filter,
                    until: None,
                },
                None => Self::Plain,
            };
        }
    }

    /// The successor is lost, and the old socket stays in use. It may lag, and still bring until
    /// `until` what the successor has brought.
    pub fn abandon(&mut self, until: Instant) {
        *self = match std::mem::take(self) {
            Self::Before {
                recorder,
                filter: Some(filter),
            } if recorder.holds_nothing() => Self::After {
                filter,
                until: None,
            },
            Self::Before { recorder, .. } if recorder.holds_nothing() => Self::Plain,
            Self::Before { recorder, .. } => Self::Abandoned { recorder, until },
            other => other,
        };
    }

    /// How many of the successor's messages were dropped so far.
    pub fn doubles(&self) -> u64 {
        match self {
            Self::After { filter, .. } => filter.doubles(),
            Self::Plain | Self::Before { .. } | Self::Abandoned { .. } => 0,
        }
    }

    /// When a deduplication has taken long enough.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::After { until, .. } => *until,
            Self::Abandoned { until, .. } => Some(*until),
            Self::Plain | Self::Before { .. } => None,
        }
    }

    /// The time is up: nothing is held any more. Returns what was held.
    pub fn hurry(&mut self) -> Vec<Message> {
        match self {
            Self::After { filter, until } => {
                *until = None;
                filter.trust()
            }
            Self::Plain | Self::Before { .. } | Self::Abandoned { .. } => self.end(),
        }
    }

    /// A socket is gone. Returns held messages, except known duplicates.
    pub fn end(&mut self) -> Vec<Message> {
        match std::mem::take(self) {
            Self::Plain => Vec::new(),
            Self::After { mut filter, .. } => filter.trust(),
            Self::Before { recorder, .. } | Self::Abandoned { recorder, .. } => recorder.abandon(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::HoldLimits;

    const HOLD: HoldLimits = HoldLimits {
        messages: 16,
        bytes: 1 << 10,
    };

    fn texts<const N: usize>(texts: [&str; N]) -> Vec<Message> {
        texts.map(Message::text).to_vec()
    }

    fn receive(deduplication: &mut Deduplication, text: &str) -> Vec<Message> {
        match deduplication.receive(Message::text(text)) {
            Deliverable::One(message) => vec![message],
            Deliverable::Many(messages) => messages,
        }
    }

    fn hold(deduplication: &mut Deduplication, text: &str) {
        assert_eq!(deduplication.hold(Message::text(text)), None);
    }

    /// The old socket has brought `old`, and its successor `held`.
    fn before<const N: usize, const M: usize>(old: [&str; N], held: [&str; M]) -> Deduplication {
        let mut deduplication = Deduplication::default();
        deduplication.begin(OverlapRecorder::by_payload(HOLD));
        for text in old {
            assert_eq!(receive(&mut deduplication, text), texts([text]));
        }
        held.iter().for_each(|text| hold(&mut deduplication, text));
        deduplication
    }

    #[test]
    fn without_a_rotation_a_message_is_delivered_as_it_comes() {
        let mut deduplication = Deduplication::default();
        let message = Message::text("a");
        assert_eq!(
            deduplication.receive(message.clone()),
            Deliverable::One(message.clone())
        );
        assert_eq!(deduplication.hold(message.clone()), Some(message));
        assert!(deduplication.is_resolved() && deduplication.end().is_empty());
        assert_eq!(
            (deduplication.deadline(), deduplication.doubles()),
            (None, 0)
        );
    }

    #[test]
    fn what_came_on_both_sockets_is_delivered_once() {
        let until = Instant::now();
        let mut deduplication = before(["a", "b", "c"], ["b", "c", "d"]);
        assert!(!deduplication.is_resolved());
        assert_eq!(deduplication.cut(until), texts(["d"]));
        assert_eq!(receive(&mut deduplication, "e"), texts(["e"]));
        assert!(matches!(deduplication, Deduplication::Plain));
    }

    #[test]
    fn a_successor_that_lags_is_held_until_it_has_caught_up_or_its_time_is_up() {
        let until = Instant::now() + Duration::from_secs(1);
        let mut deduplication = before(["a", "b", "c"], ["a"]);
        assert_eq!(deduplication.cut(until), []);
        assert_eq!(deduplication.deadline(), Some(until));
        assert_eq!(receive(&mut deduplication, "b"), []);
        assert_eq!(receive(&mut deduplication, "c"), []);
        assert_eq!(receive(&mut deduplication, "d"), texts(["d"]));
        assert_eq!(deduplication.deadline(), None);

        let mut deduplication = before(["a", "b", "c"], ["a"]);
        assert_eq!(deduplication.cut(until), []);
        // A lagging socket is far more likely than the same messages again.
        assert_eq!(deduplication.hurry(), []);
        assert_eq!(
            (deduplication.deadline(), deduplication.doubles()),
            (None, 1)
        );
        assert!(deduplication.is_resolved());
    }

    /// Answers and captures that wait for the store wait no longer if everything that came was
    /// delivered.
    #[test]
    fn what_is_the_successors_own_holds_nothing_back() {
        let until = Instant::now() + Duration::from_secs(1);
        let mut deduplication = before(["a", "b", "c"], ["hello"]);
        assert_eq!(deduplication.cut(until), texts(["hello"]));
        assert_eq!(receive(&mut deduplication, "d"), texts(["d"]));
        // The next message may still be one of the old socket's.
        assert_eq!(deduplication.deadline(), Some(until));
        assert!(!deduplication.is_resolved() && !deduplication.holds_back());
        assert_eq!(receive(&mut deduplication, "b"), []);
        assert!(deduplication.holds_back());
        assert_eq!(receive(&mut deduplication, "c"), []);
        assert!(!deduplication.holds_back());
    }

    #[test]
    fn of_a_lost_successor_is_delivered_what_the_old_socket_does_not_bring() {
        let until = Instant::now() + Duration::from_secs(1);
        let mut deduplication = before(["a"], ["b", "c"]);
        deduplication.abandon(until);
        assert_eq!(deduplication.deadline(), Some(until));
        assert!(!deduplication.is_resolved());
        assert_eq!(receive(&mut deduplication, "b"), texts(["b"]));
        assert_eq!(deduplication.hurry(), texts(["c"]));
        assert!(deduplication.is_resolved());

        let mut silent = before(["a"], []);
        silent.abandon(until);
        assert!(matches!(silent, Deduplication::Plain));
    }

    #[test]
    fn a_close_by_hand_forgets_what_only_the_successor_has_brought() {
        let mut deduplication = before(["a"], ["b"]);
        deduplication.forget_successor();
        assert!(matches!(deduplication, Deduplication::Plain));
        assert_eq!(deduplication.end(), []);
    }

    #[test]
    fn a_socket_that_is_lost_leaves_what_was_held() {
        let mut deduplication = before(["a", "b"], ["b", "c"]);
        assert_eq!(deduplication.end(), texts(["c"]));
        assert!(deduplication.is_resolved());
    }

    #[test]
    fn a_successor_that_brings_too_much_is_not_read_on() {
        let mut deduplication = before([], []);
        for _ in 0..HOLD.messages {
            assert!(!deduplication.holds_enough());
            hold(&mut deduplication, "a");
        }
        assert!(deduplication.holds_enough());
    }

    #[test]
    fn a_rotation_within_a_rotation_goes_on_where_the_last_one_was() {
        let until = Instant::now();
        let mut deduplication = before(["a", "b"], ["a"]);
        assert_eq!(deduplication.cut(until), []);
        deduplication.begin(OverlapRecorder::by_payload(HOLD));
        // Still a duplicate of the first socket's message.
        assert_eq!(receive(&mut deduplication, "b"), []);
        assert_eq!(receive(&mut deduplication, "c"), texts(["c"]));
        hold(&mut deduplication, "c");
        hold(&mut deduplication, "d");
        assert_eq!(deduplication.cut(until), texts(["d"]));
    }
}
