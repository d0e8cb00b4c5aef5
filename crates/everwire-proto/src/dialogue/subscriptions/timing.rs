//! Missing answers, and repeated requests.

use std::time::{Duration, Instant};

use super::{
    entry::{Entry, Target, Turn},
    keys::Subscriptions,
    on_socket::Stage,
    state::SubscriptionState,
};
use crate::{
    core::{cap, delay, later},
    dialogue::{context::Context, report},
};

/// How often a failed key is asked for again, before it waits for another socket or holder.
pub(super) const MAX_TRIES: u8 = 3;

impl Subscriptions {
    /// When [`timer`](Self::timer) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.is_live() {
            return None;
        }
        let due = self.socket.due.first().map(|(at, _)| *at);
        let again = self.socket.again.first().map(|(at, _)| *at);
        let gate = self.socket.gate.map(|gate| gate.until);
        due.into_iter().chain(again).chain(gate).min()
    }

    /// Handles what is due.
    pub fn timer(&mut self, cx: &mut Context<'_>) {
        let now = cx.here.now;
        while let Some((at, number)) = self.socket.due.first().copied()
            && at <= now
        {
            self.socket.due.pop_first();
            self.run_out(number, cx);
        }
        while let Some((at, target)) = self.socket.again.first().copied()
            && at <= now
        {
            self.socket.again.pop_first();
            self.ask_again(target, cx);
        }
        if self.socket.gate.is_some_and(|gate| gate.until <= now) {
            self.let_pass();
        }
    }

    /// A request has timed out.
    fn run_out(&mut self, number: u64, cx: &mut Context<'_>) {
        let Some(ask) = self.socket.asks.get(&number) else {
            return;
        };
        let within = self.forms.get(ask.form).map(|form| form.words.within);
        let targets = self.unanswered(number);
        self.forget_ask(number);
        let within = report::Span(within.unwrap_or_default());
        let text: Box<str> = format!("no answer came within {within}").into();
        for target in targets {
            let is_open = |entry: &Entry| entry.state == SubscriptionState::Sent;
            if self.entry(target).is_some_and(is_open) {
                let text = Some(text.clone());
                self.fail(target.at, SubscriptionState::Unanswered, text, cx);
            }
        }
    }

    /// Keys that are not written by now are not awaited, except those that were active before.
    fn let_pass(&mut self) {
        let unwritten: Vec<usize> = self
            .entries
            .iter()
            .filter(|(_, entry)| {
                entry.gates
                    && entry.state == SubscriptionState::Wanted
                    && !(entry.is_carried && self.is_successor)
            })
            .map(|(at, _)| at)
            .collect();
        for at in unwritten {
            self.ungate(at);
        }
        if let Some(gate) = &mut self.socket.gate {
            // This is checked once.
            gate.until = later(gate.until, Duration::from_secs(365 * 24 * 60 * 60));
        }
    }

    fn ask_again(&mut self, target: Target, cx: &mut Context<'_>) {
        if self.entry(target).is_none() {
            return;
        }
        if let Some(entry) = self.entries.get_mut(target.at) {
            entry.again_at = None;
        }
        self.want(target.at, cx);
    }

    /// It has failed: it is asked for again after a while.
    pub(super) fn fail(
        &mut self,
        at: usize,
        state: SubscriptionState,
        text: Option<Box<str>>,
        cx: &mut Context<'_>,
    ) {
        self.forget_ask_of(at);
        let was_stable = self.was_stable(at, cx);
        self.set_state(at, state, text, cx);
        let Some(target) = self.target(at) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        entry.may_be_there = state == SubscriptionState::Unanswered;
        entry.is_carried = false;
        if entry.is_leaving() {
            match entry.turn {
                Turn::OffWhenAnswered | Turn::Off if entry.may_be_there => {
                    self.queue(at, Turn::Off);
                }
                _ => self.remove(at),
            }
            self.announce(cx.out);
            return;
        }
        entry.turn = Turn::None;
        if was_stable {
            entry.tries = 0;
        }
        if entry.tries >= MAX_TRIES {
            return;
        }
        let wait = wait(entry.tries, cx);
        entry.tries += 1;
        let again_at = later(cx.here.now, wait);
        if let Some(before) = entry.again_at.replace(again_at) {
            self.socket.again.remove(&(before, target));
        }
        self.socket.again.insert((again_at, target));
    }

    /// Whether the peer had it long enough that a new failure does not count with earlier ones.
    fn was_stable(&self, at: usize, cx: &Context<'_>) -> bool {
        let entry = self.entries.get(at);
        entry.is_some_and(|entry| {
            let since = entry.since.unwrap_or(cx.here.now);
            let age = cx.here.now.saturating_duration_since(since);
            entry.state == SubscriptionState::Active && age >= cx.here.slow
        })
    }

    /// Nothing is sent on this socket any more.
    pub fn end(&mut self) {
        self.socket.stage = Stage::Over;
        self.socket.turns.clear();
        self.socket.again.clear();
    }
}

/// The delay of a key after this many failures.
fn wait(tries: u8, cx: &Context<'_>) -> Duration {
    let Some(settings) = cx.here.backoff else {
        return cx.here.slow;
    };
    let mut random = [0; size_of::<u64>()];
    cx.here.random.fill(&mut random);
    let longest = cap(settings, u32::from(tries));
    delay(settings, longest, u64::from_ne_bytes(random))
}
