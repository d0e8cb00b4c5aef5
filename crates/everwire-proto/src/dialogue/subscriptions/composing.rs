//! Creates `on` and `off` messages, for one key or several.

use std::{fmt, num::NonZeroU64, sync::Arc};

use super::{
    entry::{Like, Target, Turn},
    keys::Subscriptions,
    on_socket::Ask,
    seeing::Seeing,
    state::SubscriptionState,
    world::{KeyWorld, array, filled},
};
use crate::{
    core::{Cause, Message},
    dialogue::{
        context::{Context, Filled, fill},
        reply::Reply,
        report,
    },
    language::{FilledLets, Step, Unfilled, Value, World},
    settings::dialogue::{Asking, SubscriptionWords},
};

/// Keys that share one message, or one call.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub words: &'a SubscriptionWords,
    pub targets: &'a [Target],
    /// The rendered items.
    pub items: &'a [Value<'static>],
}

impl Subscriptions {
    pub(super) fn compose_on(
        &mut self,
        first: Target,
        cx: &mut Context<'_>,
    ) -> Option<Option<Message>> {
        let form = self.form_of(first.at)?;
        let (words, shape) = (Arc::clone(&form.words), form.on);
        let number = cx.ids.next();
        let (mut asked, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        let like = Like::of(self.entry(first)?);
        while asked.len() < shape.batch.max(1)
            && let Some(next) = self.next_like(like, Turn::On, shape)
        {
            let key = self.entry(next).map(|entry| Arc::clone(entry.key()));
            if key.is_some_and(|key| self.is_being_left(&key)) {
                // It is asked for once that call is answered.
                self.skip(next);
                continue;
            }
            let wants = shape.reads.items || shape.reads.item;
            let item = self.item_of(next, &words, wants, cx);
            bytes += item.as_ref().map_or(0, |item| length(item.as_ref()));
            if bytes > cx.here.max_message / 2 && !asked.is_empty() {
                // It goes into the next message.
                break;
            }
            self.skip(next);
            match item {
                Ok(item) => {
                    items.extend(item);
                    asked.push(next);
                }
                Err(unfilled) => self.unfilled(&[next], &words, &unfilled, cx),
            }
        }
        if asked.is_empty() {
            return None;
        }
        let batch = Batch {
            words: &words,
            targets: &asked,
            items: &items,
        };
        match &words.on {
            Some(Asking::Send(sending)) => {
                let made = self.look(&batch, number, cx, |world| fill(sending, world));
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
                Some(Some(message))
            }
            Some(Asking::Http(request)) => self.call_on(request, batch, cx).then_some(None),
            None => None,
        }
    }

    /// These keys were asked for under this number.
    pub(super) fn asked(
        &mut self,
        number: u64,
        targets: Vec<Target>,
        filled: FilledLets,
        cx: &mut Context<'_>,
    ) {
        let first = targets.first().and_then(|first| self.entry(*first));
        let Some(form) = first.map(|entry| entry.form) else {
            return;
        };
        let mut awaits_number = false;
        let ears = self.forms.get(form).map(|form| form.ears);
        if let Some(ears) = ears.and_then(|ears| self.ears.get_mut(ears)) {
            ears.asked += 1;
            awaits_number =
                ears.hears_answers() && ears.ack.as_ref().is_some_and(|ack| ack.reads.id);
        }
        self.socket.awaits_number += usize::from(awaits_number);
        for target in &targets {
            if let Some(entry) = self.entries.get_mut(target.at) {
                entry.ask = NonZeroU64::new(number);
                entry.number = NonZeroU64::new(number);
                entry.captured = None;
                entry.is_carried = false;
            }
            self.set_state(target.at, SubscriptionState::Sent, None, cx);
        }
        self.socket.asks.insert(
            number,
            Ask {
                form,
                left: targets.len(),
                targets,
                filled,
                awaits_number,
                until: None,
            },
        );
    }

    pub(super) fn compose_off(
        &mut self,
        first: Target,
        cx: &mut Context<'_>,
    ) -> Option<Option<Message>> {
        let form = self.form_of(first.at)?;
        let (words, shape) = (Arc::clone(&form.words), form.off);
        let number = cx.ids.next();
        let (mut targets, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        let like = Like::of(self.entry(first)?);
        while targets.len() < shape.batch.max(1)
            && let Some(next) = self.next_like(like, Turn::Off, shape)
        {
            // What cannot be rendered now could not be rendered for the request either.
            let wants = shape.reads.items || shape.reads.item;
            let item = self.item_of(next, &words, wants, cx).ok().flatten();
            bytes += length(item.as_ref());
            if bytes > cx.here.max_message / 2 && !targets.is_empty() {
                break;
            }
            self.skip(next);
            items.extend(item);
            targets.push(next);
        }
        let batch = Batch {
            words: &words,
            targets: &targets,
            items: &items,
        };
        let said = match &words.off {
            Some(Asking::Send(sending)) => {
                match self.look(&batch, number, cx, |world| fill(sending, world)) {
                    Ok((Filled { message, secrets }, _)) => {
                        cx.captures.remember_sent(secrets);
                        cx.ids.take();
                        self.socket.made.push_back(0);
                        Some(Some(message))
                    }
                    Err(unfilled) => {
                        let text = format!("`off` of a subscription cannot be sent: {unfilled}");
                        cx.out.push(Reply::Error(Cause::Template(text)));
                        None
                    }
                }
            }
            Some(Asking::Http(request)) => {
                self.call_off(request, batch, cx);
                Some(None)
            }
            None => None,
        };
        for target in &targets {
            self.remove(target.at);
        }
        said
    }

    /// The current item of a key.
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

    /// Provides the values of these keys for rendering; returns what was used.
    pub(super) fn look<T, E>(
        &self,
        batch: &Batch<'_>,
        number: u64,
        cx: &Context<'_>,
        look: impl FnOnce(&dyn World) -> Result<T, E>,
    ) -> Result<(T, FilledLets), E> {
        let Batch {
            words,
            targets,
            items,
        } = *batch;
        let around = cx.world(None, Some(number));
        let alone = match targets {
            [target] => self.entry(*target),
            _ => None,
        };
        let first = targets.first().and_then(|first| self.entry(*first));
        let array = array(items);
        let world = KeyWorld {
            around: &around,
            key: alone.map(|entry| &**entry.key()),
            item: alone.and(items.first()),
            items: Some(&array),
            number: alone.and_then(|entry| entry.number).map(NonZeroU64::get),
            // The same for all of them, if it is read.
            is_carried: first.is_some_and(|entry| entry.is_carried),
            captures: &words.capture,
            captured: alone
                .and_then(|entry| entry.captured.as_deref())
                .unwrap_or_default(),
        };
        let lets = Step::new(&world, &cx.dialogue.lets);
        let made = look(&lets)?;
        let filled = lets.into_filled();
        // Values that depend on messages change when one comes.
        let stays = !around.was_asked_for_message();
        Ok((made, if stays { filled } else { FilledLets::default() }))
    }

    /// The message for these keys cannot be rendered.
    pub(super) fn unfilled(
        &mut self,
        targets: &[Target],
        words: &SubscriptionWords,
        unfilled: &dyn fmt::Display,
        cx: &mut Context<'_>,
    ) {
        let on = match &words.on {
            Some(Asking::Send(sending)) => report::sending(sending),
            Some(Asking::Http(request)) => report::http(request),
            None => String::new(),
        };
        let text: Box<str> = format!("{on} cannot be sent: {unfilled}").into();
        for target in targets {
            let text = Some(text.clone());
            self.fail(target.at, SubscriptionState::Refused, text, cx);
        }
    }
}

/// The size of an item in bytes.
fn length(item: Option<&Value<'_>>) -> usize {
    let text = item.and_then(Value::as_text);
    text.map_or(0, |text| text.len())
}
