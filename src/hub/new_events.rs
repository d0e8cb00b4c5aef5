//! Events on their way to those who hear them, before they have their places.

use std::sync::Arc;

use crate::{
    core::Message,
    events::{EventKind, Stamp},
};

/// Events of one kind that follow each other.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct NewEvents {
    kinds: Vec<EventKind>,
    keys: Keys<Vec<Key>>,
}

/// The key of the subscription that a message was routed to, if it was.
pub(super) type Key = Option<Arc<str>>;

/// The keys of messages that follow each other. Empty where none was routed: a name without routes pays nothing for them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Keys<K>(K);

impl NewEvents {
    /// What happened, with the keys of what was routed; there are none, or as many.
    pub(super) fn new(kinds: Vec<EventKind>, keys: Vec<Key>) -> Self {
        let keys = Keys(keys);
        Self { kinds, keys }
    }

    /// A message came in.
    #[inline]
    pub fn message(&mut self, message: Message) {
        if !self.keys.0.is_empty() {
            self.keys.0.push(None);
        }
        self.kinds.push(EventKind::Message(message));
    }

    /// A message came in that was routed to a subscription.
    pub fn routed(&mut self, message: Message, key: Arc<str>) {
        self.keys.0.resize(self.kinds.len(), None);
        self.keys.0.push(Some(key));
        self.kinds.push(EventKind::Message(message));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// For how many there is memory.
    pub fn capacity(&self) -> usize {
        self.kinds.capacity().max(self.keys.0.capacity())
    }

    /// Lets go of them, and keeps their memory.
    pub fn clear(&mut self) {
        self.kinds.clear();
        self.keys.0.clear();
    }

    /// What happened.
    pub(super) fn kinds(&self) -> &[EventKind] {
        &self.kinds
    }

    /// What happened, and the keys of what was routed.
    pub(super) fn parts(&mut self) -> (&mut [EventKind], Keys<&mut [Key]>) {
        (&mut self.kinds, Keys(&mut self.keys.0))
    }

    /// The keys of what was routed.
    pub(super) fn keys(&self) -> Keys<&[Key]> {
        Keys(&self.keys.0)
    }

    /// The one event that there is; its key goes where it stands.
    pub(super) fn take_one(&mut self, stamp: &mut Stamp) -> Option<EventKind> {
        match self.kinds.len() {
            1 => {
                stamp.subscription = self.keys.0.pop().flatten();
                self.kinds.pop()
            }
            _ => None,
        }
    }

    /// All of them, in memory of their own.
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
    /// Whether none was routed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_empty()
    }

    /// The key of the event so many behind the first.
    #[inline]
    pub fn at(&self, behind: usize) -> Option<&Arc<str>> {
        self.0.as_ref().get(behind)?.as_ref()
    }

    /// The same, of others.
    pub fn to_vec(&self) -> Vec<Key> {
        self.0.as_ref().to_vec()
    }

    /// Those behind the first so many, of so many events.
    pub fn behind(&self, gone: usize, left: usize) -> Vec<Key> {
        let keys = self.0.as_ref().iter().skip(gone);
        keys.take(left).cloned().collect()
    }

    /// They can be lent.
    pub fn lent(&self) -> Keys<&[Key]> {
        Keys(self.0.as_ref())
    }
}

impl Keys<&mut [Key]> {
    /// Exchanges the key of the event so many behind the first with this one: no count of who shares it changes.
    #[inline]
    pub fn exchange(&mut self, behind: usize, other: &mut Key) {
        if let Some(key) = self.0.get_mut(behind) {
            std::mem::swap(key, other);
        }
    }
}

impl Keys<&[Key]> {
    /// The stamp of the event so many behind another.
    #[inline]
    pub fn stamp(self, first: &Stamp, behind: usize) -> Stamp {
        let mut stamp = first.clone();
        self.place(&mut stamp, first, behind);
        stamp
    }

    /// Has a stamp, which stood at the first or behind it, say where the event stands that is so many behind the first.
    #[inline]
    pub fn place(self, stamp: &mut Stamp, first: &Stamp, behind: usize) {
        place(stamp, first, behind);
        if !self.is_empty() {
            stamp.subscription = self.at(behind).cloned();
        }
    }
}

/// Has a stamp, which stood at the first or behind it, say where the event stands that is so many behind the first. Its key stays.
#[inline]
pub(super) fn place(stamp: &mut Stamp, first: &Stamp, behind: usize) {
    stamp.seq = first.seq + behind as u64;
    stamp.cursor.0 = first.cursor.0 + behind as u64;
}
