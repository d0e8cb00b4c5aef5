//! The way of a message to a socket: taken, written, confirmed, or lost with the socket.

use super::{
    Outbox, Queued,
    persist_state::PersistState,
    window::{Amount, Window},
};
use crate::{core::Fate, settings::Resend};

impl Outbox {
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
}
