//! Accepting messages, and making room for them.

use std::time::Instant;

use super::{Admitted, Outbox, Queued, Refusal};
use crate::{
    core::{Fate, Message, Rejected, TooLarge},
    settings::WhenFull,
};

impl Outbox {
    /// Opens or closes the outbox for new messages.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// Whether new messages are accepted.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Refuses new messages as not stored until [`release`](Self::release): the store's messages
    /// for this outbox are unknown, and come first.
    pub fn hold(&mut self) {
        self.refusal = Some(Refusal::Unknown);
    }

    /// The store's messages are known, and new messages are accepted again.
    pub fn release(&mut self) {
        if self.is_held() {
            self.refusal = None;
        }
    }

    /// A held outbox that is not durable any more does not wait for the store.
    pub fn forgo_store(&mut self) {
        if self.is_held() {
            self.refusal = None;
            self.persist_state = None;
        }
    }

    /// Whether new messages are refused until the store's messages are known.
    pub fn is_held(&self) -> bool {
        self.refusal == Some(Refusal::Unknown)
    }

    /// Sets whether there is never a socket for messages: new ones are then refused.
    pub fn set_sessions_only(&mut self, only: bool) {
        match only {
            true => self.refusal = Some(Refusal::SessionsOnly),
            false => {
                let refusal = self.refusal;
                self.refusal = refusal.filter(|refusal| *refusal != Refusal::SessionsOnly);
            }
        }
    }

    /// Accepts a message, or says why not.
    ///
    /// # Errors
    ///
    /// [`Rejected`]; the outbox is then unchanged.
    pub fn admit(
        &mut self,
        message: Message,
        expires: Option<Instant>,
    ) -> Result<Admitted, Rejected> {
        self.check(&message)?;
        let len = message.len();
        let evicted = self.make_room(len)?;
        self.last_id += 1;
        self.bytes += len;
        self.queue.push_back(Queued {
            id: self.last_id,
            message,
            expires,
            doubt: false,
        });
        Ok(Admitted {
            id: self.last_id,
            evicted,
        })
    }

    /// Whether a message could be accepted if there were room for it.
    ///
    /// # Errors
    ///
    /// [`Rejected`], for another reason than a full outbox.
    pub fn check(&self, message: &Message) -> Result<(), Rejected> {
        if !self.open {
            return Err(Rejected::Closed);
        }
        let len = message.len();
        let limit = self.max_message.min(self.settings.bytes);
        if len > limit {
            return Err(TooLarge { len, limit }.into());
        }
        let is_failing = self
            .persist_state
            .as_ref()
            .is_some_and(|persist_state| persist_state.failing);
        match self.refusal {
            Some(Refusal::SessionsOnly) => Err(Rejected::SessionsOnly),
            Some(Refusal::Unknown) => Err(Rejected::NotStored),
            None if is_failing => Err(Rejected::NotStored),
            None => Ok(()),
        }
    }

    fn make_room(&mut self, len: usize) -> Result<u32, Rejected> {
        if self.has_room(len) {
            return Ok(0);
        }
        let held = self.kept + self.taken;
        let waiting: usize = match self.settings.when_full {
            WhenFull::Reject => return Err(Rejected::Full),
            WhenFull::DropOldest => self.queue.range(held..).map(|q| q.message.len()).sum(),
        };
        // Messages that were written, or are being written, cannot make room. If the others are not
        // enough, nothing is evicted.
        if held >= self.settings.messages || self.bytes - waiting + len > self.settings.bytes {
            return Err(Rejected::Full);
        }
        let mut evicted = 0;
        while !self.has_room(len) {
            self.end_waiting(Fate::Evicted);
            evicted += 1;
        }
        Ok(evicted)
    }

    fn has_room(&self, len: usize) -> bool {
        self.queue.len() < self.settings.messages && self.bytes + len <= self.settings.bytes
    }
}
