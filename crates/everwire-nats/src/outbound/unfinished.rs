//! Messages that have come to their end. The queue may not know it, or forget it: a server of a
//! cluster that takes over does not know the last acknowledgements of the one that is lost.

use std::collections::{HashMap, VecDeque};

/// So many messages are remembered of which the queue has said that it knows.
const REMEMBERED: usize = 8192;

/// The record of a delivered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing.
    No,
    /// It is done: it is not sent again.
    Ended {
        /// It could not be sent.
        is_refused: bool,
    },
    /// Another message had its number.
    OtherStream,
}

/// Messages by their sequence number.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    messages: HashMap<u64, Ended>,
    /// Those of which the queue has said that it knows, the oldest first.
    finished: VecDeque<u64>,
    /// How many consumers there were.
    consumer: u64,
    /// Some may have ended before this consumer.
    has_earlier: bool,
}

#[derive(Debug)]
struct Ended {
    stored: i128,
    is_refused: bool,
    consumer: u64,
    /// The queue has said that it knows.
    is_finished: bool,
}

impl Unfinished {
    /// Whether the queue knows of all.
    pub fn is_empty(&self) -> bool {
        self.messages.values().all(|ended| ended.is_finished)
    }

    /// There is a new consumer, which delivers all remaining messages in order. `is_empty`: there
    /// are none.
    pub fn begin(&mut self, is_empty: bool) {
        self.consumer += 1;
        if is_empty {
            self.messages.retain(|_, ended| ended.is_finished);
        }
        self.has_earlier = !self.is_empty();
    }

    /// A message is done, and the queue is told.
    pub fn ended(&mut self, sequence: u64, stored: i128, is_refused: bool) {
        let ended = Ended {
            stored,
            is_refused,
            consumer: self.consumer,
            is_finished: false,
        };
        self.messages.insert(sequence, ended);
    }

    /// The queue has confirmed it.
    pub fn finished(&mut self, sequence: u64) {
        let Some(ended) = self.messages.get_mut(&sequence) else {
            return;
        };
        ended.is_finished = true;
        self.finished.push_back(sequence);
        while self.finished.len() > REMEMBERED
            && let Some(oldest) = self.finished.pop_front()
        {
            // It may have been delivered again meanwhile.
            if self
                .messages
                .get(&oldest)
                .is_some_and(|ended| ended.is_finished)
            {
                self.messages.remove(&oldest);
            }
        }
    }

    /// The consumer has delivered a message. What is known of it.
    pub fn delivered(&mut self, sequence: u64, stored: i128) -> Known {
        let consumer = self.consumer;
        if self.has_earlier {
            // Those before it have left the queue: this consumer would have delivered them first.
            self.messages.retain(|number, ended| {
                *number >= sequence || ended.consumer == consumer || ended.is_finished
            });
            let is_earlier = |ended: &Ended| ended.consumer != consumer && !ended.is_finished;
            self.has_earlier = self.messages.values().any(is_earlier);
        }
        self.known(sequence, stored)
    }

    /// What is known of a message that is there. It is to be taken off the queue if it has ended.
    pub fn known(&mut self, sequence: u64, stored: i128) -> Known {
        let Some(ended) = self.messages.get_mut(&sequence) else {
            return Known::No;
        };
        if ended.stored == stored {
            (ended.consumer, ended.is_finished) = (self.consumer, false);
            let is_refused = ended.is_refused;
            return Known::Ended { is_refused };
        }
        if !ended.is_finished {
            return Known::OtherStream;
        }
        // That one has left, and the server gives its number again.
        self.messages.remove(&sequence);
        Known::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Known = Known::Ended { is_refused: true };
    const SENT: Known = Known::Ended { is_refused: false };

    #[test]
    fn a_message_is_known_until_it_has_left() {
        let mut unfinished = Unfinished::default();
        unfinished.begin(true);
        for sequence in 1..=3 {
            unfinished.ended(sequence, 7, sequence == 3);
        }
        unfinished.begin(false);
        // The first two have left the queue, and nobody heard of it.
        assert_eq!(unfinished.delivered(3, 7), REFUSED);
        assert_eq!(unfinished.messages.len(), 1);
        assert_eq!(unfinished.delivered(4, 7), Known::No);
        assert!(!unfinished.is_empty());
        unfinished.begin(true);
        assert!(unfinished.is_empty());
    }

    #[test]
    fn a_message_that_the_queue_has_forgotten_is_known() {
        let mut unfinished = Unfinished::default();
        unfinished.begin(true);
        for sequence in 1..=3 {
            unfinished.ended(sequence, 7, false);
            unfinished.finished(sequence);
        }
        assert!(unfinished.is_empty());
        // Another server has taken over.
        unfinished.begin(false);
        assert_eq!(unfinished.delivered(2, 7), SENT);
        assert!(!unfinished.is_empty());
        unfinished.finished(2);
        assert_eq!(unfinished.delivered(3, 7), SENT);
        unfinished.finished(3);
        assert_eq!(unfinished.delivered(4, 7), Known::No);
        assert!(unfinished.is_empty());
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut unfinished = Unfinished::default();
        let all = REMEMBERED as u64 + 10;
        for sequence in 1..=all {
            unfinished.ended(sequence, 7, false);
            unfinished.finished(sequence);
        }
        assert_eq!(unfinished.messages.len(), REMEMBERED);
        assert_eq!(unfinished.delivered(10, 7), Known::No);
        assert_eq!(unfinished.delivered(11, 7), SENT);
    }

    #[test]
    fn a_number_that_is_given_again_is_another_message() {
        let mut unfinished = Unfinished::default();
        unfinished.ended(1, 7, false);
        unfinished.begin(false);
        assert_eq!(unfinished.delivered(1, 8), Known::OtherStream);
        // Of one that had left nothing is on its way.
        unfinished.finished(1);
        assert_eq!(unfinished.delivered(1, 8), Known::No);
        assert_eq!(unfinished.delivered(1, 7), Known::No);
    }
}
