//! The reply subjects of messages.
//!
//! A stream keeps no reply subject. So the bridge also subscribes to the queue's subjects, and finds
//! by the content of a message which one of the queue it is. It remembers messages without a reply
//! subject, too: else their answers would be kept, and the next equal message would get one of them
//! before it was sent.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use async_nats::HeaderMap;

/// At most this many messages of a subject, and of all subjects, wait for an answer. Beyond that the
/// oldest ones of the subject get none.
const MOST: usize = 512;
const MOST_IN_ALL: usize = 65_536;
/// An answer may come before its message is seen: the server sends both independently.
const PATIENCE: Duration = Duration::from_secs(2);

/// A message that is queued again with the same `Nats-Msg-Id` is the same message: its answer is
/// kept for the server's default duplicate window.
const SAME: Duration = Duration::from_secs(120);

/// Identifies a message among those of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    hash: u64,
    /// Its sender gave it an id: an equal digest means the same message.
    has_id: bool,
}

/// The reply subjects of unanswered messages, and the answers to messages that were not seen yet.
pub(super) struct Replies {
    hasher: RandomState,
    subjects: HashMap<String, Pending>,
    /// The number of all entries.
    count: usize,
}

/// Messages and answers of one subject, the oldest first.
#[derive(Default)]
struct Pending {
    heard: VecDeque<(Digest, Option<String>)>,
    answers: VecDeque<(Digest, Instant, Vec<u8>)>,
}

