//! Who is answered.
//!
//! A stream keeps no reply subject. So the bridge also hears what is put on the queue's subjects as
//! it is put there, and finds by its content which message of the queue it is.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use async_nats::HeaderMap;

/// So many reply subjects, and so many answers that nobody has claimed yet, are kept.
const MOST: usize = 16_384;
/// An answer may come before its request is heard: both are on their way from the same server.
const PATIENCE: Duration = Duration::from_secs(2);

/// What tells messages from each other.
pub(super) type Digest = u64;

/// The reply subjects of messages that are not answered, and the answers of messages whose reply
/// subject is not known.
pub(super) struct Replies {
    hasher: RandomState,
    subjects: Waiting<String>,
    answers: Waiting<(Instant, Vec<u8>)>,
}

impl Replies {
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            subjects: Waiting::new(),
            answers: Waiting::new(),
        }
    }

    /// What tells a message from others.
    pub fn digest(&self, subject: &str, headers: Option<&HeaderMap>, payload: &[u8]) -> Digest {
        let id = headers.and_then(|headers| headers.get("Nats-Msg-Id"));
        let id = id.map(|id| id.as_str());
        self.hasher.hash_one((subject, id, payload))
    }

    /// A request was heard. Its answer, if that is there already.
    pub fn asked(&mut self, digest: Digest, reply: String) -> Option<(String, Vec<u8>)> {
        if let Some((_, answer)) = self.answers.take(digest) {
            return Some((reply, answer));
        }
        self.subjects.put(digest, reply);
        None
    }

    /// Where the answer to a message goes; kept for a while if that is not known yet.
    pub fn answer(&mut self, digest: Digest, answer: &[u8], now: Instant) -> Option<String> {
        let subject = self.subjects.take(digest);
        if subject.is_none() {
            self.answers.put(digest, (now, answer.to_vec()));
        }
        subject
    }

    /// Forgets answers that nobody has asked for.
    pub fn tick(&mut self, now: Instant) {
        let is_old = |(at, _): &(Instant, Vec<u8>)| now.duration_since(*at) > PATIENCE;
        self.answers.drop_oldest_while(is_old);
    }
}

/// Values by digest, each digest's in their order; the oldest go when there are too many.
struct Waiting<V> {
    by_digest: HashMap<Digest, VecDeque<V>>,
    order: VecDeque<Digest>,
}

impl<V> Waiting<V> {
    fn new() -> Self {
        Self {
            by_digest: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    fn put(&mut self, digest: Digest, value: V) {
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.front().copied()
        {
            self.take(oldest);
        }
        self.by_digest.entry(digest).or_default().push_back(value);
        self.order.push_back(digest);
    }

    fn take(&mut self, digest: Digest) -> Option<V> {
        let values = self.by_digest.get_mut(&digest)?;
        let value = values.pop_front();
        if values.is_empty() {
            self.by_digest.remove(&digest);
        }
        if let Some(place) = self.order.iter().position(|known| *known == digest) {
            self.order.remove(place);
        }
        value
    }

    fn drop_oldest_while(&mut self, is_old: impl Fn(&V) -> bool) {
        while let Some(digest) = self.order.front().copied()
            && let Some(oldest) = self.by_digest.get(&digest).and_then(VecDeque::front)
            && is_old(oldest)
        {
            self.take(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_answer_find_each_other_in_either_order() {
        let now = Instant::now();
        let mut replies = Replies::new();
        let [a, b] = [b"a", b"b"].map(|payload| replies.digest("s", None, payload));
        assert_ne!(a, b);
        assert_eq!(replies.asked(a, "first".into()), None);
        assert_eq!(replies.asked(a, "second".into()), None);
        assert_eq!(replies.answer(a, b"1", now).as_deref(), Some("first"));
        assert_eq!(replies.answer(a, b"2", now).as_deref(), Some("second"));
        assert_eq!(replies.answer(b, b"3", now), None);
        assert_eq!(
            replies.asked(b, "third".into()),
            Some(("third".into(), b"3".to_vec()))
        );
    }

    #[test]
    fn what_nobody_claims_is_forgotten() {
        let now = Instant::now();
        let mut replies = Replies::new();
        assert_eq!(replies.answer(1, b"1", now), None);
        replies.tick(now + PATIENCE * 2);
        assert_eq!(replies.asked(1, "late".into()), None);
        for digest in 2..100_000 {
            replies.asked(digest, "r".into());
        }
        assert_eq!(replies.subjects.order.len(), MOST);
        assert_eq!(replies.subjects.by_digest.len(), MOST);
    }

    #[test]
    fn the_id_of_a_message_tells_equal_ones_apart() {
        let replies = Replies::new();
        let of = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", id);
            replies.digest("s", Some(&headers), b"p")
        };
        assert_ne!(of("1"), of("2"));
        assert_eq!(of("1"), of("1"));
    }
}
