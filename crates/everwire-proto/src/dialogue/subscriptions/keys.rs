//! The wanted keys, their holders, and their states.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use super::{
    ears::{Condition, Ears, Way},
    entry::{Entry, Target, Turn},
    forms::Form,
    on_socket::{OnSocket, Stage},
    seeing::Seeing,
    state::SubscriptionState,
    status::SubscriptionCounts,
    world::as_peer_writes,
};
use crate::{
    dialogue::{context::Context, reply::Reply},
    settings::dialogue::{Dialogue, SubscriptionWords},
};

/// The subscriptions of a name: the wanted keys, their holders, and their states on the socket.
#[derive(Debug)]
pub(in crate::dialogue) struct Subscriptions {
    pub(super) entries: Slab<Entry>,
    /// By their keys. A subscription that is given up may exist beside a new one of the same key.
    pub(super) keys: HashMap<Arc<str>, usize>,
    /// The settings of keys. The first is `subscribe` itself.
    pub(super) forms: Slab<Form>,
    pub(super) ears: Slab<Ears>,
    /// The states of the wanted ones.
    pub(super) counts: SubscriptionCounts,
    pub(super) orders: u64,
    pub(super) socket: OnSocket,
    /// Whether the socket replaces another one: then it waits for what was active there.
    pub(super) is_successor: bool,
    /// Whether the other one is still in use.
    pub(super) is_beside: bool,
}

/// The index of `subscribe` itself.
pub(super) const USUAL: usize = 0;

impl Subscriptions {
    /// Only the settings' own subscriptions; `None`: they do not say how to subscribe.
    pub fn of(dialogue: &Dialogue) -> Option<Box<Self>> {
        let settings = dialogue.subscribe.as_ref()?;
        let mut subscriptions = Box::new(Self {
            entries: Slab::new(),
            keys: HashMap::new(),
            forms: Slab::new(),
            ears: Slab::new(),
            counts: SubscriptionCounts::default(),
            orders: 0,
            socket: OnSocket::default(),
            is_successor: false,
            is_beside: false,
        });
        subscriptions.add_form(&settings.words, dialogue, false);
        for declared in &settings.declared {
            subscriptions.add_declared(declared, dialogue);
        }
        Some(subscriptions)
    }

    /// For a successor's socket.
    pub fn successor(&self) -> Box<Self> {
        let mut successor = Box::new(Self {
            entries: self.entries.clone(),
            keys: self.keys.clone(),
            forms: self.forms.clone(),
            ears: self
                .ears
                .iter()
                .map(|(at, ears)| (at, ears.unused()))
                .collect(),
            counts: SubscriptionCounts::default(),
            orders: self.orders,
            socket: OnSocket {
                is_fresh: self.socket.is_fresh,
                ..OnSocket::default()
            },
            is_successor: true,
            is_beside: true,
        });
        successor.forget_socket();
        (successor.is_successor, successor.is_beside) = (true, true);
        for (_, entry) in &mut successor.entries {
            entry.routed = 0;
        }
        successor
    }

    /// The socket is gone, with all its requests.
    pub fn forget_socket(&mut self) {
        let continues = !std::mem::take(&mut self.socket).is_fresh;
        (self.is_successor, self.is_beside) = (false, false);
        for (_, entry) in &mut self.entries {
            entry.forget_socket(continues);
        }
        for (_, ears) in &mut self.ears {
            ears.forget_socket();
        }
        self.forget_left();
        let wanted = self.entries.iter().filter(|(_, it)| !it.is_leaving());
        self.counts = SubscriptionCounts {
            wanted: wanted.count(),
            ..SubscriptionCounts::default()
        };
    }

    /// A new socket has opened. `is_handover`: the peer continues on it what was active before.
    pub fn open(&mut self, is_handover: bool) {
        if self.socket.stage != Stage::Waiting || self.socket.is_fresh {
            // The previous one ended without a report.
            self.forget_socket();
        }
        self.socket = OnSocket {
            is_fresh: !is_handover,
            ..OnSocket::default()
        };
        if !is_handover {
            for (_, entry) in &mut self.entries {
                entry.may_be_there = false;
            }
        }
    }

