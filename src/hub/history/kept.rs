//! Messages in compact memory, in order.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    core::{Cursor, Message},
    events::Stamp,
    hub::SubscriptionKeys,
    stored::StoredEvent,
};

/// Payloads up to this length are copied into one buffer. A received message shares the memory of
/// its whole read, up to 64 KiB, and that memory is cold when the message is dropped. For a short
/// message both cost more than the copy.
const SHORT: usize = 4096;
/// Payloads up to this length are copied to memory of their own. Longer ones keep the shared
/// memory, which is at most twice their length.
const SHARED: usize = 32 << 10;
/// The overhead in bytes of a message that is kept whole.
const COUNTED: usize = 48;

/// The size of a key's length prefix, in bytes.
const KEY_LEN: usize = size_of::<u16>();
/// Longer keys are not kept. Real keys are shorter: this bounds what a store may bring.
const MAX_KEY: usize = 4096;

/// The messages of one name.
#[derive(Debug, Default)]
pub(super) struct Kept {
    entries: VecDeque<Entry>,
    /// The payloads of the short messages, each after the key that it was routed to, if any.
    short: VecDeque<u8>,
    /// The other messages, whole.
    long: VecDeque<Message>,
    /// The bytes of all payloads.
    bytes: usize,
    /// The payload bytes of the long messages.
    long_bytes: usize,
    /// How much has been dropped.
    gone: Place,
}

/// A place between two messages, counted from the first that was ever kept, so that dropping the
/// oldest does not change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::hub) struct Place {
    entries: u64,
    short: u64,
    long: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    mark: Mark,
    payload: Payload,
}

/// A stamp without the name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    cursor: Cursor,
    seq: u64,
    /// In nanoseconds since 1970.
    at: i64,
    epoch: u32,
}

/// The location of a payload.
#[derive(Clone, Copy, Debug)]
struct Payload {
    form: Form,
    is_routed: bool,
    /// Its length in `short`, the key included.
    short: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    ShortText,
    ShortBinary,
    Long,
}

/// A message to keep, and the key of its subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub message: &'a Message,
    key: Option<&'a str>,
}

impl<'a> Item<'a> {
    pub fn new(message: &'a Message, key: Option<&'a str>) -> Self {
        let key = key.filter(|key| key.len() <= MAX_KEY);
        Self { message, key }
    }

    fn form(self) -> Form {
        match self.message {
            message if message.len() > SHORT => Form::Long,
            Message::Text(_) => Form::ShortText,
            Message::Binary(_) => Form::ShortBinary,
        }
    }

    fn is_short(self) -> bool {
        self.form() != Form::Long
    }

    /// Its length in `short`.
    fn short(self) -> usize {
        let key = self.key.map_or(0, |key| KEY_LEN + key.len());
        match self.is_short() {
            true => key + self.message.len(),
            false => key,
        }
    }

    /// The most memory that it adds, in bytes.
    pub fn most(self) -> usize {
        let key = self.key.map_or(0, |key| KEY_LEN + key.len());
        key + self.message.len() + Kept::OVERHEAD
    }

    /// The memory that it needs if there is no free place, in bytes.
    pub fn need(self) -> usize {
        let apart = match self.is_short() {
            true => 0,
            false => size_of::<Message>() + COUNTED + self.message.len(),
        };
        size_of::<Entry>() + self.short() + apart
    }
}

impl From<&Stamp> for Mark {
    fn from(stamp: &Stamp) -> Self {
        Self {
            cursor: stamp.cursor,
            seq: stamp.seq,
            at: nanoseconds(stamp.at),
            epoch: stamp.epoch,
        }
    }
}

impl From<&StoredEvent> for Mark {
    fn from(event: &StoredEvent) -> Self {
        Self {
            cursor: Cursor(event.position),
            seq: event.seq,
            at: nanoseconds(event.at),
            epoch: event.epoch,
        }
    }
}

impl Kept {
    /// The most memory that a message needs beside its payload, in bytes.
    pub const OVERHEAD: usize = size_of::<Entry>() + size_of::<Message>() + COUNTED;

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of all payloads.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory that is allocated, in bytes.
    pub fn footprint(&self) -> usize {
        let [entries, short, long] = [
            self.entries.capacity(),
            self.short.capacity(),
            self.long.capacity(),
        ];
        self.needs(entries, short, long)
    }

    /// The memory that is needed, in bytes.
    pub fn needed(&self) -> usize {
        self.needs(self.entries.len(), self.short.len(), self.long.len())
    }

