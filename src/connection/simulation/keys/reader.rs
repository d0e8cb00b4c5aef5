//! A reader that filters by a key receives all messages of that key.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use futures::StreamExt;
use parking_lot::Mutex;
use tokio::task::spawn_local;

use super::{KeyTally, name_of};
use crate::{
    core::Pattern,
    events::{Event, EventKind},
    hub::{Delivery, Hub, Kinds, SubscriptionGuard},
};

/// A reader of one key.
pub(in crate::connection::simulation) struct KeyReader {
    key: usize,
    /// The numbers of the events that it received.
    heard: Rc<RefCell<Vec<u64>>>,
    /// The numbers that it must receive, in order.
    delivered: Arc<Mutex<Vec<u64>>>,
    _guard: SubscriptionGuard,
}

impl KeyReader {
    pub fn start(hub: &Arc<Hub>, key: usize) -> Self {
        let kinds = Kinds::parse("message,subscription").expect("kinds");
        let delivery = Delivery::default()
            .events(usize::MAX)
            .kinds(kinds)
            .subscriptions([name_of(key)]);
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let (note, name) = (Arc::clone(&delivered), name_of(key));
        let guard = hub.callback(Pattern::all(), kinds, move |update| {
            let event = update.event().filter(|event| is_of(event, &name));
            note.lock().extend(event.map(|event| event.stamp.seq));
        });
        let mut events = hub.stream(Pattern::all(), delivery);
        let heard = Rc::new(RefCell::new(Vec::new()));
        let hears = Rc::clone(&heard);
        spawn_local(async move {
            while let Some(update) = events.next().await {
                let event = update.event().expect("nobody is slow here");
                hears.borrow_mut().push(event.stamp.seq);
            }
        });
        Self {
            key,
            heard,
            delivered,
            _guard: guard,
        }
    }

    /// Asserts that it received the delivered events. The last ones may still be on their way.
    pub fn judge(&self, tally: &mut KeyTally) {
        let (heard, delivered) = (self.heard.borrow(), self.delivered.lock());
        assert!(
            delivered.starts_with(&heard) && heard.len() + LAST >= delivered.len(),
            "of k{} was heard {heard:?}, and delivered {delivered:?}",
            self.key
        );
        tally.filtered += heard.len() as u64;
    }
}

/// The most events that may be unread when a process dies: those of one turn.
const LAST: usize = 500;

fn is_of(event: &Event, name: &str) -> bool {
    match &event.kind {
        EventKind::Subscription(report) => *report.key == *name,
        _ => event.stamp.subscription.as_deref() == Some(name),
    }
}
