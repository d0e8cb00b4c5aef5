//! Requests and answers in parts: a server of NATS takes messages of 1 MiB at most, by default.

use std::{collections::HashMap, time::Duration};

use bytes::{Bytes, BytesMut};

/// The most bytes of a part.
pub(super) const PART: usize = 512 << 10;
/// The most bytes of a request or an answer.
pub const MOST_BYTES: usize = 24 << 20;
/// The most bytes of all that is not complete.
const MOST_WAITING: usize = 4 * MOST_BYTES;
/// What is not complete after this time is dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// The parts of a request or an answer, each with its number, from 1, and their count.
pub(super) fn split(whole: &Bytes) -> impl Iterator<Item = (String, Bytes)> + '_ {
    let count = whole.len().div_ceil(PART).max(1);
    (0..count).map(move |index| {
        let end = whole.len().min((index + 1) * PART);
        let part = whole.slice(index * PART..end);
        (format!("{}/{count}", index + 1), part)
    })
}

/// Puts parts together. They arrive in their order: one connection has written them.
#[derive(Debug, Default)]
pub(super) struct Parts {
    waiting: HashMap<String, Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    count: usize,
    parts: usize,
    bytes: BytesMut,
    since: Duration,
}

impl Parts {
    /// The next part of what `of` identifies; the whole, if it is the last one. A part that does not
    /// follow, or that would be too much, drops what came before it.
    pub fn put(&mut self, of: &str, number: &str, part: Bytes, now: Duration) -> Option<Bytes> {
        let (index, count) = number.split_once('/')?;
        let (index, count): (usize, usize) = (index.parse().ok()?, count.parse().ok()?);
        if (index, count) == (1, 1) {
            return Some(part);
        }
        let mut waiting = match index {
            1 => Waiting {
                count,
                parts: 0,
                bytes: BytesMut::new(),
                since: now,
            },
            _ => self.take(of)?,
        };
        let is_next = waiting.count == count && waiting.parts + 1 == index && index <= count;
        let bytes = waiting.bytes.len() + part.len();
        if !is_next || bytes > MOST_BYTES || self.bytes + bytes > MOST_WAITING {
            return None;
        }
        waiting.parts = index;
        waiting.bytes.extend_from_slice(&part);
        if index == count {
            return Some(waiting.bytes.freeze());
        }
        self.bytes += bytes;
        self.waiting.insert(of.to_owned(), waiting);
        None
    }

    /// Drops what has waited for too long.
    pub fn expire(&mut self, now: Duration) {
        self.waiting
            .retain(|_, waiting| now < waiting.since.saturating_add(PATIENCE));
        self.bytes = self
            .waiting
            .values()
            .map(|waiting| waiting.bytes.len())
            .sum();
    }

    fn take(&mut self, of: &str) -> Option<Waiting> {
        let waiting = self.waiting.remove(of)?;
        self.bytes -= waiting.bytes.len();
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn whole(length: usize) -> Bytes {
        (0..length).map(|index| index.to_le_bytes()[1]).collect()
    }

    #[test]
    fn what_was_split_is_put_together_however_long_it_is() {
        for length in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 7, MOST_BYTES] {
            let (whole, mut parts) = (whole(length), Parts::default());
            let mut complete: Vec<Bytes> = split(&whole)
                .filter_map(|(number, part)| parts.put("a", &number, part, NOW))
                .collect();
            assert_eq!(complete.pop(), Some(whole), "{length}");
            assert!(complete.is_empty() && parts.waiting.is_empty());
            assert_eq!(parts.bytes, 0);
        }
    }

    #[test]
    fn parts_of_different_requests_do_not_meet() {
        let (one, other) = (whole(2 * PART), Bytes::from(vec![7; 2 * PART]));
        let mut parts = Parts::default();
        let pairs = split(&one).zip(split(&other));
        let mut complete = Vec::new();
        for ((number, of_one), (_, of_other)) in pairs {
            complete.extend(parts.put("one", &number, of_one, NOW));
            complete.extend(parts.put("other", &number, of_other, NOW));
        }
        assert_eq!(complete, [one, other]);
    }

    #[test]
    fn what_does_not_follow_is_dropped_and_what_waits_is_bounded() {
        let mut parts = Parts::default();
        let part = || Bytes::from_static(b"x");
        for number in ["2/3", "0/2", "3/2", "a/b", "1", ""] {
            assert_eq!(parts.put("a", number, part(), NOW), None, "{number}");
        }
        assert_eq!(parts.bytes, 0);
        // A hole.
        assert_eq!(parts.put("a", "1/3", part(), NOW), None);
        assert_eq!(parts.put("a", "3/3", part(), NOW), None);
        assert_eq!(parts.put("a", "2/3", part(), NOW), None);
        // Too many at once.
        let large = Bytes::from(vec![0; MOST_BYTES]);
        for number in 0..10 {
            parts.put(&number.to_string(), "1/2", large.clone(), NOW);
        }
        assert_eq!(parts.waiting.len(), 4);
        assert!(parts.bytes <= MOST_WAITING);
        parts.expire(NOW + PATIENCE);
        assert_eq!((parts.waiting.len(), parts.bytes), (0, 0));
    }
}