    fn needs(&self, entries: usize, short: usize, long: usize) -> usize {
        let apart = self.long_bytes + self.long.len() * COUNTED;
        entries * size_of::<Entry>() + short + long * size_of::<Message>() + apart
    }

    /// Whether one more message fits into the allocated memory.
    #[inline]
    pub fn has_place(&self, item: Item<'_>) -> bool {
        item.is_short()
            && self.entries.len() < self.entries.capacity()
            && self.short.len() + item.short() <= self.short.capacity()
    }

    /// Whether dropping others makes room for this message: memory of short messages does not help
    /// a long one.
    pub fn can_have_place_of_others(&self, item: Item<'_>) -> bool {
        item.is_short() && item.short() <= self.short.capacity() && self.entries.capacity() > 0
    }

    /// The position of the last message.
    pub fn last(&self) -> Option<Cursor> {
        self.entries.back().map(|entry| entry.mark.cursor)
    }

    /// Makes room for one more message by allocating at most `room` bytes; `false`, without a
    /// change, if that is too little. There will be at most `most` messages. Therefore no more
    /// entries than that are allocated, and each new one reuses the place of the oldest, whose
    /// memory is warm.
    pub fn make_place(&mut self, item: Item<'_>, most: usize, room: usize) -> bool {
        let (is_short, count) = (item.is_short(), self.entries.len());
        let lacks_entry = count == self.entries.capacity();
        let lacks_long = !is_short && self.long.len() == self.long.capacity();
        let lacks_short = (self.short.len() + item.short()).saturating_sub(self.short.capacity());
        let apart = match is_short {
            true => 0,
            false => item.message.len() + COUNTED,
        };
        let least = usize::from(lacks_entry) * size_of::<Entry>()
            + usize::from(lacks_long) * size_of::<Message>()
            + lacks_short
            + apart;
        let Some(mut spare) = room.checked_sub(least) else {
            return false;
        };
        if lacks_entry {
            let more = count.max(4).min(most.saturating_sub(count)).max(1);
            // Each new entry comes with a payload, which may fit already.
            let each = size_of::<Entry>() + self.bytes / count.max(1);
            let free = self.short.capacity() - self.short.len();
            let with_payloads = spare.saturating_add(free) / each;
            let more = more.min(1 + with_payloads.min(spare / size_of::<Entry>()));
            spare -= (more - 1) * size_of::<Entry>();
            self.entries.reserve_exact(more);
        }
        if lacks_long {
            let more = self.long.len().max(4).min(1 + spare / size_of::<Message>());
            // The key of a long message is kept in `short`, out of the same room.
            spare -= (more - 1) * size_of::<Message>();
            self.long.reserve_exact(more);
        }
        if lacks_short > 0 {
            // Allocates little more than is needed, for the same reason as above.
            let more = (self.short.len() / 4).max(item.short());
            self.short
                .reserve_exact(more.min(item.short().saturating_add(spare)));
        }
        true
    }

    /// Adds a message at the end; there is room for it.
    #[inline]
    pub fn push(&mut self, mark: Mark, item: Item<'_>) {
        let (bytes, form) = (item.message.payload(), item.form());
        let payload = Payload {
            form,
            is_routed: item.key.is_some(),
            // Both of its parts are bounded.
            short: u16::try_from(item.short()).unwrap_or(u16::MAX),
        };
        if let Some(key) = item.key {
            self.push_key(key);
        }
        match form {
            Form::ShortText | Form::ShortBinary => self.short.extend(bytes),
            Form::Long => self.push_long(item.message),
        }
        self.bytes += bytes.len();
        self.entries.push_back(Entry { mark, payload });
    }

    fn push_key(&mut self, key: &str) {
        let len = u16::try_from(key.len()).unwrap_or(u16::MAX);
        self.short.extend(len.to_le_bytes());
        self.short.extend(key.as_bytes());
    }

    /// The length of the key in `short`, from the current place on.
    #[inline]
    fn key_len(&self, payload: Payload, from: usize) -> usize {
        if !payload.is_routed {
            return 0;
        }
        match (self.short.get(from), self.short.get(from + 1)) {
            (Some(&low), Some(&high)) => KEY_LEN + usize::from(u16::from_le_bytes([low, high])),
            _ => 0,
        }
    }

    #[cold]
    fn push_long(&mut self, message: &Message) {
        self.long_bytes += message.len();
        self.long.push_back(match message.len() <= SHARED {
            true => message.to_own_memory(),
            false => message.clone(),
        });
    }

