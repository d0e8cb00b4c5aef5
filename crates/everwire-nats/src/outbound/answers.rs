//! The destinations of answers, and the forbidden ones.

use std::{collections::HashSet, time::Instant};

use async_nats::{HeaderMap, Message};

use super::{
    link::Up,
    replies::{Digest, Replies},
};
use crate::report::{Observer, Report};

/// At most this many refused reply subjects are reported.
const MOST_TOLD: usize = 64;
/// At most this many answers wait for a connection.
const MOST_LATE: usize = 1024;

/// Answers to the senders of queued messages.
pub(super) struct Answers {
    replies: Replies,
    /// The prefixes of the bridge's own subjects.
    own_subjects: Vec<String>,
    told: HashSet<String>,
    /// Answers that wait for a connection.
    late: Vec<(String, Vec<u8>)>,
    observer: Observer,
}

/// Where the answer to a message goes.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The subject of the message.
    pub subject: String,
    /// Identifies it among the messages of that subject.
    pub digest: Digest,
    /// It was published while the bridge was subscribed to the queue's subjects.
    pub is_heard: bool,
    /// The reply subject in its header.
    pub reply: Option<String>,
}

impl Answers {
    pub fn new(own_subjects: Vec<String>, observer: Observer) -> Self {
        Self {
            replies: Replies::new(),
            own_subjects,
            told: HashSet::new(),
            late: Vec::new(),
            observer,
        }
    }

    /// Identifies a message among those of its subject.
    pub fn digest(&self, headers: Option<&HeaderMap>, payload: &[u8]) -> Digest {
        self.replies.digest(headers, payload)
    }

    /// A message was put on the queue; its sender may wait for an answer.
    pub fn heard(&mut self, message: &Message, up: &Up) {
        let mut reply = message.reply.as_ref().map(ToString::to_string);
        if let Some(subject) = reply.take_if(|subject| !self.may_go_to(subject)) {
            self.refused(subject, "no answer may go to it");
        }
        let digest = self.digest(message.headers.as_ref(), &message.payload);
        if let Some((reply, answer)) = self.replies.heard(&message.subject, digest, reply) {
            up.answer(reply, answer);
        }
    }

    /// Answers a message at its reply subjects and at the subject in its header. Without a connection
    /// the answer waits for one.
    pub fn send(&mut self, to: &Asked, answer: &[u8], up: Option<&Up>) {
        let now = Instant::now();
        let mut subjects = self
            .replies
            .answer(&to.subject, to.digest, answer, to.is_heard, now);
        match &to.reply {
            Some(subject) if self.may_go_to(subject) => subjects.push(subject.clone()),
            Some(subject) => self.refused(subject.clone(), "no answer may go to it"),
            None => {}
        }
        for subject in subjects {
            match up {
                Some(up) => up.answer(subject, answer.to_vec()),
                None if self.late.len() < MOST_LATE => {
                    self.late.push((subject, answer.to_vec()));
                }
                // The requester has a deadline, and asks again.
                None => {}
            }
        }
    }

    /// There is a connection again.
    pub fn up(&mut self, up: &Up) {
        for (subject, answer) in self.late.drain(..) {
            up.answer(subject, answer);
        }
    }

    /// The server does not permit an answer.
    pub fn denied(&mut self, subject: String) {
        self.refused(subject, "the server does not allow it");
    }

    /// Forgets answers that nobody has asked for in time.
    pub fn tick(&mut self, now: Instant) {
        self.replies.tick(now);
    }

    /// Whether an answer may go to this subject. The sender chooses it, and the answer has the
    /// bridge's permissions: it must be neither a request to the server nor a message for or from
    /// the bridge itself.
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
