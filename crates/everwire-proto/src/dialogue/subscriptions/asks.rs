//! Requests that are not unanswered any more.

use std::num::NonZeroU64;

use super::{entry::Target, keys::Subscriptions};

impl Subscriptions {
    /// Its `on` is not unanswered any more.
    pub(super) fn forget_ask_of(&mut self, at: usize) {
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        let Some(number) = entry.ask.take().map(NonZeroU64::get) else {
            return;
        };
        let Some(ask) = self.socket.asks.get_mut(&number) else {
            return;
        };
        ask.left = ask.left.saturating_sub(1);
        if ask.left == 0 {
            self.forget_ask(number);
        }
    }

    /// The unanswered keys of an `on`.
    pub(super) fn unanswered(&self, number: u64) -> Vec<Target> {
        let ask = self.socket.asks.get(&number);
        let targets = ask.map_or(&[][..], |ask| &ask.targets);
        let is_open = |target: &&Target| {
            self.entry(**target)
                .is_some_and(|entry| entry.is_asked(number))
        };
        targets.iter().filter(is_open).copied().collect()
    }

    /// Its answer is not awaited any more.
    pub(super) fn forget_ask(&mut self, number: u64) {
        let Some(ask) = self.socket.asks.remove(&number) else {
            return;
        };
        if let Some(until) = ask.until {
            self.socket.due.remove(&(until, number));
        }
        if ask.awaits_number {
            self.socket.awaits_number = self.socket.awaits_number.saturating_sub(1);
        }
        let ears = self.forms.get(ask.form).map(|form| form.ears);
        if let Some(ears) = ears.and_then(|ears| self.ears.get_mut(ears)) {
            ears.asked = ears.asked.saturating_sub(1);
        }
        for target in ask.targets {
            if let Some(entry) = self.entries.get_mut(target.at)
                && entry.order == target.order
                && entry.is_asked(number)
            {
                entry.ask = None;
            }
        }
    }
}
