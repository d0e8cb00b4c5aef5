//! Compares the sender's events with the servers' records.

use std::{
    collections::BTreeMap,
    fmt,
    ops::AddAssign,
    sync::{Arc, Mutex},
    time::Duration,
};

use everwire::{ConnectionName, Event, EventKind, Events, Fate, Notice, Update, events::Sent};
use futures::StreamExt as _;

use crate::support::{heard::firsts, poll_until};

/// How long the last messages may take once all names are up.
const DRAINED: Duration = Duration::from_secs(60);

/// All events about messages, by name.
pub struct DeliveryAudit(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    names: BTreeMap<ConnectionName, Deliveries>,
    rotations: u64,
}

impl Notes {
    fn hear(&mut self, update: Update) {
        let Event { stamp, kind } = match update {
            Update::Event(event) => event,
            Update::Notice(Notice::Lagged(lagged)) => panic!("missed: {lagged:?}"),
            Update::Notice(_) => return,
        };
        match kind {
            EventKind::Sent(sent) => self.names.entry(stamp.name).or_default().note(sent),
            EventKind::Rotated(_) => self.rotations += 1,
            _ => {}
        }
    }
}

/// The events about one name's messages.
#[derive(Default)]
struct Deliveries {
    /// By id: how often the message was written, and how often that was reported as a resend.
    written: BTreeMap<u64, (u64, u64)>,
    /// All messages up to this id are confirmed, in order.
    confirmed: u64,
}

/// Messages by outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    pub sent: u64,
    pub confirmed: u64,
    pub resent: u64,
    pub doubled: u64,
}

impl DeliveryAudit {
    /// Notes the events of a subscriber until its stream ends.
    pub fn keep(mut events: Events) -> Self {
        let notes: Arc<Mutex<Notes>> = Arc::default();
        let shared = Arc::clone(&notes);
        tokio::spawn(async move {
            while let Some(update) = events.next().await {
                // A panic here poisons the lock, and so fails the test.
                shared.lock().unwrap().hear(update);
            }
        });
        Self(notes)
    }

    /// The number of sockets that were replaced while they served.
    pub fn rotations(&self) -> u64 {
        self.0.lock().unwrap().rotations
    }

    /// Waits until all accepted messages of a name are confirmed.
    pub async fn all_confirmed(&self, name: &ConnectionName, accepted: u64) {
        let what = format!("the confirmation of all messages of {name}");
        poll_until(&what, DRAINED, || {
            let notes = self.0.lock().unwrap();
            notes.names.get(name).map_or(0, |told| told.confirmed) == accepted
        })
        .await;
    }

    /// Compares the events of a name with the received messages: each message has arrived, in the
    /// order of first deliveries, and none more often than it was reported as written.
    pub fn reconcile(&self, name: &ConnectionName, accepted: u64, arrived: &[u64]) -> Account {
        let all: Vec<u64> = (1..=accepted).collect();
        assert!(
            firsts(arrived) == all,
            "{name}: of {accepted} messages came {arrived:?}"
        );
        let mut copies: BTreeMap<u64, u64> = BTreeMap::new();
        for id in arrived {
            *copies.entry(*id).or_default() += 1;
        }
        let notes = self.0.lock().unwrap();
        let told = notes.names.get(name);
        let mut account = Account {
            sent: accepted,
            confirmed: told.map_or(0, |told| told.confirmed),
            doubled: arrived.len() as u64 - accepted,
            resent: 0,
        };
        for (id, &(times, resent)) in told.iter().flat_map(|told| &told.written) {
            account.resent += resent;
            let came = copies[id];
            assert!(
                came <= times && resent == times - 1,
                "{name}: {id} came {came} times, was written {times} times, {resent} of them again"
            );
        }
        account
    }
}

impl Deliveries {
    fn note(&mut self, sent: Sent) {
        match sent.fate {
            Fate::Written => {
                let (times, resent) = self.written.entry(sent.id).or_default();
                *times += 1;
                *resent += u64::from(sent.resent);
            }
            Fate::Confirmed => {
                assert_eq!(sent.id, self.confirmed + 1, "each once, in order");
                assert!(
                    self.written.contains_key(&sent.id),
                    "{} was never written",
                    sent.id
                );
                self.confirmed = sent.id;
            }
            other => panic!("{} is {other:?}", sent.id),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            confirmed,
            resent,
            doubled,
        } = self;
        write!(
            f,
            "sent {sent}, confirmed {confirmed}, resent {resent}, doubled {doubled}"
        )
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.confirmed += other.confirmed;
        self.resent += other.resent;
        self.doubled += other.doubled;
    }
}
