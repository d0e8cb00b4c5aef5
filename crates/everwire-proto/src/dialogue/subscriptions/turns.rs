//! Sends `on` and `off`, for one key or several, each at its turn.

use std::time::Duration;

use super::{
    entry::{Entry, Like, Target, Turn},
    forms::Shape,
    holder::Holder,
    keys::{Subscriptions, USUAL},
    on_socket::{Gate, Stage},
};
use crate::{
    core::{Message, later},
    dialogue::{context::Context, reply::Reply},
    settings::{
        RateSettings,
        dialogue::{Asking, SubscriptionWords},
    },
};

/// The message whose turn has come.
pub(in crate::dialogue) struct Said {
    /// `None`: it is a call, which was returned as a reply.
    pub message: Option<Message>,
    /// Whether the next one waits for the same rates, so that its turn may come at once.
    pub goes_on: bool,
}

impl Subscriptions {
    /// Each key is wanted on this socket.
    fn begin(&mut self, cx: &mut Context<'_>) {
        self.socket.stage = Stage::Live;
        let mut wanted: Vec<(u64, usize)> = self
            .entries
            .iter()
            .map(|(at, entry)| (entry.order, at))
            .collect();
        wanted.sort_unstable();
        let mut gated = 0;
        for (_, at) in wanted {
            if self.entries.get(at).is_some_and(Entry::is_leaving) {
                self.end_continued(at, cx);
                continue;
            }
            if self.is_left_out(at, cx) {
                self.leave_out(at, cx);
                continue;
            }
            let is_successor = self.is_successor;
            let Some(entry) = self.entries.get_mut(at) else {
                continue;
            };
            (entry.captured, entry.number) = (None, None);
            entry.is_carried &= is_successor || cx.here.handover;
            let gates = entry.holders.has(Holder::File) || (is_successor && entry.is_carried);
            entry.gates = gates;
            gated += usize::from(gates);
            if gated > 0 && self.socket.gate.is_none() {
                self.socket.gate = Some(Gate {
                    left: 0,
                    of: 0,
                    since: cx.here.now,
                    until: later(cx.here.now, self.longest_within()),
                });
            }
            if let Some(gate) = self.socket.gate.as_mut().filter(|_| gates) {
                (gate.left, gate.of) = (gate.left + 1, gate.of + 1);
            }
            self.want(at, cx);
        }
    }

    /// The script has passed. Continues if that, or an awaited subscription, makes the name ready.
    pub fn go_on(&mut self, cx: &mut Context<'_>) {
        if self.socket.stage == Stage::Waiting {
            self.begin(cx);
            if self.socket.gate.is_none() {
                return cx.out.push(Reply::Passed);
            }
        }
        if self.socket.gate.is_some_and(|gate| gate.left == 0) {
            self.socket.gate = None;
            cx.out.push(Reply::Passed);
        }
    }

    /// Whether the subscriptions allow the name to be ready.
    pub fn have_passed(&self) -> bool {
        self.socket.stage != Stage::Waiting && self.socket.gate.is_none()
    }

    /// How many messages await an answer by their numbers.
    pub fn in_flight(&self) -> usize {
        self.socket.awaits_number
    }

    /// After a handover the peer continues what was active before.
    fn leave_out(&mut self, at: usize, cx: &mut Context<'_>) {
        let is_carried = self.entries.get(at).is_some_and(|entry| entry.is_carried);
        match is_carried && cx.here.handover {
            true => self.activate(at, cx),
            false => {
                if let Some(entry) = self.entries.get_mut(at) {
                    (entry.captured, entry.number) = (None, None);
                    entry.is_carried = false;
                }
            }
        }
    }

    /// The longest `within` of `subscribe`.
    fn longest_within(&self) -> Duration {
        let usual = self.forms.get(USUAL);
        usual.map_or(SubscriptionWords::WITHIN, |form| form.words.within)
    }

    /// The buckets that the next message waits for besides the connection's.
    pub fn rates(&mut self) -> &[RateSettings] {
        let front = self.front();
        let form = front.and_then(|target| self.form_of(target.at));
        form.map_or(&[], |form| &form.words.rate)
    }

