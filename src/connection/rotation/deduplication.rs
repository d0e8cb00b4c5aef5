//! What comes in on its way to the subscribers: past the seam of a rotation, and past the peer's own numbers.

use std::time::Instant;

use crate::{
    connection::state::Name,
    core::{HoldLimits, Message, Observed, Seam, Splice},
    events::{Event, Gap, GapReason},
};

/// How much of a successor's is held before the cut.
const HOLD: HoldLimits = HoldLimits {
    messages: 4096,
    bytes: 4 << 20,
};

/// Where the messages of a name are, between two sockets.
#[derive(Debug, Default)]
pub(in crate::connection) enum Passage {
    /// One socket, and nothing to compare.
    #[default]
    Plain,
    /// The old socket serves, and what comes on the successor is held.
    Before {
        splice: Box<Splice>,
        /// The old socket is itself a successor that has not caught up with the one before.
        seam: Option<Box<Seam>>,
    },
    /// The successor was lost, and the old socket serves on. What was held is delivered unless the old one brings it, too.
    Abandoned {
        splice: Box<Splice>,
        /// When that is decided.
        until: Instant,
    },
    /// The successor serves, and what the old socket has brought is dropped.
    After {
        seam: Box<Seam>,
        /// When nothing is held any more; `None`: nothing is.
        until: Option<Instant>,
    },
}

impl Name {
    /// A message came on the socket that serves.
    pub(in crate::connection) fn receive(&mut self, message: Message) {
        self.record.received.messages += 1;
        self.record.received.bytes += message.len() as u64;
        self.record.last_message_at = Some(self.wall());
        match &mut self.passage {
            Passage::Plain => self.deliver(message),
            Passage::Before { splice, seam } => {
                let messages = match seam {
                    Some(seam) => seam.feed(message),
                    None => vec![message],
                };
                messages.iter().for_each(|message| splice.old(message));
                self.deliver_all(messages);
            }
            Passage::Abandoned { splice, .. } => {
                splice.old(&message);
                self.deliver(message);
            }
            Passage::After { seam, .. } => {
                let messages = seam.feed(message);
                if seam.is_settled() {
                    self.passage = Passage::Plain;
                }
                self.deliver_all(messages);
            }
        }
    }

    /// A message came on the successor.
    pub(in crate::connection) fn hold(&mut self, message: Message) {
        self.record.received.messages += 1;
        self.record.received.bytes += message.len() as u64;
        match &mut self.passage {
            Passage::Before { splice, .. } => splice.hold(message),
            // There is no successor without a splice.
            Passage::Plain | Passage::Abandoned { .. } | Passage::After { .. } => {
                self.deliver(message);
            }
        }
    }

    /// Whether the successor must not be read for now.
    pub(in crate::connection) fn holds_enough(&self) -> bool {
        matches!(&self.passage, Passage::Before { splice, .. } if splice.is_full())
    }

    /// Whether nothing of the last rotation is open.
    pub(in crate::connection) fn is_settled(&self) -> bool {
        matches!(
            self.passage,
            Passage::Plain | Passage::After { until: None, .. }
        )
    }

    /// A successor is going to be dialled.
    pub(in crate::connection) fn begin_passage(&mut self) {
        let splice = match (&self.settings.sequence, self.sequence.as_deref()) {
            (Some(settings), marks) => {
                let marks = marks.cloned().unwrap_or_default();
                Splice::by_sequence(settings.clone(), marks, HOLD)
            }
            (None, _) => Splice::by_payload(HOLD),
        };
        let seam = match std::mem::take(&mut self.passage) {
            Passage::After { seam, .. } => Some(seam),
            Passage::Plain | Passage::Before { .. } | Passage::Abandoned { .. } => None,
        };
        self.passage = Passage::Before {
            splice: Box::new(splice),
            seam,
        };
    }

    /// The old socket was read to its end. Returns what can be delivered of the successor's.
    pub(in crate::connection) fn cut(&mut self, now: Instant) -> Vec<Message> {
        let Passage::Before { splice, .. } = std::mem::take(&mut self.passage) else {
            return Vec::new();
        };
        let (seam, messages) = splice.cut();
        if !seam.is_settled() {
            self.passage = Passage::After {
                seam: Box::new(seam),
                until: Some(now + self.settings.close_timeout),
            };
        }
        messages
    }

