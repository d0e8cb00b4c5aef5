//! Pending effects of rules.

use crate::{
    core::Cause,
    dialogue::{
        answers::{Answers, MAX_WAITING},
        delayed::Delayed,
        reply::Reply,
        unstored::Unstored,
    },
};

#[derive(Debug)]
pub(super) struct Waiting {
    pub answers: Answers,
    pub unstored: Unstored,
    pub delayed: Delayed,
    /// The rules whose templates could not be rendered, as bits; the last one stands for all
    /// further rules.
    pub told: u64,
    /// Whether a lost answer was published.
    pub told_lost: bool,
}

/// The text for an answer whose message will never be stored.
const LOST: &str = "an answer is not sent: its message went without being stored";

impl Waiting {
    /// Publishes, once per socket, that an answer is lost.
    pub fn tell_lost(&mut self, out: &mut Vec<Reply>) {
        if !std::mem::replace(&mut self.told_lost, true) {
            out.push(Reply::Error(Cause::Store(LOST.into())));
        }
    }

    /// How many answers wait, for their turn or for the store.
    pub fn answers(&self) -> usize {
        self.answers.waiting() + self.unstored.len()
    }

    /// Whether too much waits: too many answers, or more bytes than a message may have.
    pub fn is_full(&self, max_message: usize) -> bool {
        let bytes = self.answers.bytes().saturating_add(self.unstored.bytes());
        self.answers() >= MAX_WAITING || bytes > max_message
    }
}