impl Replies {
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            subjects: HashMap::new(),
            count: 0,
        }
    }

    /// Identifies a message among those of its subject.
    pub fn digest(&self, headers: Option<&HeaderMap>, payload: &[u8]) -> Digest {
        let id = headers.and_then(|headers| headers.get("Nats-Msg-Id"));
        let id = id.map(|id| id.as_str());
        Digest {
            hash: self.hasher.hash_one((id, payload)),
            has_id: id.is_some(),
        }
    }

    /// A message was published on a subject. Returns the destination and content of its answer, if
    /// the answer is there already.
    pub fn heard(
        &mut self,
        subject: &str,
        digest: Digest,
        reply: Option<String>,
    ) -> Option<(String, Vec<u8>)> {
        let answers = self.subjects.get_mut(subject).map(|of| &mut of.answers);
        if let Some(answers) = answers
            && let Some(at) = answers.iter().position(|(known, ..)| *known == digest)
        {
            if digest.has_id {
                let answer = answers.get(at).map(|(_, _, answer)| answer.clone());
                return reply.zip(answer);
            }
            let answer = answers.remove(at).map(|(_, _, answer)| answer);
            self.count -= 1;
            self.forget(subject);
            return reply.zip(answer);
        }
        let has_room = self.count < MOST_IN_ALL;
        let heard = &mut self.subjects.entry(subject.to_owned()).or_default().heard;
        // Only entries of this subject make room for it.
        if heard.len() >= MOST || !has_room {
            self.count -= usize::from(heard.pop_front().is_some());
        }
        if self.count < MOST_IN_ALL {
            heard.push_back((digest, reply));
            self.count += 1;
        }
        self.forget(subject);
        None
    }

    /// The destinations of the answer to a message: everyone who queued it, also repeatedly.
    /// `is_heard`: it was published while the bridge was subscribed. Then its answer is kept for a
    /// while if the message was not seen yet.
    pub fn answer(
        &mut self,
        subject: &str,
        digest: Digest,
        answer: &[u8],
        is_heard: bool,
        now: Instant,
    ) -> Vec<String> {
        let mut replies = Vec::new();
        let mut was_heard = false;
        if let Some(of) = self.subjects.get_mut(subject) {
            while let Some(at) = of.heard.iter().position(|(known, _)| *known == digest) {
                was_heard = true;
                replies.extend(of.heard.remove(at).and_then(|(_, reply)| reply));
                self.count -= 1;
                if !digest.has_id {
                    break;
                }
            }
        }
        self.forget(subject);
        let is_kept = digest.has_id || (is_heard && !was_heard);
        if is_kept && self.count < MOST_IN_ALL {
            let answers = &mut self.subjects.entry(subject.to_owned()).or_default().answers;
            if answers.len() >= MOST {
                self.count -= usize::from(answers.pop_front().is_some());
            }
            answers.push_back((digest, now, answer.to_vec()));
            self.count += 1;
        }
        replies
    }

    /// Discards answers that nobody will ask for.
    pub fn tick(&mut self, now: Instant) {
        let mut count = 0;
        self.subjects.retain(|_, of| {
            let before = of.answers.len();
            of.answers.retain(|(digest, at, _)| {
                let kept = if digest.has_id { SAME } else { PATIENCE };
                now.duration_since(*at) <= kept
            });
            count += before - of.answers.len();
            !of.is_empty()
        });
        self.count -= count;
    }

    fn forget(&mut self, subject: &str) {
        if self.subjects.get(subject).is_some_and(Pending::is_empty) {
            self.subjects.remove(subject);
        }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.heard.is_empty() && self.answers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "s";

    fn digest(hash: u64) -> Digest {
        Digest {
            hash,
            has_id: false,
        }
    }

    #[test]
    fn message_and_answer_find_each_other_in_either_order() {
        let now = Instant::now();
        let mut replies = Replies::new();
        let [a, b] = [b"a", b"b"].map(|payload| replies.digest(None, payload));
        assert_ne!(a, b);
        assert_eq!(replies.heard(S, a, Some("first".into())), None);
        assert_eq!(replies.heard(S, a, Some("second".into())), None);
        let mut answer = |digest, text: &[u8]| replies.answer(S, digest, text, true, now);
        assert_eq!(answer(a, b"1"), ["first"]);
        assert_eq!(answer(a, b"2"), ["second"]);
        assert!(answer(b, b"3").is_empty());
        let told = replies.heard(S, b, Some("third".into()));
        assert_eq!(told, Some(("third".into(), b"3".to_vec())));
        assert_eq!((replies.count, replies.subjects.len()), (0, 0));
    }

    #[test]
    fn nobody_is_told_of_a_message_that_was_there_before() {
        let now = Instant::now();
        let mut replies = Replies::new();
        let [one, two] = [1, 2].map(digest);
        let reply = || Some("r".to_owned());
        // A sender without a reply subject publishes the same message.
        assert_eq!(replies.heard(S, one, None), None);
        assert!(
            replies
                .answer(S, one, b"of the first", true, now)
                .is_empty()
        );
        assert_eq!(replies.heard(S, one, reply()), None);
        assert_eq!(replies.answer(S, one, b"of the second", true, now), ["r"]);
        // Messages from before the subscription get no answer.
        assert!(
            replies
                .answer(S, two, b"of an old one", false, now)
                .is_empty()
        );
        assert_eq!(replies.heard(S, two, reply()), None);
        // The same on another subject does not match.
        assert!(
            replies
                .answer("t", two, b"of another name", false, now)
                .is_empty()
        );
        assert_eq!(replies.answer(S, two, b"2", true, now), ["r"]);
    }

    #[test]
    fn a_message_that_comes_again_with_its_id_has_the_same_answer() {
        let now = Instant::now();
        let mut replies = Replies::new();
        let same = Digest {
            hash: 1,
            has_id: true,
        };
        let reply = |text: &str| Some(text.to_owned());
        assert_eq!(replies.heard(S, same, reply("first")), None);
        assert_eq!(replies.heard(S, same, reply("again")), None);
        let told = replies.answer(S, same, b"1", true, now);
        assert_eq!(told, ["first", "again"]);
        for _ in 0..2 {
            let told = replies.heard(S, same, reply("late"));
            assert_eq!(told, Some(("late".into(), b"1".to_vec())));
        }
        replies.tick(now + SAME * 2);
        assert_eq!(replies.count, 0);
    }

    #[test]
    fn what_nobody_claims_is_forgotten_and_nobody_pushes_others_out() {
        let now = Instant::now();
        let mut replies = Replies::new();
        let reply = || Some("r".to_owned());
        replies.heard("mine", digest(7), reply());
        for number in 0..100_000 {
            replies.heard(S, digest(number), reply());
            replies.answer("t", digest(number), b"x", true, now);
        }
        assert_eq!(replies.count, 1 + 2 * MOST);
        replies.tick(now + PATIENCE * 2);
        assert_eq!(replies.count, 1 + MOST);
        for subject in 0..100_000 {
            replies.heard(&subject.to_string(), digest(1), reply());
        }
        assert_eq!(replies.count, MOST_IN_ALL);
        assert_eq!(replies.answer("mine", digest(7), b"x", true, now), ["r"]);
    }

    #[test]
    fn the_id_of_a_message_tells_equal_ones_apart() {
        let replies = Replies::new();
        let of = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", id);
            replies.digest(Some(&headers), b"p")
        };
        assert_ne!(of("1"), of("2"));
        assert_eq!(of("1"), of("1"));
        assert!(of("1").has_id);
    }
}
