//! Events that have no positions yet.

use std::sync::Arc;

use crate::{
    core::Message,
    events::{EventKind, Stamp},
};

/// Consecutive events of one kind.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct NewEvents {
    kinds: Vec<EventKind>,
    keys: Keys<Vec<Key>>,
}

/// The key of the subscription that a message was routed to, if any.
pub(super) type Key = Option<Arc<str>>;

/// The keys of consecutive messages. Empty if none was routed, so a name without routes pays
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Keys<K>(K);

impl NewEvents {
    /// Events, with the keys of routed messages: no keys, or one for each event.
    pub(super) fn new(kinds: Vec<EventKind>, keys: Vec<Key>) -> Self {
        let keys = Keys(keys);
        Self { kinds, keys }
    }

    /// Adds a received message.
    #[inline]
    pub fn message(&mut self, message: Message) {
        if !self.keys.0.is_empty() {
            self.keys.0.push(None);
        }
        self.kinds.push(EventKind::Message(message));
    }

    /// Adds a received message that was routed to a subscription.
    pub fn routed(&mut self, message: Message, key: Arc<str>) {
        self.keys.0.resize(self.kinds.len(), None);
        self.keys.0.push(Some(key));
        self.kinds.push(EventKind::Message(message));
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub fn capacity(&self) -> usize {
        self.kinds.capacity().max(self.keys.0.capacity())
    }

    /// Drops the events and keeps the memory.
    pub fn clear(&mut self) {
        self.kinds.clear();
        self.keys.0.clear();
    }

    pub(super) fn kinds(&self) -> &[EventKind] {
        &self.kinds
    }

    /// The events, and the keys of routed messages.
    pub(super) fn parts(&mut self) -> (&mut [EventKind], Keys<&mut [Key]>) {
        (&mut self.kinds, Keys(&mut self.keys.0))
    }

    /// The keys of routed messages.
    pub(super) fn keys(&self) -> Keys<&[Key]> {
        Keys(&self.keys.0)
    }

    /// Takes the only event; its key goes into the stamp.
    pub(super) fn take_one(&mut self, stamp: &mut Stamp) -> Option<EventKind> {
        match self.kinds.len() {
            1 => {
                stamp.subscription = self.keys.0.pop().flatten();
                self.kinds.pop()
            }
            _ => None,
        }
    }

    /// Takes all events into memory of their own.
    pub(super) fn take_all(&mut self) -> (Box<[EventKind]>, Keys<Box<[Key]>>) {
        let keys = self.keys.0.drain(..).collect();
        (self.kinds.drain(..).collect(), Keys(keys))
    }
}

impl From<EventKind> for NewEvents {
    fn from(kind: EventKind) -> Self {
        [kind].into_iter().collect()
    }
}

impl FromIterator<EventKind> for NewEvents {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        Self {
            kinds: kinds.into_iter().collect(),
            keys: Keys::default(),
        }
    }
}

impl<K: AsRef<[Key]>> Keys<K> {
    /// Whether no message was routed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }

    /// The key of the event `behind` places after the first.
    #[inline]
    pub fn at(&self, behind: usize) -> Option<&Arc<str>> {
        self.0.as_ref().get(behind)?.as_ref()
    }

    /// A copy of the keys.
    pub fn to_vec(&self) -> Vec<Key> {
        self.0.as_ref().to_vec()
    }

    /// The keys after the first `gone`, for `left` events.
    pub fn behind(&self, gone: usize, left: usize) -> Vec<Key> {
        let keys = self.0.as_ref().iter().skip(gone);
        keys.take(left).cloned().collect()
    }

    /// The keys as a borrowed slice.
    pub fn lent(&self) -> Keys<&[Key]> {
        Keys(self.0.as_ref())
    }
}

impl Keys<&mut [Key]> {
    /// Exchanges the key of the event at this offset from the first: no reference count changes.
    #[inline]
    pub fn exchange(&mut self, behind: usize, other: &mut Key) {
        if let Some(key) = self.0.get_mut(behind) {
            std::mem::swap(key, other);
        }
    }
}

impl Keys<&[Key]> {
    /// The stamp of the event `behind` places after this one.
    #[inline]
    pub fn stamp(self, first: &Stamp, behind: usize) -> Stamp {
        let mut stamp = first.clone();
        self.place(&mut stamp, first, behind);
        stamp
    }

    /// Moves a stamp to the event `behind` places after the first.
    #[inline]
    pub fn place(self, stamp: &mut Stamp, first: &Stamp, behind: usize) {
        place(stamp, first, behind);
        if !self.is_empty() {
            stamp.subscription = self.at(behind).cloned();
        }
    }
}

/// Moves a stamp, which was at the first event or after it, to the event at this offset from the
/// first. Its key stays.
#[inline]
pub(super) fn place(stamp: &mut Stamp, first: &Stamp, behind: usize) {
    stamp.seq = first.seq + behind as u64;
    stamp.cursor.0 = first.cursor.0 + behind as u64;
}
