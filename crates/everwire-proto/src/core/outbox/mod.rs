//! What waits to be sent: bounded by messages and bytes, in order, with one fate for each.

mod persist_state;
#[cfg(test)]
mod tests;
mod window;

use std::{collections::VecDeque, time::Instant};

use self::{
    persist_state::PersistState,
    window::{Amount, Window},
};
use super::{Fate, Fates, Message, Rejected, TooLarge};
use crate::settings::{OutboxSettings, Resend, WhenFull};

/// A message in the outbox.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Counts the accepted messages of a name, from 1.
    pub id: u64,
    /// What is to be sent.
    pub message: Message,
    /// When it is too late to send it.
    pub expires: Option<Instant>,
    /// Whether the peer may have it already: it was written to a socket that died before it was confirmed, or it was left by
    /// an earlier process.
    pub doubt: bool,
}

/// Why nothing is accepted, though the outbox is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// What an earlier process has left is not known yet.
    Unknown,
    /// There is never a socket.
    SessionsOnly,
}

/// The answer to an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The message's id.
    pub id: u64,
    /// How many older messages made room for it.
    pub evicted: u32,
}

/// Neighbouring messages that have met the same fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FateRun {
    /// The first id.
    pub first: u64,
    /// The last id.
    pub last: u64,
    /// What became of them.
    pub fate: Fate,
    /// Whether they were written a second time.
    pub resent: bool,
}

/// How many messages were removed before they were written, or written again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The peer cannot have them.
    pub unsent: u64,
    /// The peer may have them.
    pub in_doubt: u64,
}

impl Removed {
    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::InDoubt => self.in_doubt += 1,
            _ => self.unsent += 1,
        }
    }
}

/// What a store has to be told.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Messages that are not on disk yet, in order.
    pub put: Vec<Queued>,
    /// Runs of ids that it need not keep any more.
    pub gone: Vec<(u64, u64)>,
    /// The last id that was given out.
    pub last_id: u64,
}

/// Messages on their way out, in three zones: those that are written and kept until they are confirmed, those that are
/// being written, those that wait.
///
/// Where the settings ask for neither `durable` nor `resend`, a message that was written is not kept.
#[derive(Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    max_message: usize,
    open: bool,
    refusal: Option<Refusal>,
    queue: VecDeque<Queued>,
    kept: usize,
    taken: usize,
    bytes: usize,
    last_id: u64,
    fates: Fates,
    /// Of a durable outbox only.
    persist_state: Option<Box<PersistState>>,
    /// Of an outbox that keeps its messages until they are confirmed.
    window: Option<Box<Window>>,
    /// Fates that somebody wants to be told one by one.
    #[expect(
        clippy::box_collection,
        reason = "one word for the many names that nobody listens to"
    )]
    fate_runs: Option<Box<Vec<FateRun>>>,
}

impl Outbox {
    /// An empty outbox that is open.
    pub fn new(settings: OutboxSettings, max_message: usize) -> Self {
        Self {
            settings,
            max_message,
            open: true,
            refusal: None,
            queue: VecDeque::new(),
            kept: 0,
            taken: 0,
            bytes: 0,
            last_id: 0,
            fates: Fates::default(),
            persist_state: settings.durable.then(Box::default),
            window: window(&settings, Amount::default()),
            fate_runs: None,
        }
    }

    /// What an earlier process left in the store: `messages` in the order of their ids, none above `last_id`.
    pub fn restore(&mut self, messages: impl IntoIterator<Item = Queued>, last_id: u64) {
        let mut next = 1;
        for message in messages {
            if message.id > next {
                self.fates.except(next, message.id - 1, Fate::Forgotten);
            }
            next = message.id + 1;
            self.bytes += message.message.len();
            self.queue.push_back(message);
        }
        if last_id >= next {
            self.fates.except(next, last_id, Fate::Forgotten);
        }
        self.last_id = last_id;
        if self.settings.durable || !self.queue.is_empty() {
            self.persist_state = Some(Box::new(PersistState::restored(last_id)));
        }
    }

    /// New limits; what was accepted under the old ones stays.
    pub fn configure(&mut self, settings: OutboxSettings, max_message: usize) {
        self.settings = settings;
        self.max_message = max_message;
        if settings.durable && self.persist_state.is_none() {
            self.persist_state = Some(Box::default());
        }
        match (&mut self.window, settings.keeps()) {
            (Some(window), true) => window.configure(&settings),
            (none @ None, true) => {
                let mut in_flight = Amount::default();
                let taken = self.queue.iter().take(self.kept + self.taken);
                taken.for_each(|queued| in_flight.add(queued.message.len()));
                *none = window(&settings, in_flight);
            }
            (_, false) => {
                self.release_through(u64::MAX);
                self.window = None;
            }
        }
    }

