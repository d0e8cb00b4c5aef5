//! What is said of keys, each when its turn has come: `on` and `off`, alone or for several.

use std::{mem, num::NonZeroU64, sync::Arc, time::Duration};

use super::{
    entry::{Target, Turn},
    holder::Holder,
    keys::{Seeing, Subscriptions, USUAL},
    on_socket::{Ask, Gate, Stage},
    state::SubscriptionState,
    world::{KeyWorld, array, filled},
};
use crate::{
    core::{Cause, Message, later},
    dialogue::{
        context::{Context, Filled, fill},
        reply::Reply,
        report,
    },
    language::{FilledLets, Step, Unfilled, Value},
    settings::{
        RateSettings,
        dialogue::{Asking, Sending, SubscriptionWords},
    },
};

/// The message of keys whose turn has come.
pub(in crate::dialogue) struct Said {
    pub message: Message,
    /// Whether the next one waits for the same rates, so that its turn may come at once.
    pub goes_on: bool,
}

impl Subscriptions {
    /// The script has passed: each key is wanted on this socket.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        if self.socket.stage != Stage::Waiting {
            return;
        }
        self.socket.stage = Stage::Live;
        let mut wanted: Vec<(u64, usize)> = self
            .entries
            .iter()
            .map(|(at, entry)| (entry.order, at))
            .collect();
        wanted.sort_unstable();
        let mut gated = 0;
        for (_, at) in wanted {
            if self.is_left_out(at, cx) {
                self.leave_out(at, cx);
                continue;
            }
            let is_successor = self.is_successor;
            let Some(entry) = self.entries.get_mut(at) else {
                continue;
            };
            (entry.captured, entry.number) = (None, None);
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

    /// On a handover the peer goes on with what was active before.
    fn leave_out(&mut self, at: usize, cx: &mut Context<'_>) {
        let is_carried = self.entries.get(at).is_some_and(|entry| entry.is_carried);
        match is_carried && cx.here.handover {
            true => self.activate(at, cx),
            false => {
                if let Some(entry) = self.entries.get_mut(at) {
                    (entry.captured, entry.number) = (None, None);
                }
            }
        }
    }

    /// `within` of `subscribe`.
    fn longest_within(&self) -> Duration {
        let usual = self.forms.get(USUAL);
        usual.map_or(SubscriptionWords::WITHIN, |form| form.words.within)
    }

    /// The buckets that what is said next waits for besides the connection's.
    pub fn rates(&mut self) -> &[RateSettings] {
        let front = self.front();
        let form = front.and_then(|target| self.form_of(target.at));
        form.map_or(&[], |form| &form.words.rate)
    }

    /// Whether what is said next may be written, as far as those go that await an answer by their numbers.
    pub fn awaits_place(&self) -> bool {
        let next = self.socket.turns.front();
        let next = next.and_then(|target| Some((self.entry(*target)?, self.form_of(target.at)?)));
        next.is_some_and(|(entry, form)| {
            let ears = self.ears.get(form.ears);
            let ack = ears.and_then(|ears| ears.ack);
            entry.turn == Turn::On && ack.is_some_and(|ack| ack.reads.id)
        })
    }

    /// What is said next. `None`: nothing.
    pub fn compose(&mut self, cx: &mut Context<'_>) -> Option<Said> {
        self.socket.is_announced = false;
        while let Some(first) = self.front() {
            if !self.is_live() {
                return None;
            }
            let form = self.entry(first)?.form;
            let message = match self.entry(first)?.turn {
                Turn::On => self.compose_on(first, cx),
                Turn::Off => self.compose_off(first, cx),
                Turn::None | Turn::OffWhenAnswered => None,
            };
            let Some(message) = message else {
                continue;
            };
            let goes_on = self.goes_on_like(form);
            match goes_on {
                true => self.socket.is_announced = true,
                false => self.announce(cx.out),
            }
            return Some(Said { message, goes_on });
        }
        None
    }

    /// Whether there is something to say that waits for the same rates as this form.
    fn goes_on_like(&mut self, form: usize) -> bool {
        let next = self.front().and_then(|target| self.form_of(target.at));
        match (next, self.forms.get(form)) {
            (Some(next), Some(before)) => next.words.rate == before.words.rate,
            (Some(_), None) | (None, _) => false,
        }
    }

    /// Takes the turns of keys for which one message speaks: those that stand together.
    fn take_batch(&mut self, first: Target, most: usize) -> Vec<Target> {
        let Some((form, turn)) = self.entry(first).map(|entry| (entry.form, entry.turn)) else {
            return Vec::new();
        };
        let mut taken = Vec::new();
        while taken.len() < most.max(1)
            && let Some(next) = self.front()
            && self
                .entry(next)
                .is_some_and(|entry| entry.form == form && entry.turn == turn)
        {
            self.socket.turns.pop_front();
            if let Some(entry) = self.entries.get_mut(next.at) {
                entry.turn = Turn::None;
            }
            taken.push(next);
        }
        taken
    }

    fn compose_on(&mut self, first: Target, cx: &mut Context<'_>) -> Option<Message> {
        let form = self.form_of(first.at)?;
        let (words, shape) = (Arc::clone(&form.words), form.on);
        let targets = self.take_batch(first, shape.batch);
        let number = cx.ids.next();
        let mut items = Vec::with_capacity(targets.len());
        let mut asked = Vec::with_capacity(targets.len());
        for target in targets {
            match self.item_of(target, &words, shape.reads.items || shape.reads.item, cx) {
                Ok(item) => {
                    items.extend(item);
                    asked.push(target);
                }
                Err(unfilled) => self.unfilled(&[target], &words, &unfilled, cx),
            }
        }
        if asked.is_empty() {
            return None;
        }
        let Some(Asking::Send(sending)) = &words.on else {
            return None;
        };
        let made = self.make(sending, &words, &asked, items, number, cx);
        let (Filled { message, secrets }, filled) = match made {
            Ok(made) => made,
            Err(unfilled) => {
                self.unfilled(&asked, &words, &unfilled, cx);
                return None;
            }
        };
        cx.captures.remember_sent(secrets);
        let number = cx.ids.take();
        self.asked(number, asked, filled, cx);
        self.socket.made.push_back(number);
        Some(message)
    }

    /// These were asked for under this number.
    fn asked(
        &mut self,
        number: u64,
        targets: Vec<Target>,
        filled: FilledLets,
        cx: &mut Context<'_>,
    ) {
        let Some(form) = targets
            .first()
            .and_then(|first| self.entry(*first)?.form.into())
        else {
            return;
        };
        let mut awaits_number = false;
        let ears = self.forms.get(form).map(|form| form.ears);
        if let Some(ears) = ears.and_then(|ears| self.ears.get_mut(ears)) {
            ears.asked += 1;
            awaits_number = ears.ack.is_some_and(|ack| ack.reads.id);
        }
        self.socket.awaits_number += usize::from(awaits_number);
        for target in &targets {
            if let Some(entry) = self.entries.get_mut(target.at) {
                entry.ask = NonZeroU64::new(number);
                entry.number = NonZeroU64::new(number);
                entry.captured = None;
            }
            self.set_state(target.at, SubscriptionState::Sent, None, cx);
        }
        self.socket.asks.insert(
            number,
            Ask {
                form,
                targets,
                filled,
                awaits_number,
            },
        );
    }

    fn compose_off(&mut self, first: Target, cx: &mut Context<'_>) -> Option<Message> {
        let form = self.form_of(first.at)?;
        let (words, shape) = (Arc::clone(&form.words), form.off);
        let targets = self.take_batch(first, shape.batch);
        let number = cx.ids.next();
        let mut items = Vec::with_capacity(targets.len());
        for target in &targets {
            // What cannot be filled now was not filled when it was asked for either.
            let wants = shape.reads.items || shape.reads.item;
            items.extend(self.item_of(*target, &words, wants, cx).ok().flatten());
        }
        let made = match &words.off {
            Some(Asking::Send(sending)) => {
                Some(self.make(sending, &words, &targets, items, number, cx))
            }
            Some(Asking::Http(_)) | None => None,
        };
        for target in &targets {
            self.remove(target.at);
        }
        match made? {
            Ok((Filled { message, secrets }, _)) => {
                cx.captures.remember_sent(secrets);
                cx.ids.take();
                self.socket.made.push_back(0);
                Some(message)
            }
            Err(unfilled) => {
                let text = format!("`off` of a subscription cannot be sent: {unfilled}");
                cx.out.push(Reply::Error(Cause::Template(text)));
                None
            }
        }
    }

    /// What the item of a key comes to now.
    fn item_of(
        &self,
        target: Target,
        words: &SubscriptionWords,
        is_wanted: bool,
        cx: &Context<'_>,
    ) -> Result<Option<Value<'static>>, Unfilled> {
        let Some(entry) = self.entry(target).filter(|_| is_wanted) else {
            return Ok(None);
        };
        let seeing = Seeing {
            words,
            seen: None,
            number: None,
            filled: None,
            wants_item: false,
        };
        let item = seeing.of(entry, cx, |world| filled(&entry.declared.item, world));
        item.map(Some)
    }

    /// The message for these keys, and what it was made of.
    fn make(
        &self,
        sending: &Sending,
        words: &SubscriptionWords,
        targets: &[Target],
        items: Vec<Value<'static>>,
        number: u64,
        cx: &Context<'_>,
    ) -> Result<(Filled, FilledLets), Unfilled> {
        let around = cx.world(None, Some(number));
        let alone = match targets {
            [target] => self.entry(*target),
            _ => None,
        };
        let array = array(&items);
        let world = KeyWorld {
            around: &around,
            key: alone.map(|entry| &**entry.key()),
            item: alone.and(items.first()),
            items: Some(&array),
            number: alone.and_then(|entry| entry.number).map(NonZeroU64::get),
            captures: &words.capture,
            captured: alone
                .and_then(|entry| entry.captured.as_deref())
                .unwrap_or_default(),
        };
        let lets = Step::new(&world, &cx.dialogue.lets);
        let made = fill(sending, &lets)?;
        let filled = lets.into_filled();
        // What looks into messages comes to something else when one is there.
        let stays = !around.was_asked_for_message();
        Ok((made, if stays { filled } else { FilledLets::default() }))
    }

    /// What would be said of these cannot be made.
    fn unfilled(
        &mut self,
        targets: &[Target],
        words: &SubscriptionWords,
        unfilled: &Unfilled,
        cx: &mut Context<'_>,
    ) {
        let on = match &words.on {
            Some(Asking::Send(sending)) => report::sending(sending),
            Some(Asking::Http(_)) | None => String::new(),
        };
        let text: Box<str> = format!("{on} cannot be sent: {unfilled}").into();
        for target in targets {
            let text = Some(text.clone());
            self.fail(target.at, SubscriptionState::Refused, text, cx);
        }
    }

    /// The kernel has so many of the messages that were made.
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
            self.socket.due.insert((until, number));
        }
        if has_ack {
            return;
        }
        let targets = match has_fail {
            // What says that they are refused may still come.
            true => ask.targets.clone(),
            false => mem::take(&mut ask.targets),
        };
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