    /// Drops the oldest message and returns its position.
    #[inline]
    pub fn pop(&mut self) -> Option<Cursor> {
        let oldest = self.entries.pop_front()?;
        self.gone = self.gone.behind(oldest.payload);
        let short = usize::from(oldest.payload.short);
        self.bytes -= match oldest.payload.form {
            Form::ShortText | Form::ShortBinary => short - self.key_len(oldest.payload, 0),
            Form::Long => {
                let len = self.long.pop_front().map_or(0, |message| message.len());
                self.long_bytes -= len;
                len
            }
        };
        self.short.drain(..short);
        Some(oldest.mark.cursor)
    }

    /// Frees the memory beyond what `most` messages need.
    pub fn shrink(&mut self, most: usize) {
        self.entries.shrink_to(most);
        self.short.shrink_to_fit();
        self.long.shrink_to_fit();
    }

    /// The place after all messages up to `cursor`.
    pub fn place(&self, cursor: Cursor) -> Place {
        let from = self
            .entries
            .partition_point(|entry| entry.mark.cursor <= cursor);
        // Counts from the nearer end, so a reader of all messages, or of the last ones, costs
        // little.
        if from <= self.entries.len() / 2 {
            let before = self.entries.range(..from);
            before.fold(self.gone, |place, entry| place.behind(entry.payload))
        } else {
            let behind = self.entries.range(from..);
            let left = behind.fold(Place::default(), |left, entry| left.behind(entry.payload));
            let end = self.end();
            Place {
                entries: end.entries - left.entries,
                short: end.short - left.short,
                long: end.long - left.long,
            }
        }
    }

    /// The place after the last message.
    fn end(&self) -> Place {
        Place {
            entries: self.gone.entries + self.entries.len() as u64,
            short: self.gone.short + self.short.len() as u64,
            long: self.gone.long + self.long.len() as u64,
        }
    }

    /// The place, or the oldest remaining one, and whether messages between them were dropped.
    pub fn forward(&self, place: Place) -> (Place, bool) {
        match place.entries < self.gone.entries {
            true => (self.gone, true),
            false => (place, false),
        }
    }

    /// The position of the message after a place that still exists.
    pub fn next(&self, place: Place) -> Option<Cursor> {
        let entry = self.entries.get(index(place.entries, self.gone.entries))?;
        Some(entry.mark.cursor)
    }

    /// Reads the message after a place that still exists, and advances the place. With `keys`,
    /// messages that were not routed to one of them are skipped.
    pub fn read(&self, place: &mut Place, keys: Option<&SubscriptionKeys>) -> Option<StoredEvent> {
        let entry = self.entries.get(index(place.entries, self.gone.entries))?;
        let (payload, here) = (entry.payload, *place);
        *place = here.behind(payload);
        let from = index(here.short, self.gone.short);
        let key_len = self.key_len(payload, from);
        let key = payload.is_routed;
        let key = key.then(|| text(self.short(from + KEY_LEN, from + key_len)));
        if keys.is_some_and(|keys| !keys.want_message_of(key.as_deref())) {
            return None;
        }
        let (from, behind) = (from + key_len, from + usize::from(payload.short));
        let message = match payload.form {
            Form::ShortText => Message::text(text(self.short(from, behind))),
            Form::ShortBinary => Message::Binary(Bytes::from(self.short(from, behind))),
            Form::Long => {
                let long = self.long.get(index(here.long, self.gone.long));
                long.cloned()?
            }
        };
        Some(entry.mark.with(message, key.map(Arc::from)))
    }

    fn short(&self, from: usize, behind: usize) -> Vec<u8> {
        self.short.range(from..behind).copied().collect()
    }

    /// All messages after a position.
    pub fn behind(&self, cursor: Cursor) -> Vec<StoredEvent> {
        let mut place = self.place(cursor);
        std::iter::from_fn(|| self.read(&mut place, None)).collect()
    }
}

/// The index of something that was counted from the first.
fn index(counted: u64, gone: u64) -> usize {
    usize::try_from(counted.saturating_sub(gone)).unwrap_or(usize::MAX)
}

impl Place {
    /// The place after a message that lies here.
    fn behind(mut self, payload: Payload) -> Self {
        self.entries += 1;
        self.short += u64::from(payload.short);
        self.long += u64::from(payload.form == Form::Long);
        self
    }
}

/// Bytes that were a text when they were kept.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn nanoseconds(at: Timestamp) -> i64 {
    let at = at.as_nanosecond();
    i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
}

impl Mark {
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The position of the last of `messages` messages from here on.
    pub fn behind(&self, messages: usize) -> Cursor {
        Cursor(self.cursor.0 + (messages as u64).saturating_sub(1))
    }

