//! Messages that are done, but whose end the queue has not confirmed.

use std::collections::HashMap;

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
    /// The number of consumers so far.
    consumer: u64,
    /// Some may have ended before this consumer.
    has_earlier: bool,
}

#[derive(Debug)]
struct Ended {
    stored: i128,
    is_refused: bool,
    consumer: u64,
}

impl Unfinished {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// There is a new consumer, which delivers all remaining messages in order. `is_empty`: there
    /// are none.
    pub fn begin(&mut self, is_empty: bool) {
        self.consumer += 1;
        if is_empty {
            self.messages.clear();
        }
        self.has_earlier = !self.messages.is_empty();
    }

    /// A message is done, and the queue is told.
    pub fn ended(&mut self, sequence: u64, stored: i128, is_refused: bool) {
        let consumer = self.consumer;
        let ended = Ended {
            stored,
            is_refused,
            consumer,
        };
        self.messages.insert(sequence, ended);
    }

    /// The queue has confirmed it.
    pub fn finished(&mut self, sequence: u64) {
        self.messages.remove(&sequence);
    }

    /// A message was delivered.
    pub fn delivered(&mut self, sequence: u64, stored: i128) -> Known {
        let consumer = self.consumer;
        if self.has_earlier {
            // Earlier ones have left the queue: this consumer would have delivered them first.
            self.messages
                .retain(|number, ended| *number >= sequence || ended.consumer == consumer);
            let is_earlier = |ended: &Ended| ended.consumer != consumer;
            self.has_earlier = self.messages.values().any(is_earlier);
        }
        match self.messages.get_mut(&sequence) {
            None => Known::No,
            Some(ended) if ended.stored != stored => Known::OtherStream,
            Some(ended) => {
                ended.consumer = consumer;
                let is_refused = ended.is_refused;
                Known::Ended { is_refused }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_until_the_queue_knows() {
        let mut unfinished = Unfinished::default();
        unfinished.begin(true);
        for sequence in 1..=4 {
            unfinished.ended(sequence, 7, sequence == 3);
        }
        unfinished.finished(4);
        unfinished.begin(false);
        // The first two have left the queue, without a confirmation.
        let ended = |is_refused| Known::Ended { is_refused };
        assert_eq!(unfinished.delivered(3, 7), ended(true));
        assert_eq!(unfinished.messages.len(), 1);
        assert_eq!(unfinished.delivered(4, 7), Known::No);
        assert_eq!(unfinished.delivered(5, 7), Known::No);
        assert!(!unfinished.is_empty());
        unfinished.begin(true);
        assert!(unfinished.is_empty());
    }

    #[test]
    fn a_number_that_is_given_again_is_another_message() {
        let mut unfinished = Unfinished::default();
        unfinished.ended(1, 7, false);
        unfinished.begin(false);
        assert_eq!(unfinished.delivered(1, 8), Known::OtherStream);
    }
}