    /// The limits in force.
    pub fn settings(&self) -> &OutboxSettings {
        &self.settings
    }

    /// Opens or closes the outbox for new messages.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// Whether new messages are accepted.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Refuses new messages as not stored until [`release`](Self::release): what the store has for this outbox is not known, and comes
    /// before them.
    pub fn hold(&mut self) {
        self.refusal = Some(Refusal::Unknown);
    }

    /// What the store has is known, and new messages are accepted again.
    pub fn release(&mut self) {
        if self.is_held() {
            self.refusal = None;
        }
    }

    /// An outbox that is held, and is durable no more, waits for no store.
    pub fn forgo_store(&mut self) {
        if self.is_held() {
            self.refusal = None;
            self.persist_state = None;
        }
    }

    /// Whether new messages are refused until what the store has is known.
    pub fn is_held(&self) -> bool {
        self.refusal == Some(Refusal::Unknown)
    }

    /// Whether there is never a socket that could take a message: new ones are refused then.
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
    /// [`Rejected`]; the outbox is then as it was.
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
    /// [`Rejected`], for another reason than that the outbox is full.
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
        // What is written or being written cannot make room: if the rest does not suffice, nobody is evicted in vain.
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

    /// The oldest message that waits meets its end. One that the peer may have is in doubt, whatever ended it here.
    fn end_waiting(&mut self, fate: Fate) -> Fate {
        let Some(removed) = self.queue.remove(self.kept + self.taken) else {
            return fate;
        };
        let fate = if removed.doubt { Fate::InDoubt } else { fate };
        self.bytes -= removed.message.len();
        self.end(removed.id, removed.id, fate);
        fate
    }

    /// The ids from `first` to `last` have met this exceptional end.
    fn end(&mut self, first: u64, last: u64, fate: Fate) {
        self.fates.except(first, last, fate);
        self.forget_stored(first, last);
        self.report_fate(first, last, fate, false);
    }

    fn forget_stored(&mut self, first: u64, last: u64) {
        if let Some(persist_state) = &mut self.persist_state {
            (first..=last).for_each(|id| persist_state.forget(id));
        }
    }

    /// The next message to write; it is being written until [`written`](Self::written) or [`lost`](Self::lost).
    pub fn take(&mut self) -> Option<&Queued> {
        let len = self.peek()?.message.len();
        if let Some(window) = &mut self.window {
            window.take(len);
        }
        self.taken += 1;
        self.queue.get(self.kept + self.taken - 1)
    }

    /// The next message that [`take`](Self::take) would give: none that is not safe in the store, and none beyond the window.
    pub fn peek(&self) -> Option<&Queued> {
        let next = self.oldest_waiting()?;
        let is_stored = |persist_state: &PersistState| next.id <= persist_state.stored;
        let is_admitted = |window: &Window| window.admits(next.message.len());
        let may_go = self.persist_state.as_deref().is_none_or(is_stored)
            && self.window.as_deref().is_none_or(is_admitted);
        may_go.then_some(next)
    }

    /// The oldest message of which nothing was written to the present socket.
    pub fn oldest_waiting(&self) -> Option<&Queued> {
        self.queue.get(self.kept + self.taken)
    }

    /// All taken messages up to `id` were handed to the kernel whole; returns how many that are, and their payload bytes.
    pub fn written(&mut self, id: u64) -> (u64, u64) {
        let (mut messages, mut bytes) = (0, 0);
        let keeps = self.settings.keeps();
        while self.taken > 0
            && let Some(first) = self.queue.get(self.kept).filter(|first| first.id <= id)
        {
            let (id, len, resent) = (first.id, first.message.len(), first.doubt);
            messages += 1;
            bytes += len as u64;
            self.fates.written(id);
            self.taken -= 1;
            match keeps {
                true => self.kept += 1,
                false => {
                    self.queue.remove(self.kept);
                    self.bytes -= len;
                    self.forget_stored(id, id);
                }
            }
            self.report_fate(id, id, Fate::Written, resent);
        }
        (messages, bytes)
    }

    /// What a ping that is sent now will confirm: the last id that this socket was given. What waits to be written again was
    /// given to another one.
    pub fn fence(&self) -> u64 {
        let held = self.kept + self.taken;
        let last = held.checked_sub(1).and_then(|last| self.queue.get(last));
        let written = self.fates.last_written();
        match (last, self.oldest_waiting()) {
            (Some(last), _) => last.id,
            (None, Some(waiting)) => written.min(waiting.id - 1),
            (None, None) => written,
        }
    }

