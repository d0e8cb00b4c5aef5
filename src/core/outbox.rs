//! What waits to be sent: bounded by messages and bytes, in order, with one fate for each.

use std::{collections::VecDeque, time::Instant};

use super::{Fate, Ledger, Message, Rejected, TooLarge};
use crate::config::{OutboxSettings, WhenFull};

/// A message in the outbox.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Counts the accepted messages of an epoch, from 1.
    pub id: u64,
    /// What is to be sent.
    pub message: Message,
    /// When it is too late to send it.
    pub expires: Option<Instant>,
}

/// The answer to an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The message's id.
    pub id: u64,
    /// How many older messages made room for it.
    pub evicted: u32,
}

/// Messages on their way out. The first [`taken`](Self::taken) of them are being written, the others wait.
#[derive(Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    max_message: usize,
    open: bool,
    queue: VecDeque<Queued>,
    taken: usize,
    bytes: usize,
    last_id: u64,
    ledger: Ledger,
}

impl Outbox {
    /// An empty outbox whose door is open.
    pub fn new(settings: OutboxSettings, max_message: usize) -> Self {
        Self {
            settings,
            max_message,
            open: true,
            queue: VecDeque::new(),
            taken: 0,
            bytes: 0,
            last_id: 0,
            ledger: Ledger::default(),
        }
    }

    /// New limits; what was accepted under the old ones stays.
    pub fn configure(&mut self, settings: OutboxSettings, max_message: usize) {
        self.settings = settings;
        self.max_message = max_message;
    }

    /// The limits in force.
    pub fn settings(&self) -> &OutboxSettings {
        &self.settings
    }

    /// Opens or closes the door for new messages.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// Whether new messages are accepted.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Accepts a message, or says why not.
    ///
    /// # Errors
    ///
    /// [`Rejected`]; the outbox is then as it was.
    pub fn admit(
        &mut self,
        message: Message,
        expires: Option<Instant>,
    ) -> Result<Admitted, Rejected> {
        if !self.open {
            return Err(Rejected::Closed);
        }
        let len = message.len();
        let limit = self.max_message.min(self.settings.bytes);
        if len > limit {
            return Err(TooLarge { len, limit }.into());
        }
        let evicted = self.make_room(len)?;
        self.last_id += 1;
        self.bytes += len;
        self.queue.push_back(Queued {
            id: self.last_id,
            message,
            expires,
        });
        Ok(Admitted {
            id: self.last_id,
            evicted,
        })
    }

    fn make_room(&mut self, len: usize) -> Result<u32, Rejected> {
        if self.has_room(len) {
            return Ok(0);
        }
        let waiting: usize = match self.settings.when_full {
            WhenFull::Reject => return Err(Rejected::Full),
            WhenFull::DropOldest => self
                .queue
                .range(self.taken..)
                .map(|q| q.message.len())
                .sum(),
        };
        // What is being written cannot make room: if the rest does not suffice, nobody is evicted in vain.
        let writing = self.bytes - waiting;
        if self.taken >= self.settings.messages || writing + len > self.settings.bytes {
            return Err(Rejected::Full);
        }
        let mut evicted = 0;
        while !self.has_room(len) {
            self.remove_waiting(Fate::Evicted);
            evicted += 1;
        }
        Ok(evicted)
    }

    fn has_room(&self, len: usize) -> bool {
        self.queue.len() < self.settings.messages && self.bytes + len <= self.settings.bytes
    }

    /// Removes the oldest message that is not being written.
    fn remove_waiting(&mut self, fate: Fate) {
        if let Some(removed) = self.queue.remove(self.taken) {
            self.bytes -= removed.message.len();
            self.ledger.except(removed.id, removed.id, fate);
        }
    }

    /// The next message to write; it stays here until [`written`](Self::written) or [`lost`](Self::lost).
    pub fn take(&mut self) -> Option<&Queued> {
        let next = self.queue.get(self.taken)?;
        self.taken += 1;
        Some(next)
    }

    /// The next message that [`take`](Self::take) would give.
    pub fn peek(&self) -> Option<&Queued> {
        self.queue.get(self.taken)
    }