    /// Closed by hand: what came on a socket that never served is nobody's.
    pub(in crate::connection) fn forget_successor(&mut self) {
        if let Passage::Before { seam, .. } = &mut self.passage {
            self.passage = match seam.take() {
                Some(seam) => Passage::After { seam, until: None },
                None => Passage::Plain,
            };
        }
    }

    /// The successor is lost, and the old socket serves on. It may lag, and still bring what the successor has brought.
    pub(in crate::connection) fn abandon_passage(&mut self, now: Instant) {
        match std::mem::take(&mut self.passage) {
            Passage::Before {
                splice,
                seam: Some(seam),
            } if splice.holds_nothing() => self.passage = Passage::After { seam, until: None },
            Passage::Before { splice, .. } if splice.holds_nothing() => {}
            Passage::Before { splice, .. } => {
                self.passage = Passage::Abandoned {
                    splice,
                    until: now + self.settings.close_timeout,
                };
            }
            other => self.passage = other,
        }
    }

    /// How many of the successor's messages were dropped so far.
    pub(in crate::connection) fn doubles(&self) -> u64 {
        match &self.passage {
            Passage::After { seam, .. } => seam.doubles(),
            Passage::Plain | Passage::Before { .. } | Passage::Abandoned { .. } => 0,
        }
    }

    /// When a passage has taken long enough.
    pub(in crate::connection) fn passage_deadline(&self) -> Option<Instant> {
        match &self.passage {
            Passage::After { until, .. } => *until,
            Passage::Abandoned { until, .. } => Some(*until),
            Passage::Plain | Passage::Before { .. } => None,
        }
    }

    /// The time is up: nothing is held any more.
    pub(in crate::connection) fn hurry_passage(&mut self) {
        match &mut self.passage {
            Passage::After { seam, until } => {
                *until = None;
                let messages = seam.trust();
                self.deliver_all(messages);
            }
            Passage::Plain | Passage::Before { .. } | Passage::Abandoned { .. } => {
                self.end_passage();
            }
        }
    }

    /// A socket is gone: what is held is delivered, unless it is known to have been.
    pub(in crate::connection) fn end_passage(&mut self) {
        match std::mem::take(&mut self.passage) {
            Passage::Plain => {}
            Passage::After { mut seam, .. } => self.deliver_all(seam.trust()),
            Passage::Before { splice, .. } | Passage::Abandoned { splice, .. } => {
                self.deliver_all(splice.abandon());
            }
        }
    }

    pub(in crate::connection) fn deliver_all(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.deliver(message);
        }
    }

    fn deliver(&mut self, message: Message) {
        self.check_number(&message);
        self.publish(|stamp| Event::Message(stamp, message));
    }

    /// Tells where the peer's own numbers have a hole, or come again.
    fn check_number(&mut self, message: &Message) {
        let Some(settings) = &self.settings.sequence else {
            return;
        };
        let Some((stream, number)) = settings.number_of(message) else {
            return;
        };
        let observed = self
            .sequence
            .get_or_insert_default()
            .observe(&stream, number);
        let (reason, last, missing) = match observed {
            Observed::First | Observed::Next => return,
            Observed::Hole { expected, missing } => {
                (GapReason::Hole, expected.saturating_sub(1), Some(missing))
            }
            Observed::Double { last } => (GapReason::Double, last, None),
            Observed::Restart { last } => (GapReason::Restart, last, None),
        };
        let gap = Gap {
            reason,
            blind: std::time::Duration::ZERO,
            stream: settings.by.is_some().then(|| stream.into_owned()),
            peer_seq: Some(last),
            next: Some(number),
            missing,
        };
        self.publish(|stamp| Event::Gap(stamp, Box::new(gap)));
    }

    /// Nothing was heard from `since` to `now`.
    pub(in crate::connection) fn tell_blind(&mut self, since: Instant, now: Instant) {
        let gap = Gap {
            reason: GapReason::Reconnect,
            blind: now.saturating_duration_since(since),
            stream: None,
            peer_seq: self.sequence.as_ref().and_then(|sequence| sequence.last()),
            next: None,
            missing: None,
        };
        self.publish(|stamp| Event::Gap(stamp, Box::new(gap)));
    }

    /// The numbers of the socket that serves from now on may start over.
    pub(in crate::connection) fn begin_numbers(&mut self) {
        if let Some(sequence) = &mut self.sequence {
            sequence.begin_socket();
        }
    }
}
