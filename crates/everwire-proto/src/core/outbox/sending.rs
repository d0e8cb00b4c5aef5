//! Sending messages: taken, written, confirmed, or lost with the socket.

use super::{
    Outbox, Queued,
    persist_state::PersistState,
    window::{Amount, Window},
};
use crate::{core::Fate, settings::Resend};

impl Outbox {
    /// Takes the next message to write; it is being written until [`written`](Self::written) or
    /// [`lost`](Self::lost).
    pub fn take(&mut self) -> Option<&Queued> {
        let len = self.peek()?.message.len();
        if let Some(window) = &mut self.window {
            window.take(len);
        }
        self.taken += 1;
        self.queue.get(self.kept + self.taken - 1)
    }

    /// The message that [`take`](Self::take) would return: it is safe in the store, and within the
    /// window.
    pub fn peek(&self) -> Option<&Queued> {
        let next = self.oldest_waiting()?;
        let is_stored = |persist_state: &PersistState| next.id <= persist_state.stored;
        let is_admitted = |window: &Window| window.admits(next.message.len());
        let may_go = self.persist_state.as_deref().is_none_or(is_stored)
            && self.window.as_deref().is_none_or(is_admitted);
        may_go.then_some(next)
    }

    /// The oldest message of which nothing was written to the current socket.
    pub fn oldest_waiting(&self) -> Option<&Queued> {
        self.queue.get(self.kept + self.taken)
    }

    /// All taken messages up to `id` were handed to the kernel as a whole. Returns their number and
    /// payload bytes.
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

    /// The id up to which a ping that is sent now will confirm: the last one that this socket was
    /// given. Messages that wait to be written again were given to another socket.
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

    /// A fence was answered: everything taken up to `id` has arrived, and so was written. Returns
    /// the number and payload bytes of messages that were not yet known to be written.
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

    /// Drops kept messages up to `id`; returns how much that was.
    pub(super) fn release_through(&mut self, id: u64) -> Amount {
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

    /// The socket is gone. Messages that were not written as a whole wait again. Written but
    /// unconfirmed messages wait again with `resend`, and otherwise end in doubt. Returns how many
    /// ended in doubt.
    pub fn lost(&mut self) -> u64 {
        if let Some(window) = &mut self.window {
            window.lost(self.queue.len() > self.kept + self.taken);
        }
        self.taken = 0;
        let again = self.settings.resend == Resend::InDoubt;
        // From here on ids in the queue are to be written again.
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

    /// Whether a confirmation of this socket's messages is awaited: they are kept until then, or
    /// somebody waits for an id up to `through`.
    pub fn awaits_confirmation(&self, through: u64) -> bool {
        let confirmed = self.fates.last_confirmed();
        self.fence() > confirmed && (self.window.is_some() || through > confirmed)
    }

    /// Whether a ping should follow this socket's messages: a confirmation is awaited, and either
    /// nothing more can be sent now (the rate `is_paced`, the window is full, or nothing waits), or
    /// half of the outbox is unconfirmed.
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
}