    /// Advances to the next message.
    #[inline]
    pub fn advance(&mut self) {
        self.cursor.0 += 1;
        self.seq += 1;
    }

    fn with(self, message: Message, subscription: Option<Arc<str>>) -> StoredEvent {
        StoredEvent {
            position: self.cursor.0,
            epoch: self.epoch,
            seq: self.seq,
            // Each number of nanoseconds is a valid timestamp.
            at: Timestamp::from_nanosecond(self.at.into()).unwrap_or_default(),
            subscription,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn mark(place: u64) -> Mark {
        Mark {
            cursor: Cursor(place),
            seq: place + 1,
            at: -1,
            epoch: 3,
        }
    }

    fn key() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(prop_oneof!["\\PC{0,20}", Just("k".repeat(1024))])
    }

    fn message() -> impl Strategy<Value = Message> {
        prop_oneof![
            "\\PC{0,40}".prop_map(Message::text),
            vec(any::<u8>(), 0..40).prop_map(Message::binary),
            (SHORT - 2..SHORT + 3).prop_map(|len| Message::binary(vec![7; len])),
            (SHORT - 2..SHORT + 3).prop_map(|len| Message::text("x".repeat(len))),
        ]
    }

    proptest! {
        /// The model is a queue of whole messages.
        #[test]
        fn what_is_kept_is_what_came(steps in vec((message(), key(), 0..3_usize), 1..200), from in 0..200_u64) {
            let (mut kept, mut model) = (Kept::default(), VecDeque::new());
            for (place, (message, key, pops)) in steps.into_iter().enumerate() {
                let place = place as u64;
                let item = Item::new(&message, key.as_deref());
                prop_assert!(kept.make_place(item, 64, usize::MAX));
                kept.push(mark(place), item);
                model.push_back(mark(place).with(message, key.map(Arc::from)));
                for _ in 0..pops {
                    let popped = model.pop_front().map(|event| Cursor(event.position));
                    prop_assert_eq!(kept.pop(), popped);
                }
            }
            kept.shrink(64);
            prop_assert_eq!(kept.len(), model.len());
            prop_assert_eq!(kept.bytes(), model.iter().map(|event| event.message.len()).sum::<usize>());
            let all: Vec<_> = model.iter().cloned().collect();
            prop_assert_eq!(kept.behind(Cursor(0)).len(), all.iter().filter(|event| event.position > 0).count());
            prop_assert_eq!(kept.last(), model.back().map(|event| Cursor(event.position)));
            let some = SubscriptionKeys::from_iter(all.iter().filter_map(|event| event.subscription.as_deref()).take(2));
            let wanted = |event: &StoredEvent| event.subscription.as_deref().is_some_and(|key| some.has(key));
            let mut place = kept.gone;
            let heard: Vec<_> = all.iter().filter_map(|_| kept.read(&mut place, Some(&some))).collect();
            prop_assert_eq!(heard, all.iter().filter(|event| wanted(event)).cloned().collect::<Vec<_>>());
            prop_assert_eq!(place, kept.end());
            model.retain(|event| event.position > from);
            prop_assert_eq!(kept.behind(Cursor(from)), Vec::from(model));
        }
    }

    proptest! {
        /// Allocations never exceed `room`, and a success has room for the message.
        #[test]
        fn no_more_is_held_than_there_is_room_for(steps in vec((message(), key(), 0..3_usize, 0..9000_usize), 1..100)) {
            let mut kept = Kept::default();
            for (message, key, pops, room) in steps {
                let held = kept.footprint();
                let item = Item::new(&message, key.as_deref());
                let has_place = kept.make_place(item, 64, room);
                prop_assert!(has_place || room < item.need());
                prop_assert!(!kept.has_place(item) || has_place);
                if has_place {
                    kept.push(mark(0), item);
                }
                prop_assert!(kept.footprint() <= held + room, "{} {held} {room}", kept.footprint());
                for _ in 0..pops {
                    kept.pop();
                }
            }
        }
    }

    #[test]
    fn there_are_no_more_places_than_there_will_be_messages() {
        let mut kept = Kept::default();
        for place in 0..1000 {
            if kept.len() == 100 {
                kept.pop();
            }
            let message = Message::text("12345");
            let item = Item::new(&message, None);
            assert!(kept.make_place(item, 100, usize::MAX));
            kept.push(mark(place), item);
        }
        assert_eq!(kept.entries.capacity(), 100);
        assert!(kept.short.capacity() <= 1024, "{}", kept.short.capacity());
    }
}
