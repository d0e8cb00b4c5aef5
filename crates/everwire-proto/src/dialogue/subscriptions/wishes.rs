//! Holding, releasing and repeating keys.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    entry::{Entry, Turn},
    holder::Holder,
    holders::Holders,
    keys::{Subscriptions, USUAL},
    on_socket::Stage,
    refused::HoldRefused,
    seeing::Seeing,
    state::SubscriptionState,
    timing::MAX_TRIES,
};
use crate::{
    dialogue::{context::Context, reply::Reply},
    settings::dialogue::{
        DeclaredSubscription, Dialogue, MAX_EXPECTED, MAX_ITEM, MAX_SUBSCRIPTION_KEY,
    },
};

impl Subscriptions {
    /// Adds the subscriptions of the settings, before there is a socket.
    pub(super) fn add_declared(
        &mut self,
        declared: &Arc<DeclaredSubscription>,
        dialogue: &Dialogue,
    ) {
        match self.keys.get(&declared.key).copied() {
            Some(known) => {
                if let Some(entry) = self.entries.get_mut(known) {
                    entry.holders.add(Holder::File);
                }
            }
            None => {
                self.insert(declared, Holders::of(Holder::File), dialogue);
            }
        }
    }

    fn insert(
        &mut self,
        declared: &Arc<DeclaredSubscription>,
        holders: Holders,
        dialogue: &Dialogue,
    ) -> usize {
        let form = match &declared.words {
            None => USUAL,
            Some(words) => {
                let is_foreign = !holders.has(Holder::File);
                self.add_form(words, dialogue, is_foreign)
            }
        };
        if let Some(form) = self.forms.get_mut(form) {
            form.users += 1;
        }
        self.orders += 1;
        let entry = Entry::new(Arc::clone(declared), form, holders, self.orders);
        let at = self.entries.insert(entry);
        self.keys.insert(Arc::clone(&declared.key), at);
        self.counts.wanted += 1;
        at
    }

    /// A holder wants a key.
    pub fn hold(
        &mut self,
        declared: &Arc<DeclaredSubscription>,
        holder: Holder,
        cx: &mut Context<'_>,
    ) -> Result<(), HoldRefused> {
        check(declared)?;
        let known = self.keys.get(&declared.key).copied();
        let known = known.and_then(|at| Some((at, self.entries.get(at)?)));
        let mut comes_back = None;
        if let Some((at, entry)) = known {
            match (entry.is_of(declared), entry.is_leaving()) {
                (true, false) => {
                    self.hold_again(at, holder, cx);
                    return Ok(());
                }
                (true, true) => comes_back = Some(at),
                // What comes after its `off` is a new subscription.
                (false, true) => {}
                (false, false) => {
                    let key = Arc::clone(&declared.key);
                    return Err(HoldRefused::OtherItem { key });
                }
            }
        }
        let settings = cx.dialogue.subscribe.as_ref();
        let max = settings.map_or(0, |settings| settings.max.get());
        // A subscription that was given up does not count any more.
        if holder != Holder::File && self.len() >= max as usize {
            return Err(HoldRefused::TooMany { max });
        }
        if let Some(at) = comes_back {
            self.come_back(at, holder, cx);
            return Ok(());
        }
        if holder != Holder::File && !self.has_ears_for(declared) {
            return Err(HoldRefused::TooManyAnswers { max: MAX_EXPECTED });
        }
        let at = self.insert(declared, Holders::of(holder), cx.dialogue);
        self.want(at, cx);
        Ok(())
    }

    /// Whether its expectations exist already, or may be added.
    fn has_ears_for(&self, declared: &DeclaredSubscription) -> bool {
        let Some(words) = &declared.words else {
            return true;
        };
        let mut ears = self.ears.iter();
        self.ears.len() < MAX_EXPECTED || ears.any(|(_, ears)| ears.is_of(words, true))
    }