    /// All taken messages up to `id` were handed to the kernel whole; returns how many that are, and their payload bytes.
    pub fn written(&mut self, id: u64) -> (u64, u64) {
        let (mut messages, mut bytes) = (0, 0);
        while self.taken > 0
            && let Some(first) = self.queue.front().filter(|first| first.id <= id)
        {
            messages += 1;
            bytes += first.message.len() as u64;
            self.bytes -= first.message.len();
            self.ledger.written(first.id);
            self.queue.pop_front();
            self.taken -= 1;
        }
        (messages, bytes)
    }

    /// The last id that was written: what a ping that is sent now will confirm.
    pub fn fence(&self) -> u64 {
        match self
            .taken
            .checked_sub(1)
            .and_then(|last| self.queue.get(last))
        {
            Some(last) => last.id,
            None => self.ledger.last_written(),
        }
    }

    /// A fence was answered: what was written up to `id` has arrived.
    pub fn confirmed(&mut self, id: u64) {
        self.ledger.confirmed(id);
    }

    /// The socket is gone: what was not written whole waits again, what was written and not confirmed is in doubt.
    pub fn lost(&mut self) -> u64 {
        self.taken = 0;
        self.ledger.doubt()
    }

    /// Removes what waited too long; returns how many.
    pub fn expire(&mut self, now: Instant) -> u64 {
        let mut expired = 0;
        while self
            .peek()
            .is_some_and(|next| next.expires.is_some_and(|expires| expires <= now))
        {
            self.remove_waiting(Fate::Expired);
            expired += 1;
        }
        expired
    }