    /// Its socket becomes the current one: reports states that differ from before.
    pub fn follow(&mut self, before: &Self, out: &mut Vec<Reply>) {
        self.is_beside = false;
        if !self.socket.is_fresh {
            self.settle_continued(before);
        }
        for (_, entry) in &mut self.entries {
            let known = before.keys.get(entry.key());
            let known = known.and_then(|at| before.entries.get(*at));
            let was = known.map_or(SubscriptionState::Wanted, |known| known.state);
            entry.routed += known.map_or(0, |known| known.routed);
            let is_untold = was != entry.state || known.is_some_and(|known| known.is_untold);
            if entry.is_leaving() {
                entry.is_untold = is_untold;
            } else if is_untold {
                out.push(Reply::Subscription(Box::new(entry.change())));
            }
        }
        self.announce(out);
    }

    /// How many are wanted.
    pub fn len(&self) -> usize {
        self.counts.total()
    }

    /// Whether messages can be sent now.
    pub(super) fn is_live(&self) -> bool {
        self.socket.stage == Stage::Live
    }

    pub(super) fn target(&self, at: usize) -> Option<Target> {
        let order = self.entries.get(at)?.order;
        Some(Target { at, order })
    }

    /// The subscription that is meant, if it still exists.
    pub(super) fn entry(&self, target: Target) -> Option<&Entry> {
        let entry = self.entries.get(target.at)?;
        (entry.order == target.order).then_some(entry)
    }

    /// Its form.
    pub(super) fn form_of(&self, at: usize) -> Option<&Form> {
        self.forms.get(self.entries.get(at)?.form)
    }

    /// Its expectations.
    pub(super) fn ears_of(&self, at: usize) -> Option<&Ears> {
        self.ears.get(self.form_of(at)?.ears)
    }

    /// The form of these settings. `is_foreign`: the dialogue does not know them.
    pub(super) fn add_form(
        &mut self,
        words: &Arc<SubscriptionWords>,
        dialogue: &Dialogue,
        is_foreign: bool,
    ) -> usize {
        let known = self
            .forms
            .iter()
            .find(|(_, form)| Arc::ptr_eq(&form.words, words));
        if let Some((at, _)) = known {
            return at;
        }
        let known = self
            .ears
            .iter()
            .find(|(_, ears)| ears.is_of(words, is_foreign));
        let ears = match known {
            Some((at, _)) => at,
            None => self
                .ears
                .insert(Ears::new(words, &dialogue.lets, is_foreign)),
        };
        if let Some(ears) = self.ears.get_mut(ears) {
            ears.users += 1;
        }
        self.forms
            .insert(Form::new(Arc::clone(words), ears, &dialogue.lets))
    }

    fn release_form(&mut self, at: usize) {
        let Some(form) = self.forms.get_mut(at) else {
            return;
        };
        form.users = form.users.saturating_sub(1);
        if form.users > 0 || at == USUAL {
            return;
        }
        let form = self.forms.remove(at);
        if let Some(ears) = self.ears.get_mut(form.ears) {
            ears.users = ears.users.saturating_sub(1);
            if ears.users == 0 {
                self.ears.remove(form.ears);
            }
        }
    }

    /// Removes it.
    pub(super) fn remove(&mut self, at: usize) {
        self.unlink(at);
        self.forget_ask_of(at);
        let Some(entry) = self.entries.try_remove(at) else {
            return;
        };
        if self.keys.get(entry.key()) == Some(&at) {
            self.keys.remove(entry.key());
        }
        if let Some(again_at) = entry.again_at {
            let order = entry.order;
            self.socket.again.remove(&(again_at, Target { at, order }));
        }
        self.release_form(entry.form);
    }

    /// Changes its state.
    pub(super) fn set_state(
        &mut self,
        at: usize,
        state: SubscriptionState,
        text: Option<Box<str>>,
        cx: &mut Context<'_>,
    ) {
        if state != SubscriptionState::Active {
            self.unlink(at);
        }
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        let before = std::mem::replace(&mut entry.state, state);
        entry.text = text;
        entry.since = Some(cx.here.now);
        if entry.is_leaving() {
            entry.is_untold = true;
        } else {
            let before = self.counts.of_mut(before);
            *before = before.saturating_sub(1);
            *self.counts.of_mut(state) += 1;
            cx.out.push(Reply::Subscription(Box::new(entry.change())));
        }
        let is_decided = !matches!(state, SubscriptionState::Wanted | SubscriptionState::Sent);
        if is_decided {
            self.ungate(at);
        }
    }