    /// A fence was answered: what was taken up to `id` has arrived, and so was written whole. Returns what of it was not known
    /// to be written: messages, and their payload bytes.
    pub fn confirmed(&mut self, id: u64) -> (u64, u64) {
        let written = self.written(id);
        if self.fate_runs.is_some() {
            let runs: Vec<_> = self.fates.unconfirmed_runs(id).collect();
            for (first, last) in runs {
                self.report_fate(first, last, Fate::Confirmed, false);
            }
        }
        self.fates.confirmed(id);
        let released = self.release_through(id);
        if let Some(window) = &mut self.window
            && released.messages > 0
        {
            window.answered(released, &self.settings);
        }
        written
    }

    /// Lets go of what is kept up to `id`; says how much that was.
    fn release_through(&mut self, id: u64) -> Amount {
        let mut released = Amount::default();
        while self.kept > 0
            && let Some(first) = self.queue.front().filter(|first| first.id <= id)
        {
            let (id, len) = (first.id, first.message.len());
            self.queue.pop_front();
            self.kept -= 1;
            self.bytes -= len;
            released.add(len);
            if let Some(window) = &mut self.window {
                window.release(len);
            }
            self.forget_stored(id, id);
        }
        released
    }

    /// The socket is gone. What was not written whole waits again; what was written and not confirmed waits again where the
    /// settings say `resend`, and otherwise ends in doubt. Returns how many messages have ended so.
    pub fn lost(&mut self) -> u64 {
        if let Some(window) = &mut self.window {
            window.lost(self.queue.len() > self.kept + self.taken);
        }
        self.taken = 0;
        let again = self.settings.resend == Resend::InDoubt;
        // From here on ids are in the queue to be written again.
        let first_again = match again {
            true => self.queue.front(),
            false => self.oldest_waiting().filter(|waiting| waiting.doubt),
        };
        let over = first_again.map_or(u64::MAX, |first| first.id - 1);
        let runs: Vec<_> = self.fates.unconfirmed_runs(over).collect();
        let mut in_doubt = 0;
        for (first, last) in runs {
            in_doubt += last - first + 1;
            self.end(first, last, Fate::InDoubt);
        }
        self.fates.complete_through(over);
        if again {
            for kept in self.queue.iter_mut().take(self.kept) {
                kept.doubt = true;
            }
            self.kept = 0;
        } else {
            self.release_through(u64::MAX);
        }
        in_doubt
    }

    /// Removes what waited too long.
    pub fn expire(&mut self, now: Instant) -> Removed {
        let mut removed = Removed::default();
        while self.next_expiry().is_some_and(|expires| expires <= now) {
            removed.count(self.end_waiting(Fate::Expired));
        }
        removed
    }