    /// A failed subscription is asked for again at once; any other gets one more holder.
    fn hold_again(&mut self, at: usize, holder: Holder, cx: &mut Context<'_>) {
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        entry.holders.add(holder);
        if entry.state.has_failed() {
            self.again(at, cx);
        }
    }

    /// It was given up, and the peer was not told yet, so it continues. Changes in the meantime are
    /// reported. If it is unknown whether the peer has it, that is reported, and it is asked for
    /// again.
    fn come_back(&mut self, at: usize, holder: Holder, cx: &mut Context<'_>) {
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        entry.holders.add(holder);
        entry.turn = Turn::None;
        *self.counts.of_mut(entry.state) += 1;
        let (state, text) = (entry.state, entry.text.clone());
        if self.socket.stage == Stage::Waiting {
            // It waits for a socket, as before.
            return;
        }
        if !state.is_on_the_wire() {
            self.set_state(at, state, text, cx);
            self.again(at, cx);
        } else if entry.is_untold {
            cx.out.push(Reply::Subscription(Box::new(entry.change())));
        }
    }

    /// Asks for it at once, like the first time.
    fn again(&mut self, at: usize, cx: &mut Context<'_>) {
        self.forget_again(at);
        if let Some(entry) = self.entries.get_mut(at) {
            entry.tries = 0;
        }
        self.set_state(at, SubscriptionState::Wanted, None, cx);
        self.want(at, cx);
    }

