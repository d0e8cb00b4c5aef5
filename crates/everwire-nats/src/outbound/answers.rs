//! Where answers go, and where none may go.

use std::{collections::HashSet, time::Instant};

use async_nats::{HeaderMap, Message};

use super::{
    link::Up,
    replies::{Digest, Replies},
};
use crate::report::{Observer, Report};

/// So many subjects at which nobody is answered are told.
const MOST_TOLD: usize = 64;

/// Answers to those who put messages on the queue.
pub(super) struct Answers {
    replies: Replies,
    /// What the subjects of the bridge begin with.
    own_subjects: Vec<String>,
    told: HashSet<String>,
    observer: Observer,
}

impl Answers {
    pub fn new(own_subjects: Vec<String>, observer: Observer) -> Self {
        Self {
            replies: Replies::new(),
            own_subjects,
            told: HashSet::new(),
            observer,
        }
    }

    /// What tells a message from others.
    pub fn digest(&self, subject: &str, headers: Option<&HeaderMap>, payload: &[u8]) -> Digest {
        self.replies.digest(subject, headers, payload)
    }

    /// A message was put on the queue, perhaps by somebody who waits for an answer.
    pub fn asked(&mut self, message: &Message, up: &Up) {
        let Some(reply) = message.reply.as_ref().map(ToString::to_string) else {
            return;
        };
        if !self.may_go_to(&reply) {
            return self.refused(reply, "no answer may go to it");
        }
        let digest = self.digest(&message.subject, message.headers.as_ref(), &message.payload);
        if let Some((reply, answer)) = self.replies.asked(digest, reply) {
            up.answer(reply, answer);
        }
    }

    /// The answer to a message while there is no connection: for who asks again with the same id.
    pub fn keep(&mut self, digest: Digest, answer: &[u8]) {
        let now = Instant::now();
        if self.replies.answer(digest, answer, now).is_some() {
            // Now nobody waits for it.
            let _nobody = self.replies.answer(digest, answer, now);
        }
    }

    /// Answers a message: at its reply subject, and at the one that its header names.
    pub fn send(&mut self, digest: Digest, named: Option<String>, answer: &[u8], up: &Up) {
        if let Some(subject) = self.replies.answer(digest, answer, Instant::now()) {
            up.answer(subject, answer.to_vec());
        }
        match named {
            Some(subject) if self.may_go_to(&subject) => up.answer(subject, answer.to_vec()),
            Some(subject) => self.refused(subject, "no answer may go to it"),
            None => {}
        }
    }

    /// The server does not let an answer through.
    pub fn denied(&mut self, subject: String) {
        self.refused(subject, "the server does not allow it");
    }

    /// Forgets what nobody has asked for.
    pub fn tick(&mut self, now: Instant) {
        self.replies.tick(now);
    }

    /// A sender chooses the subject, and the answer is published with the bridge's permissions: it
    /// must be no request to the server, and no message that the bridge takes or publishes itself.
    fn may_go_to(&self, subject: &str) -> bool {
        let is_below = |prefix: &String| {
            let rest = subject.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        !subject.starts_with('$') && !self.own_subjects.iter().any(is_below)
    }

    fn refused(&mut self, subject: String, text: &'static str) {
        if self.told.len() < MOST_TOLD && self.told.insert(subject.clone()) {
            self.observer.tell(Report::NotAnswered { subject, text });
        }
    }
}
