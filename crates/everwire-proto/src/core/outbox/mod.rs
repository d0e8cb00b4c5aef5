//! The outbox: waiting messages, bounded by number and bytes, in order, each with one fate.

mod admission;
mod amounts;
mod entries;
mod persist_state;
mod sending;
mod storing;
#[cfg(test)]
mod tests;
mod window;

use std::{collections::VecDeque, time::Instant};

pub use self::entries::{Admitted, Changes, FateRun, Queued, Removed};
use self::{
    persist_state::PersistState,
    window::{Amount, Window},
};
use super::{Fate, Fates};
use crate::settings::OutboxSettings;

/// Why an open outbox accepts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// The messages of an earlier process are not known yet.
    Unknown,
    /// There is never a socket.
    SessionsOnly,
}

/// Outgoing messages in three zones: written and kept until they are confirmed, being written, and
/// waiting.
///
/// If the settings ask for neither `durable` nor `resend`, written messages are not kept.
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
    /// Only for a durable outbox.
    persist_state: Option<Box<PersistState>>,
    /// Only for an outbox that keeps messages until they are confirmed.
    window: Option<Box<Window>>,
    /// Fates to be reported one by one.
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

    /// Restores an earlier process's messages from the store, in the order of their ids, none above
    /// `last_id`.
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

    /// Sets new limits; messages accepted under the old ones stay.
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

    /// The current limits.
    pub fn settings(&self) -> &OutboxSettings {
        &self.settings
    }

    /// The oldest waiting message ends. If the peer may have it, it ends in doubt, whatever the
    /// reason.
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

    /// Removes expired messages.
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

    /// The name is down and stays down: removes all waiting messages, unless they are durable.
    /// Messages that are being written are left to the socket.
    pub fn cancel(&mut self) -> Removed {
        match self.settings.durable {
            true => Removed::default(),
            false => self.discard(),
        }
    }

    /// The name is gone: removes all waiting messages, durable or not.
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

    /// The fate of a message; `None` if the id was not given out.
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

    /// Whether this message waits, is being written, or is kept until it is confirmed.
    pub fn holds(&self, id: u64) -> bool {
        self.queue.binary_search_by_key(&id, |q| q.id).is_ok()
    }

    /// Sets whether fates are reported one by one; they wait for
    /// [`take_fate_runs`](Self::take_fate_runs).
    pub fn set_fate_reporting(&mut self, reports: bool) {
        if reports != self.fate_runs.is_some() {
            self.fate_runs = reports.then(Box::default);
        }
    }

    /// The fates since the last call.
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
}

/// The window of an outbox with these settings, if it has one.
fn window(settings: &OutboxSettings, in_flight: Amount) -> Option<Box<Window>> {
    settings
        .keeps()
        .then(|| Box::new(Window::new(settings, in_flight)))
}
