//! Subscribers that are called back in the turn of the name.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::new_events::{Key, Keys, NewEvents, place};
use crate::{
    events::{Event, EventKind, Stamp, Update},
    panics::panic_text,
};

/// The two ways to call back.
pub(super) enum Callback {
    /// With each update.
    Each(Called<Update>),
    /// With all updates of one read.
    Slice(Called<[Update]>),
}

type Called<T> = Box<dyn Fn(&T) + Send + Sync>;

thread_local! {
    /// Memory for slices, shared by all callbacks of the thread.
    static SLICE: RefCell<Vec<Update>> = const { RefCell::new(Vec::new()) };
}

/// The thread keeps memory for this many updates.
const KEPT: usize = 256;

impl Callback {
    /// Calls back with one update. The error is the text of a panic.
    pub fn tell(&self, update: &Update) -> Result<(), String> {
        guarded(|| match self {
            Self::Each(callback) => callback(update),
            Self::Slice(callback) => callback(std::slice::from_ref(update)),
        })
    }

    /// Calls back with events whose first stands at `first`. `events` is unchanged afterwards, even
    /// after a panic. The error is the text of the first panic; the callback still gets all other
    /// events.
    pub fn call(&self, first: &Stamp, events: &mut NewEvents) -> Result<(), String> {
        let (kinds, keys) = events.parts();
        match self {
            Self::Each(callback) => call_each(callback, first, kinds, keys),
            Self::Slice(callback) => call_slice(callback, first, kinds, keys.lent()),
        }
    }
}

fn guarded(work: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_text(&*panic))
}

/// All events pass through a single update: nothing is counted, moved or allocated for each.
fn call_each(
    callback: &dyn Fn(&Update),
    first: &Stamp,
    kinds: &mut [EventKind],
    mut keys: Keys<&mut [Key]>,
) -> Result<(), String> {
    let mut result = Ok(());
    let mut update = Update::Event(Event {
        stamp: first.clone(),
        kind: EventKind::Ready,
    });
    let mut called = 0;
    while called < kinds.len() {
        let ended = guarded(|| {
            while let Some(kind) = kinds.get_mut(called) {
                show(&mut update, kind, called, first, &mut keys);
                called += 1;
                callback(&update);
                show(&mut update, kind, called - 1, first, &mut keys);
            }
        });
        if ended.is_err() {
            show(
                &mut update,
                &mut kinds[called - 1],
                called - 1,
                first,
                &mut keys,
            );
            result = result.and(ended);
        }
    }
    result
}

/// Swaps an event into the update and back, `behind` places after the first.
#[inline]
fn show(
    update: &mut Update,
    kind: &mut EventKind,
    behind: usize,
    first: &Stamp,
    keys: &mut Keys<&mut [Key]>,
) {
    if let Update::Event(event) = update {
        std::mem::swap(&mut event.kind, kind);
        keys.exchange(behind, &mut event.stamp.subscription);
        place(&mut event.stamp, first, behind);
    }
}

fn call_slice(
    callback: &dyn Fn(&[Update]),
    first: &Stamp,
    kinds: &mut [EventKind],
    keys: Keys<&[Key]>,
) -> Result<(), String> {
    let mut updates = SLICE.take();
    updates.extend(kinds.iter_mut().enumerate().map(|(behind, kind)| {
        Update::Event(Event {
            stamp: keys.stamp(first, behind),
            kind: std::mem::replace(kind, EventKind::Ready),
        })
    }));
    let result = guarded(|| callback(&updates));
    for (update, kind) in updates.drain(..).zip(kinds) {
        if let Update::Event(event) = update {
            *kind = event.kind;
        }
    }
    if updates.capacity() <= KEPT {
        SLICE.set(updates);
    }
    result
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;

    use super::*;
    use crate::core::{ConnectionName, Cursor, Message};

    fn first() -> Stamp {
        Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: 5,
            cursor: Cursor(50),
            at: Timestamp::UNIX_EPOCH,
            subscription: None,
        }
    }

    /// The third is routed.
    fn events() -> NewEvents {
        let mut events = NewEvents::default();
        events.message(Message::text("a"));
        events.message(Message::text("b"));
        events.routed(Message::text("c"), "key".into());
        events.message(Message::text("d"));
        events
    }

    fn note(heard: &Mutex<Vec<(u64, u64, String)>>, update: &Update) {
        let (stamp, message) = update.message().unwrap();
        let key = stamp.subscription.as_deref().unwrap_or_default();
        let text = format!("{}{key}", message.as_text().unwrap());
        heard
            .lock()
            .unwrap()
            .push((stamp.seq, stamp.cursor.0, text));
    }

    fn expected() -> Vec<(u64, u64, String)> {
        let texts = ["a", "b", "ckey", "d"];
        let places = (5..).zip(50..).zip(texts);
        places
            .map(|((seq, cursor), text)| (seq, cursor, text.to_owned()))
            .collect()
    }

    #[test]
    fn each_event_is_shown_in_its_place_and_stays_what_it_was() {
        let heard = Arc::default();
        let noted = Arc::clone(&heard);
        let callback = Callback::Each(Box::new(move |update| note(&noted, update)));
        let mut events = events();
        callback.call(&first(), &mut events).unwrap();
        assert_eq!(*heard.lock().unwrap(), expected());
        assert_eq!(events, self::events());
    }

    #[test]
    fn a_slice_shows_all_of_them_at_once() {
        let heard = Arc::default();
        let noted = Arc::clone(&heard);
        let callback = Callback::Slice(Box::new(move |updates: &[Update]| {
            assert_eq!(updates.len(), 4);
            updates.iter().for_each(|update| note(&noted, update));
        }));
        let mut events = events();
        callback.call(&first(), &mut events).unwrap();
        assert_eq!(*heard.lock().unwrap(), expected());
        assert_eq!(events, self::events());
    }

    #[test]
    fn a_callback_that_panics_is_called_with_the_others_and_loses_none() {
        let heard = Arc::default();
        let noted = Arc::clone(&heard);
        let callback = Callback::Each(Box::new(move |update| {
            note(&noted, update);
            let (stamp, _) = update.message().unwrap();
            assert!(stamp.seq % 2 == 0, "odd: {}", stamp.seq);
        }));
        let mut events = events();
        let panicked = callback.call(&first(), &mut events).unwrap_err();
        assert_eq!(panicked, "odd: 5");
        assert_eq!(*heard.lock().unwrap(), expected());
        assert_eq!(events, self::events());
    }
}
