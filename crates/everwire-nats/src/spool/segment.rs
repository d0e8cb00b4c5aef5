//! A row of the spool: messages of one name, one after the other.
//!
//! A message of 64 bytes takes about 75: numbers are written as differences to the message before,
//! and a small number takes one byte.

use std::sync::Arc;

use bytes::Bytes;
use everwire::{Message, core::Cursor};
use jiff::Timestamp;

use crate::lanes::{Entry, Place};

/// The limits of a row. A single message may be larger.
const MESSAGES: u32 = 1024;
const BYTES: usize = 64 << 10;
/// The most that a message takes beside its payload and its subscription.
const OVERHEAD: usize = 64;

/// The most that a message takes in a row, in bytes.
pub fn room(entry: &Entry) -> usize {
    let subscription = entry.subscription.as_ref().map_or(0, |key| key.len());
    entry.message.len() + subscription + OVERHEAD
}

const IS_TEXT: u8 = 1;
/// The message before it in the row is also the one before it in the name.
const FOLLOWS: u8 = 1 << 1;
const HAS_PREVIOUS: u8 = 1 << 2;
const HAS_EPOCH: u8 = 1 << 3;
const HAS_GAP: u8 = 1 << 4;
const HAS_SUBSCRIPTION: u8 = 1 << 5;
const SAME_SUBSCRIPTION: u8 = 1 << 6;

/// The message before, for the differences.
#[derive(Debug)]
struct Before {
    place: Place,
    at: i64,
    cursor: u64,
    subscription: Option<Arc<str>>,
}

impl Before {
    fn nothing() -> Self {
        Self {
            place: Place { epoch: 0, seq: 0 },
            at: 0,
            cursor: 0,
            subscription: None,
        }
    }
}

/// A row that grows.
#[derive(Debug)]
pub struct Segment {
    bytes: Vec<u8>,
    messages: u32,
    before: Before,
}

impl Segment {
    /// A row that begins with this message.
    pub fn new(first: &Entry) -> Self {
        let mut segment = Self {
            bytes: Vec::with_capacity(room(first)),
            messages: 0,
            before: Before::nothing(),
        };
        segment.push(first);
        segment
    }

    /// Whether it may go on with this message: the one before it is the last of the row.
    pub fn takes(&self, next: &Entry) -> bool {
        next.previous == Some(self.before.place)
            && next.place > self.before.place
            && self.messages < MESSAGES
            && self.bytes.len() + room(next) <= BYTES
    }

    /// Goes on with a message.
    pub fn push(&mut self, entry: &Entry) {
        let Entry {
            place,
            previous,
            at,
            cursor: Cursor(cursor),
            subscription,
            message,
            gap,
            ..
        } = entry;
        let (before, bytes) = (&mut self.before, &mut self.bytes);
        let follows = self.messages > 0 && *previous == Some(before.place);
        let has_epoch = place.epoch != before.place.epoch;
        let is_same = subscription.is_some() && *subscription == before.subscription;
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        bytes.push(
            flag(message.as_text().is_some(), IS_TEXT)
                | flag(follows, FOLLOWS)
                | flag(!follows && previous.is_some(), HAS_PREVIOUS)
                | flag(has_epoch, HAS_EPOCH)
                | flag(*gap > 0, HAS_GAP)
                | flag(is_same, SAME_SUBSCRIPTION)
                | flag(!is_same && subscription.is_some(), HAS_SUBSCRIPTION),
        );
        if has_epoch {
            number(bytes, place.epoch.into());
        }
        number(bytes, place.seq.wrapping_sub(before.place.seq));
        if let Some(previous) = previous.filter(|_| !follows) {
            number(bytes, previous.epoch.into());
            number(bytes, previous.seq);
        }
        let at = i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX);
        number(bytes, folded(at.wrapping_sub(before.at)));
        number(bytes, folded(cursor.wrapping_sub(before.cursor) as i64));
        if *gap > 0 {
            number(bytes, *gap);
        }
        if let Some(key) = subscription.as_ref().filter(|_| !is_same) {
            text(bytes, key.as_bytes());
        }
        text(bytes, message.payload());
        (before.place, before.at, before.cursor) = (*place, at, *cursor);
        before.subscription.clone_from(subscription);
        self.messages += 1;
    }

    /// The place of its last message.
    pub fn last(&self) -> Place {
        self.before.place
    }

    /// How many messages it has.
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// The row.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The messages of a row in their order. The first that cannot be read is `None`, and the last item.
pub fn read(bytes: &[u8]) -> impl Iterator<Item = Option<Entry>> + '_ {
    let (mut rest, mut before) = (bytes, Before::nothing());
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = next(&mut rest, &mut before);
        if entry.is_none() {
            rest = &[];
        }
        Some(entry)
    })
}