    /// When the oldest waiting message expires.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.peek().and_then(|next| next.expires)
    }

    /// Removes all that waits; returns how many. What is being written is left to the socket.
    pub fn cancel(&mut self) -> u64 {
        let mut cancelled = 0;
        while self.queue.len() > self.taken {
            self.remove_waiting(Fate::Cancelled);
            cancelled += 1;
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        cancelled
    }

    /// The fate of a message, if the id was given out.
    pub fn fate(&self, id: u64) -> Option<Fate> {
        (1..=self.last_id)
            .contains(&id)
            .then(|| self.ledger.fate(id))
    }

    /// How many messages wait or are being written.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits and nothing is being written.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many messages are being written.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// The payload bytes of what waits or is being written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back memory that an empty queue does not need.
    pub fn shrink(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > 64 {
            self.queue = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn outbox(messages: usize, bytes: usize, when_full: WhenFull) -> Outbox {
        let mut settings = OutboxSettings::default();
        settings.messages = messages;
        settings.bytes = bytes;
        settings.when_full = when_full;
        Outbox::new(settings, 1 << 20)
    }

    #[test]
    fn a_full_outbox_rejects_and_stays_as_it_was() {
        let mut outbox = outbox(2, 10, WhenFull::Reject);
        assert_eq!(outbox.admit("a".into(), None).unwrap().id, 1);
        assert_eq!(outbox.admit("b".into(), None).unwrap().id, 2);
        assert_eq!(outbox.admit("c".into(), None), Err(Rejected::Full));
        assert_eq!((outbox.len(), outbox.bytes()), (2, 2));
        assert_eq!(
            outbox.admit("x".repeat(11).into(), None),
            Err(Rejected::TooLarge(TooLarge { len: 11, limit: 10 }))
        );
    }

    #[test]
    fn the_oldest_makes_room_but_never_one_that_is_being_written() {
        let mut outbox = outbox(2, 100, WhenFull::DropOldest);
        outbox.admit("a".into(), None).unwrap();
        outbox.admit("b".into(), None).unwrap();
        assert_eq!(outbox.take().unwrap().id, 1);
        assert_eq!(outbox.admit("c".into(), None).unwrap().evicted, 1);
        assert_eq!(outbox.fate(2), Some(Fate::Evicted));
        assert_eq!(outbox.take().unwrap().id, 3);
        assert_eq!(outbox.admit("d".into(), None), Err(Rejected::Full));
    }

    #[test]
    fn what_was_not_written_whole_waits_again_after_a_loss() {
        let mut outbox = outbox(10, 100, WhenFull::Reject);
        for text in ["a", "b", "c"] {
            outbox.admit(text.into(), None).unwrap();
        }
        outbox.take();
        outbox.take();
        outbox.written(1);
        assert_eq!(outbox.lost(), 1);
        assert_eq!(outbox.fate(1), Some(Fate::InDoubt));
        assert_eq!(outbox.take().unwrap().id, 2);
    }

    #[test]
    fn a_fence_confirms_what_was_written_before_it_and_nothing_more() {
        let mut outbox = outbox(10, 100, WhenFull::Reject);
        outbox.admit("a".into(), None).unwrap();
        outbox.take();
        let fence = outbox.fence();
        outbox.admit("b".into(), None).unwrap();
        outbox.take();
        outbox.written(2);
        outbox.confirmed(fence);
        assert_eq!(outbox.fate(1), Some(Fate::Confirmed));
        assert_eq!(outbox.fate(2), Some(Fate::Written));
    }

    #[test]
    fn a_message_expires_when_its_time_is_up() {
        let mut outbox = outbox(10, 100, WhenFull::Reject);
        let now = Instant::now();
        outbox
            .admit("a".into(), Some(now + Duration::from_secs(1)))
            .unwrap();
        outbox.admit("b".into(), None).unwrap();
        assert_eq!(outbox.expire(now), 0);
        assert_eq!(outbox.expire(now + Duration::from_secs(1)), 1);
        assert_eq!(outbox.fate(1), Some(Fate::Expired));
        assert_eq!(outbox.take().unwrap().id, 2);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Admit(usize, bool),
        Take,
        Written,
        Confirm,
        Lost,
        Expire(u64),
        Cancel,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec(
            prop_oneof![
                4 => (0usize..12, any::<bool>()).prop_map(|(len, ttl)| Step::Admit(len, ttl)),
                3 => Just(Step::Take),
                3 => Just(Step::Written),
                2 => Just(Step::Confirm),
                1 => Just(Step::Lost),
                1 => (0u64..20).prop_map(Step::Expire),
                1 => Just(Step::Cancel),
            ],
            0..200,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn bounds_hold_order_is_kept_and_each_message_ends_once(
            steps in steps(),
            messages in 1usize..8,
            bytes in 1usize..40,
            drop_oldest: bool,
        ) {
            let when_full = if drop_oldest { WhenFull::DropOldest } else { WhenFull::Reject };
            let mut outbox = outbox(messages, bytes, when_full);
            let mut now = Instant::now();
            let mut ends: Vec<Option<Fate>> = vec![None];
            let mut last_written = 0;
            for step in steps {
                match step {
                    Step::Admit(len, ttl) => {
                        let expires = ttl.then(|| now + Duration::from_secs(10));
                        if let Ok(admitted) = outbox.admit("x".repeat(len).into(), expires) {
                            prop_assert_eq!(admitted.id as usize, ends.len());
                            ends.push(None);
                        }
                    }
                    Step::Take => { outbox.take(); }
                    Step::Written => {
                        let id = outbox.fence();
                        prop_assert!(id >= last_written, "order");
                        last_written = id;
                        outbox.written(id);
                    }
                    Step::Confirm => { let id = outbox.fence(); outbox.confirmed(id); }
                    Step::Lost => { outbox.lost(); }
                    Step::Expire(seconds) => {
                        now += Duration::from_secs(seconds);
                        outbox.expire(now);
                    }
                    Step::Cancel => { outbox.cancel(); }
                }
                prop_assert!(outbox.len() <= messages && outbox.bytes() <= bytes);
                for (id, end) in ends.iter_mut().enumerate().skip(1) {
                    let fate = outbox.fate(id as u64).unwrap();
                    match end {
                        Some(end) => prop_assert_eq!(*end, fate, "a final fate changed"),
                        None if fate.is_final() => *end = Some(fate),
                        None => {}
                    }
                }
            }
            outbox.lost();
            outbox.cancel();
            for id in 1..ends.len() {
                prop_assert!(outbox.fate(id as u64).unwrap().is_final());
            }
        }
    }
}