    /// Whether the next message awaits an answer by its number.
    pub fn awaits_place(&self) -> bool {
        let next = self.socket.turns.front();
        let next = next.and_then(|target| Some((self.entry(*target)?, self.form_of(target.at)?)));
        next.is_some_and(|(entry, form)| {
            let ears = self.ears.get(form.ears);
            let ack = ears.and_then(|ears| ears.ack.as_ref());
            let is_call = form.words.is_http();
            entry.turn == Turn::On && !is_call && ack.is_some_and(|ack| ack.reads.id)
        })
    }

    /// Whether the next message is a call.
    pub fn calls(&mut self) -> bool {
        let Some(front) = self.front() else {
            return false;
        };
        let turn = self.entry(front).map(|entry| entry.turn);
        self.form_of(front.at).is_some_and(|form| {
            let asking = match turn {
                Some(Turn::Off) => &form.words.off,
                Some(_) | None => &form.words.on,
            };
            matches!(asking, Some(Asking::Http(_)))
        })
    }

    /// Whether the next message must wait for an answer to a call.
    pub fn waits_for_calls(&mut self) -> bool {
        self.has_all_calls() && self.calls()
    }

    /// The next message; `None`: there is none.
    pub fn compose(&mut self, cx: &mut Context<'_>) -> Option<Said> {
        self.socket.is_announced = false;
        while let Some(first) = self.front() {
            if !self.is_live() || self.waits_for_calls() {
                return None;
            }
            let form = self.entry(first)?.form;
            let message = match self.entry(first)?.turn {
                Turn::On => self.compose_on(first, cx),
                Turn::Off => self.compose_off(first, cx),
                Turn::None | Turn::OffWhenAnswered => None,
            };
            let Some(message) = message else {
                // Nothing was created, and its turn is over.
                self.skip(first);
                continue;
            };
            let goes_on = self.goes_on_like(form, message.is_none());
            match goes_on {
                true => self.socket.is_announced = true,
                false => self.announce(cx.out),
            }
            return Some(Said { message, goes_on });
        }
        None
    }

    /// Whether there is a message that waits for the same rates as this form.
    fn goes_on_like(&mut self, form: usize, was_call: bool) -> bool {
        let next = self.front().and_then(|target| self.form_of(target.at));
        let rate = next.map(|form| form.words.rate.clone());
        let is_call = self.calls();
        match (rate, self.forms.get(form)) {
            (Some(rate), Some(before)) => rate == before.words.rate && is_call == was_call,
            (Some(_), None) | (None, _) => false,
        }
    }

    /// The next entry, if it can share a message of this shape with the first one.
    pub(super) fn next_like(&mut self, first: Like, turn: Turn, shape: Shape) -> Option<Target> {
        let next = self.front()?;
        let entry = self.entry(next)?;
        let like = Like::of(entry);
        let is_same = like.is_carried == first.is_carried || !shape.reads.handover;
        (like.form == first.form && entry.turn == turn && is_same).then_some(next)
    }

    /// Its turn is over.
    pub(super) fn skip(&mut self, target: Target) {
        if self.socket.turns.front() == Some(&target) {
            self.socket.turns.pop_front();
            if let Some(entry) = self.entries.get_mut(target.at) {
                entry.turn = Turn::None;
            }
        }
    }

    /// The kernel has this many of the created messages.
    pub fn written(&mut self, messages: u64, cx: &mut Context<'_>) {
        for _ in 0..messages {
            let Some(number) = self.socket.made.pop_front() else {
                return;
            };
            self.was_written(number, cx);
        }
    }

    fn was_written(&mut self, number: u64, cx: &mut Context<'_>) {
        let Some(ask) = self.socket.asks.get_mut(&number) else {
            return;
        };
        let Some(form) = self.forms.get(ask.form) else {
            return;
        };
        let (has_ack, has_fail) = (form.words.ack.is_some(), form.words.fail.is_some());
        let until = later(cx.here.now, form.words.within);
        if has_ack || has_fail {
            ask.until = Some(until);
            self.socket.due.insert((until, number));
        }
        if has_ack {
            return;
        }
        let targets = self.unanswered(number);
        for target in targets {
            if self.entry(target).is_some() {
                self.activate(target.at, cx);
            }
        }
        if !has_fail {
            self.forget_ask(number);
        }
    }
}