    /// Replaces its text by one without secrets.
    pub(super) fn redact(&mut self, key: &str, text: &str) {
        let at = self.keys.get(key).copied();
        if let Some(entry) = at.and_then(|at| self.entries.get_mut(at)) {
            entry.text = Some(text.into());
        }
    }

    /// It is not awaited any more.
    pub(super) fn ungate(&mut self, at: usize) {
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        if std::mem::take(&mut entry.gates)
            && let Some(gate) = &mut self.socket.gate
        {
            gate.left = gate.left.saturating_sub(1);
        }
    }

    /// The peer has accepted it: from now on its messages are recognised.
    pub(super) fn activate(&mut self, at: usize, cx: &mut Context<'_>) {
        self.unlink(at);
        let (route, end) = self.names_for_peer(at, cx);
        if let Some(form) = self.form_of(at) {
            let ears = form.ears;
            if let Some(ears) = self.ears.get_mut(ears) {
                ears.active += 1;
                if let Some(end) = &end {
                    ears.add_end(end, at);
                }
            }
        }
        if let Some(route) = &route {
            self.socket.routes.insert(route.clone(), at);
        }
        if let Some(entry) = self.entries.get_mut(at) {
            (entry.route, entry.end, entry.is_linked) = (route, end, true);
            entry.may_be_there = false;
        }
        self.set_state(at, SubscriptionState::Active, None, cx);
    }

    /// Its messages are not recognised any more.
    pub(super) fn unlink(&mut self, at: usize) {
        let Some(entry) = self.entries.get_mut(at).filter(|entry| entry.is_linked) else {
            return;
        };
        entry.is_linked = false;
        let (route, end, form) = (entry.route.take(), entry.end.take(), entry.form);
        if let Some(route) = route {
            self.socket.routes.remove(&route, at);
        }
        let ears = self.forms.get(form).map(|form| form.ears);
        if let Some(ears) = ears.and_then(|ears| self.ears.get_mut(ears)) {
            ears.active = ears.active.saturating_sub(1);
            if let Some(end) = &end {
                ears.remove_end(end, at);
            }
        }
    }

    /// The peer's name for it in messages, and the value by which `end` distinguishes it.
    fn names_for_peer(&self, at: usize, cx: &Context<'_>) -> (Option<Arc<str>>, Option<Box<str>>) {
        let (Some(entry), Some(ears)) = (self.entries.get(at), self.ears_of(at)) else {
            return (None, None);
        };
        let words = &ears.words;
        if words.route.is_none() && ears.end.is_none() {
            return (None, None);
        }
        let seeing = Seeing {
            words,
            seen: None,
            number: None,
            filled: None,
            wants_item: true,
        };
        seeing.of(entry, cx, |world| {
            let route = words.route.as_ref();
            let route = route.and_then(|route| route.id.render(world).ok());
            let end = match &ears.end {
                Some(Condition {
                    way: Way::Name(name, _),
                    ..
                }) => as_peer_writes(&world.name(*name)),
                Some(Condition {
                    way: Way::Number(_),
                    ..
                }) => entry.number.map(|number| number.to_string().into()),
                Some(_) | None => None,
            };
            (route.map(|route| route.into_text().into()), end)
        })
    }

    /// Queues a message about it.
    pub(super) fn queue(&mut self, at: usize, turn: Turn) {
        let Some(target) = self.target(at) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(at) {
            entry.turn = turn;
            self.socket.turns.push_back(target);
        }
    }

    /// Announces to the writer that there are messages.
    pub(super) fn announce(&mut self, out: &mut Vec<Reply>) {
        let may_say = self.is_live() && !self.socket.is_announced && !self.waits_for_calls();
        if may_say && self.front().is_some() {
            self.socket.is_announced = true;
            out.push(Reply::Subscribe);
        }
    }

    /// The next message; outdated entries are dropped.
    pub(super) fn front(&mut self) -> Option<Target> {
        loop {
            let target = *self.socket.turns.front()?;
            let turn = self.entry(target).map(|entry| entry.turn);
            match turn {
                Some(Turn::On | Turn::Off) => return Some(target),
                Some(Turn::None | Turn::OffWhenAnswered) | None => {
                    self.socket.turns.pop_front();
                }
            }
        }
    }
}