    /// When the oldest waiting message expires.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.oldest_waiting().and_then(|next| next.expires)
    }

    /// The name is down and means to stay so: removes all that waits, unless it is durable. What is being written is left to
    /// the socket.
    pub fn cancel(&mut self) -> Removed {
        match self.settings.durable {
            true => Removed::default(),
            false => self.discard(),
        }
    }

    /// The name is gone: removes all that waits, durable or not.
    pub fn discard(&mut self) -> Removed {
        let mut removed = Removed::default();
        while self.queue.len() > self.kept + self.taken {
            removed.count(self.end_waiting(Fate::Cancelled));
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        removed
    }

    /// The fate of a message, if the id was given out.
    pub fn fate(&self, id: u64) -> Option<Fate> {
        (1..=self.last_id)
            .contains(&id)
            .then(|| match (self.fates.fate(id), &self.persist_state) {
                (Fate::Queued, Some(persist_state)) if id > persist_state.stored => Fate::Accepted,
                (Fate::Forgotten, _) if self.holds(id) => Fate::Queued,
                (fate, _) => fate,
            })
    }

    /// The oldest id that waits, is being written, or is kept until it is confirmed.
    pub fn oldest_id(&self) -> Option<u64> {
        self.queue.front().map(|oldest| oldest.id)
    }

    /// The last id that was given out; 0 before the first.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Whether the message of this id waits, is being written, or is kept until it is confirmed.
    pub fn holds(&self, id: u64) -> bool {
        self.queue.binary_search_by_key(&id, |q| q.id).is_ok()
    }

    /// Whether the confirmation of something that this socket was given is awaited: because it is kept until then, or because
    /// somebody waits for the confirmation of a message up to the id `through`.
    pub fn awaits_confirmation(&self, through: u64) -> bool {
        let confirmed = self.fates.last_confirmed();
        self.fence() > confirmed && (self.window.is_some() || through > confirmed)
    }

    /// Whether a ping should go out behind what this socket was given: a confirmation is awaited, and nothing more can go out at
    /// present (the rate `is_paced`, the window is full, or nothing waits), or half of the outbox is unconfirmed.
    pub fn wants_fence(&self, through: u64, is_paced: bool) -> bool {
        self.awaits_confirmation(through)
            && (is_paced || self.peek().is_none() || self.is_half_unconfirmed())
    }

    fn is_half_unconfirmed(&self) -> bool {
        let unconfirmed = match &self.window {
            Some(window) => window.in_flight().messages as u64,
            None => self.fates.unconfirmed_through(u64::MAX),
        };
        unconfirmed * 2 >= self.settings.messages as u64
    }

    /// What a store has to be told since the last call: messages to put, ids to forget.
    pub fn changes(&mut self) -> Changes {
        let Some(persist_state) = &mut self.persist_state else {
            return Changes::default();
        };
        let from = self
            .queue
            .partition_point(|q| q.id <= persist_state.submitted);
        let put = self.queue.range(from..).cloned().collect();
        persist_state.submitted = self.last_id;
        Changes {
            put,
            gone: persist_state.take_gone(),
            last_id: self.last_id,
        }
    }

    /// The store has lost what it was given: [`changes`](Self::changes) gives it all again.
    pub fn store_was_lost(&mut self) {
        if let Some(persist_state) = &mut self.persist_state {
            persist_state.submitted = 0;
        }
    }

    /// Whether [`changes`](Self::changes) has something to say.
    pub fn has_changes(&self) -> bool {
        let persist_state = self.persist_state.as_ref();
        persist_state.is_some_and(|persist_state| {
            persist_state.submitted < self.last_id || persist_state.has_gone()
        })
    }

    /// The store has all up to `id` safe on disk.
    pub fn stored(&mut self, id: u64) {
        if let Some(persist_state) = &mut self.persist_state {
            persist_state.stored = persist_state.stored.max(id);
            persist_state.failing = false;
        }
    }

    /// The store cannot write: new messages are refused until [`stored`](Self::stored). Says whether that is news.
    pub fn store_failed(&mut self) -> bool {
        let persist_state = self.persist_state.as_mut();
        // Of one that is held it was told.
        let is_news = persist_state
            .is_some_and(|persist_state| !std::mem::replace(&mut persist_state.failing, true));
        is_news && !self.is_held()
    }

    /// Whether fates are to be reported one by one; they wait for [`take_fate_runs`](Self::take_fate_runs).
    pub fn set_fate_reporting(&mut self, reports: bool) {
        if reports != self.fate_runs.is_some() {
            self.fate_runs = reports.then(Box::default);
        }
    }

    /// The fates that were met since the last call.
    pub fn take_fate_runs(&mut self) -> Vec<FateRun> {
        let fate_runs = self.fate_runs.as_mut();
        fate_runs
            .map(|fate_runs| std::mem::take(&mut **fate_runs))
            .unwrap_or_default()
    }

    fn report_fate(&mut self, first: u64, last: u64, fate: Fate, resent: bool) {
        let Some(fate_runs) = &mut self.fate_runs else {
            return;
        };
        match fate_runs.last_mut() {
            Some(run) if run.last + 1 == first && (run.fate, run.resent) == (fate, resent) => {
                run.last = last;
            }
            _ => fate_runs.push(FateRun {
                first,
                last,
                fate,
                resent,
            }),
        }
    }

    /// How many messages wait, are being written, or are kept until they are confirmed.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits, is being written or is kept.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether all that is here was written.
    pub fn is_written(&self) -> bool {
        self.queue.len() == self.kept
    }

    /// How many messages are being written.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How many messages are here that the peer may have: they were written to a socket that died before they were confirmed, or were
    /// left by an earlier process.
    pub fn in_doubt(&self) -> u64 {
        // They are older than all others.
        self.queue.partition_point(|queued| queued.doubt) as u64
    }

    /// How many messages wait to be written a second time.
    pub fn to_resend(&self) -> usize {
        let waiting = self.queue.range(self.kept + self.taken..);
        waiting.take_while(|waiting| waiting.doubt).count()
    }

    /// The payload bytes of what is here.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory that is held on the heap for messages, in bytes.
    pub fn footprint(&self) -> usize {
        self.queue.capacity() * size_of::<Queued>() + self.bytes
    }

    /// How much more is held when this message is accepted, in bytes.
    pub fn growth(&self, message: &Message) -> usize {
        let places = match self.queue.len() < self.queue.capacity() {
            true => 0,
            false => self.queue.capacity().max(4),
        };
        places * size_of::<Queued>() + message.len()
    }

    /// Gives back memory that an empty queue does not need.
    pub fn shrink(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > 64 {
            self.queue = VecDeque::new();
        }
    }
}

/// The window of an outbox with these settings, if it has one.
fn window(settings: &OutboxSettings, in_flight: Amount) -> Option<Box<Window>> {
    settings
        .keeps()
        .then(|| Box::new(Window::new(settings, in_flight)))
}