fn next(rest: &mut &[u8], before: &mut Before) -> Option<Entry> {
    let flags = take(rest, 1)?.first().copied()?;
    let has = |flag: u8| flags & flag != 0;
    let previous_in_row = before.place;
    if has(HAS_EPOCH) {
        before.place.epoch = u32::try_from(take_number(rest)?).ok()?;
    }
    before.place.seq = before.place.seq.wrapping_add(take_number(rest)?);
    let previous = if has(FOLLOWS) {
        Some(previous_in_row)
    } else if has(HAS_PREVIOUS) {
        Some(Place {
            epoch: u32::try_from(take_number(rest)?).ok()?,
            seq: take_number(rest)?,
        })
    } else {
        None
    };
    before.at = before.at.wrapping_add(unfolded(take_number(rest)?));
    let moved = unfolded(take_number(rest)?) as u64;
    before.cursor = before.cursor.wrapping_add(moved);
    let gap = if has(HAS_GAP) { take_number(rest)? } else { 0 };
    if has(HAS_SUBSCRIPTION) {
        before.subscription = Some(std::str::from_utf8(take_text(rest)?).ok()?.into());
    } else if !has(SAME_SUBSCRIPTION) {
        before.subscription = None;
    }
    let payload = take_text(rest)?;
    let message = if has(IS_TEXT) {
        Message::text(std::str::from_utf8(payload).ok()?)
    } else {
        Message::binary(Bytes::copy_from_slice(payload))
    };
    Some(Entry {
        place: before.place,
        previous,
        at: Timestamp::from_nanosecond(before.at.into()).ok()?,
        cursor: Cursor(before.cursor),
        subscription: before.subscription.clone(),
        message,
        gap,
        is_spooled: true,
        was_published: true,
        was_refused: false,
    })
}

/// Seven bits in each byte, the lowest first; the eighth says that more follow.
fn number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?.first().copied()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    number(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    take(rest, length)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// Small differences in both directions are small numbers.
fn folded(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unfolded(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::UNKNOWN_GAP;

    fn entry(epoch: u32, seq: u64, previous: Option<(u32, u64)>, message: Message) -> Entry {
        Entry {
            place: Place { epoch, seq },
            previous: previous.map(|(epoch, seq)| Place { epoch, seq }),
            at: "2026-01-02T03:04:05.678912345Z".parse().unwrap(),
            cursor: Cursor(u64::MAX - seq),
            subscription: None,
            message,
            gap: 0,
            is_spooled: true,
            was_published: true,
            was_refused: false,
        }
    }

    fn many() -> Vec<Entry> {
        let text = |text: &str| Message::text(text.to_owned());
        let mut all = vec![
            entry(3, 7, None, text("")),
            entry(3, 9, Some((3, 7)), text("ü")),
            entry(3, u64::MAX, Some((3, 9)), Message::binary(vec![0, 255])),
            entry(u32::MAX, 1, Some((3, u64::MAX)), text(&"x".repeat(300))),
            entry(u32::MAX, 2, Some((1, 200)), text("y")),
        ];
        all[1].subscription = Some("a".into());
        all[2].subscription = Some("a".into());
        all[3].subscription = Some("b".into());
        all[2].at = "1969-12-31T23:59:59.5Z".parse().unwrap();
        (all[1].gap, all[4].gap) = (2, UNKNOWN_GAP);
        all
    }

    fn written(entries: &[Entry]) -> Segment {
        let mut segment = Segment::new(&entries[0]);
        for entry in &entries[1..] {
            segment.push(entry);
        }
        segment
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let all = many();
        let segment = written(&all);
        assert_eq!((segment.messages(), segment.last()), (5, all[4].place));
        let back: Option<Vec<_>> = read(segment.bytes()).collect();
        assert_eq!(back, Some(all.clone()));
        let room: usize = all.iter().map(room).sum();
        assert!(segment.bytes().len() <= room);
    }

    #[test]
    fn a_row_that_is_cut_off_ends_with_nothing() {
        let all = many();
        let segment = written(&all);
        let ends: Vec<usize> = (1..=all.len())
            .map(|n| written(&all[..n]).bytes().len())
            .collect();
        for length in 1..segment.bytes().len() {
            let back: Vec<_> = read(&segment.bytes()[..length]).collect();
            let whole = ends.iter().filter(|end| **end <= length).count();
            assert_eq!(back.iter().flatten().count(), whole, "{length}");
            assert_eq!(back.len(), whole + usize::from(!ends.contains(&length)));
        }
    }

    #[test]
    fn whatever_stands_in_a_row_is_read_without_a_panic() {
        let segment = written(&many());
        for index in 0..segment.bytes().len() {
            for bit in 0..8 {
                let mut bytes = segment.bytes().to_vec();
                bytes[index] ^= 1 << bit;
                assert!(read(&bytes).count() <= bytes.len());
            }
        }
    }

    #[test]
    fn a_row_goes_on_without_a_hole_and_is_bounded() {
        let first = entry(1, 1, None, Message::text("x"));
        let mut segment = Segment::new(&first);
        assert!(segment.takes(&entry(1, 3, Some((1, 1)), Message::text("x"))));
        assert!(!segment.takes(&entry(1, 3, Some((1, 2)), Message::text("x"))));
        assert!(!segment.takes(&entry(1, 3, None, Message::text("x"))));
        let large = Message::binary(vec![0; BYTES]);
        assert!(!segment.takes(&entry(1, 2, Some((1, 1)), large)));
        let mut seq = 1;
        while segment.takes(&entry(1, seq + 1, Some((1, seq)), Message::text("x"))) {
            segment.push(&entry(1, seq + 1, Some((1, seq)), Message::text("x")));
            seq += 1;
        }
        assert_eq!(seq, u64::from(MESSAGES));
    }
}
