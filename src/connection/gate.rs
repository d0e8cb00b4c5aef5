//! The door of a name: what handles, receipts and the actor share, on whatever thread they are.

use std::{sync::Arc, task::Waker, time::Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    config::OutboxSettings,
    core::{Fate, Message, Outbox, Rejected},
};

/// The outbox behind its lock, the doorbell of the actor, what must outlive even the actor, and those who wait for a fate.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Inside>);

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Inside {
    pub outbox: Outbox,
    /// Messages that were evicted, and not yet told.
    pub evicted: u64,
    /// `Connect`'s data, sent again whenever a socket opens.
    pub connect_data: Option<Box<Message>>,
    /// Whether the name was connected by hand: one that is not `enabled` stays wanted over a death of its actor.
    pub wanted: bool,
    /// Left by the actor when it has nothing to do.
    bell: Option<Waker>,
    waiters: Vec<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    wanted: Fate,
    answer: oneshot::Sender<Fate>,
}

impl Gate {
    pub fn new(settings: OutboxSettings, max_message: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inside {
            outbox: Outbox::new(settings, max_message),
            evicted: 0,
            connect_data: None,
            wanted: false,
            bell: None,
            waiters: Vec::new(),
        })))
    }

    /// Accepts a message in call order, and wakes the actor if it rests.
    pub fn send(self: &Arc<Self>, message: Message) -> Result<Receipt, Rejected> {
        let mut inside = self.0.lock();
        let expires = inside.outbox.settings().ttl.map(|ttl| Instant::now() + ttl);
        let admitted = inside.outbox.admit(message, expires)?;
        let bell = inside.bell.take();
        if admitted.evicted > 0 {
            inside.evicted += u64::from(admitted.evicted);
            inside.settle();
        }
        drop(inside);
        if let Some(bell) = bell {
            bell.wake();
        }
        Ok(Receipt {
            id: admitted.id,
            gate: Arc::clone(self),
        })
    }

    /// Works on the inside under the lock, then answers those whose fate is known by now.
    pub fn with<T>(&self, work: impl FnOnce(&mut Inside) -> T) -> T {
        let mut inside = self.0.lock();
        let result = work(&mut inside);
        inside.settle();
        result
    }
}

impl Inside {
    /// The actor runs, and will look at the outbox before it rests.
    pub fn awake(&mut self) {
        self.bell = None;
    }

    /// Leaves the actor's waker behind, for the next message.
    pub fn rest(&mut self, waker: &Waker) {
        if !self.bell.as_ref().is_some_and(|bell| bell.will_wake(waker)) {
            self.bell = Some(waker.clone());
        }
    }

    fn settle(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let outbox = &self.outbox;
        self.waiters
            .extract_if(.., |waiter| {
                waiter.answer.is_closed()
                    || outbox
                        .fate(waiter.id)
                        .is_none_or(|fate| is_answer(fate, waiter.wanted))
            })
            .for_each(|waiter| {
                let fate = outbox.fate(waiter.id).unwrap_or(Fate::Forgotten);
                // A receiver that is gone no longer wants to know.
                let _gone = waiter.answer.send(fate);
            });
        if self.waiters.is_empty() {
            self.waiters = Vec::new();
        }
    }
}

fn is_answer(fate: Fate, wanted: Fate) -> bool {
    fate.reaches(wanted) || fate.is_final()
}

/// An accepted message. Costs nothing while nobody asks for the message's fate; outlives restarts of the name.
#[derive(Clone, Debug)]
pub struct Receipt {
    id: u64,
    gate: Arc<Gate>,
}

impl Receipt {
    /// The message's id: counts the accepted messages of the name, from 1.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What has become of the message so far.
    pub fn now(&self) -> Fate {
        self.gate
            .0
            .lock()
            .outbox
            .fate(self.id)
            .unwrap_or(Fate::Forgotten)
    }

    /// Waits until the message has the `wanted` fate or a better one, or until that can no longer come; says which.
    ///
    /// Waiting for [`Fate::Confirmed`] on a name whose heartbeat is not of the protocol kind ends only with the socket.
    pub async fn fate(&self, wanted: Fate) -> Fate {
        let answer = {
            let mut inside = self.gate.0.lock();
            let fate = inside.outbox.fate(self.id).unwrap_or(Fate::Forgotten);
            if is_answer(fate, wanted) {
                return fate;
            }
            let (sender, receiver) = oneshot::channel();
            if inside.waiters.len() == inside.waiters.capacity() {
                inside.waiters.retain(|waiter| !waiter.answer.is_closed());
            }
            inside.waiters.push(Waiter {
                id: self.id,
                wanted,
                answer: sender,
            });
            receiver
        };
        // The gate outlives us, and with it the sender: an error cannot come.
        answer.await.unwrap_or(Fate::Forgotten)
    }
}