    /// Asks again, at once, for each failed one. Returns their number.
    pub fn retry(&mut self, cx: &mut Context<'_>) -> usize {
        let failed: Vec<usize> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.state.has_failed() && !entry.is_leaving())
            .map(|(at, _)| at)
            .collect();
        for at in &failed {
            self.again(*at, cx);
        }
        failed.len()
    }

    /// A holder releases a key. `true` if it has no holders any more.
    pub fn release(&mut self, key: &str, holder: Holder, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.keys.get(key).copied() else {
            return false;
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return false;
        };
        let is_gone = entry.holders.remove(holder) && entry.holders.is_empty();
        if is_gone {
            self.give_up(at, cx);
        }
        is_gone
    }

    /// Nobody wants it any more: the peer is told, if it was asked.
    fn give_up(&mut self, at: usize, cx: &mut Context<'_>) {
        self.ungate(at);
        self.forget_again(at);
        let is_live = self.is_live();
        let says_off = self
            .form_of(at)
            .is_some_and(|form| form.words.off.is_some() && is_live);
        let is_acknowledged = self
            .form_of(at)
            .is_some_and(|form| form.words.ack.is_some() || form.words.is_http());
        let is_ended_later = self.is_ended_later(at);
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        let count = self.counts.of_mut(entry.state);
        *count = count.saturating_sub(1);
        let is_open = entry.ask.is_some() && is_acknowledged;
        match entry.state {
            _ if is_ended_later => entry.turn = Turn::None,
            SubscriptionState::Sent if says_off && is_open => entry.turn = Turn::OffWhenAnswered,
            SubscriptionState::Sent | SubscriptionState::Active if says_off => {
                self.queue(at, Turn::Off);
            }
            _ if says_off && entry.may_be_there => self.queue(at, Turn::Off),
            _ => self.remove(at),
        }
        self.announce(cx.out);
    }

    /// The settings subscribe to other keys, in the same way.
    pub fn declare(&mut self, cx: &mut Context<'_>) {
        let dialogue = cx.dialogue;
        let Some(settings) = &dialogue.subscribe else {
            return;
        };
        if let Some(form) = self.forms.get_mut(USUAL) {
            form.words = Arc::clone(&settings.words);
        }
        let mut wanted: BTreeMap<&str, &Arc<DeclaredSubscription>> = settings
            .declared
            .iter()
            .map(|declared| (&*declared.key, declared))
            .collect();
        let mut held: Vec<(u64, Arc<str>)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.holders.has(Holder::File))
            .map(|(_, entry)| (entry.order, Arc::clone(entry.key())))
            .collect();
        held.sort_unstable();
        for (_, key) in held {
            match wanted.remove(&*key) {
                None => {
                    self.release(&key, Holder::File, cx);
                }
                Some(declared) => self.replace(declared, cx),
            }
        }
        for declared in &settings.declared {
            if wanted.contains_key(&*declared.key) {
                self.replace(declared, cx);
            }
        }
        self.announce(cx.out);
    }

    /// The settings define this key, whoever else holds it.
    fn replace(&mut self, declared: &Arc<DeclaredSubscription>, cx: &mut Context<'_>) {
        let known = self.keys.get(&declared.key).copied();
        let known = known.and_then(|at| Some((at, self.entries.get_mut(at)?)));
        let mut holders = Holders::of(Holder::File);
        if let Some((at, entry)) = known
            && !entry.is_leaving()
        {
            if entry.is_of(declared) {
                entry.holders.add(Holder::File);
                if declared.words.is_none() {
                    entry.declared = Arc::clone(declared);
                }
                return;
            }
            holders = std::mem::take(&mut entry.holders);
            holders.add(Holder::File);
            self.give_up(at, cx);
        }
        let is_back = known_to_leave(self, declared);
        if let Some(at) = is_back {
            return self.come_back(at, Holder::File, cx);
        }
        let at = self.insert(declared, holders, cx.dialogue);
        self.want(at, cx);
    }

    /// It is wanted: queues its request, if there is a socket and its `if` allows it.
    pub(super) fn want(&mut self, at: usize, cx: &mut Context<'_>) {
        if self.socket.stage != Stage::Live || self.is_left_out(at, cx) {
            return;
        }
        let key = self.entries.get(at).map(|entry| Arc::clone(entry.key()));
        if key.is_some_and(|key| self.is_being_left(&key)) {
            return;
        }
        let has_on = self.form_of(at).is_some_and(|form| form.words.on.is_some());
        match has_on {
            true => self.queue(at, Turn::On),
            // There is no request: the peer sends it by itself.
            false => self.activate(at, cx),
        }
        self.announce(cx.out);
    }

    /// Whether `if` leaves it out on this socket.
    pub(super) fn is_left_out(&self, at: usize, cx: &Context<'_>) -> bool {
        let (Some(entry), Some(form)) = (self.entries.get(at), self.form_of(at)) else {
            return true;
        };
        let Some(condition) = &form.words.condition else {
            return false;
        };
        let seeing = Seeing {
            words: &form.words,
            seen: None,
            number: None,
            filled: None,
            wants_item: false,
        };
        !seeing.of(entry, cx, |world| condition.holds(world))
    }

    /// Resets its failures.
    fn forget_again(&mut self, at: usize) {
        let Some(target) = self.target(at) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        if let Some(again_at) = entry.again_at.take() {
            self.socket.again.remove(&(again_at, target));
        }
        debug_assert!(entry.tries <= MAX_TRIES);
    }
}

/// A subscription of that key and item that was given up, before the peer was told.
fn known_to_leave(known: &Subscriptions, declared: &Arc<DeclaredSubscription>) -> Option<usize> {
    let at = *known.keys.get(&declared.key)?;
    let entry = known.entries.get(at)?;
    (entry.is_leaving() && entry.is_of(declared)).then_some(at)
}

fn check(declared: &DeclaredSubscription) -> Result<(), HoldRefused> {
    let too_long = |what, len, max| Err(HoldRefused::TooLong { what, len, max });
    let (key, item) = (declared.key.len(), declared.item.template().as_str().len());
    match () {
        () if key == 0 => Err(HoldRefused::NoKey),
        () if key > MAX_SUBSCRIPTION_KEY => too_long("key", key, MAX_SUBSCRIPTION_KEY),
        () if item > MAX_ITEM => too_long("item", item, MAX_ITEM),
        () => Ok(()),
    }
}
