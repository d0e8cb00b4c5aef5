//! Keys that the peer continues on a socket that it has named.

use super::{
    entry::{Entry, Turn},
    keys::Subscriptions,
    on_socket::Stage,
    state::SubscriptionState,
};
use crate::dialogue::context::Context;

impl Subscriptions {
    /// Whether the peer would continue what it has now on a socket that it has named.
    fn can_be_continued(&self, entry: &Entry) -> bool {
        let form = self.forms.get(entry.form);
        let has_off = form.is_some_and(|form| form.words.off.is_some());
        let may_be = entry.may_be_there || entry.state == SubscriptionState::Sent;
        has_off && (entry.is_there() || may_be)
    }

    /// Whether a key that nobody wants any more is kept without being ended here: the peer is told
    /// on the next socket, if it continues the key there.
    pub(super) fn is_ended_later(&self, at: usize) -> bool {
        let Some(entry) = self.entries.get(at) else {
            return false;
        };
        // The current socket may end it, too: known once that one gives way.
        let is_of_both = self.is_beside && entry.is_carried && !self.socket.is_fresh;
        (!self.is_live() || is_of_both) && self.can_be_continued(entry)
    }

    /// The socket is gone: what nobody wants is kept if the peer may continue it.
    pub(super) fn forget_left(&mut self) {
        let gone =
            |(_, entry): &(usize, &Entry)| entry.is_leaving() && !self.can_be_continued(entry);
        let gone: Vec<usize> = self.entries.iter().filter(gone).map(|(at, _)| at).collect();
        for at in gone {
            self.remove(at);
        }
    }

    /// Nobody wants it any more, and the peer was not told on the previous socket.
    pub(super) fn end_continued(&mut self, at: usize, cx: &mut Context<'_>) {
        if !cx.here.handover {
            return self.remove(at);
        }
        if let Some(entry) = self.entries.get_mut(at) {
            entry.is_carried = true;
        }
        self.activate(at, cx);
        if !self.is_beside {
            self.queue(at, Turn::Off);
            self.announce(cx.out);
        }
    }

    /// Its socket becomes the current one: what the previous one has ended meanwhile does not go on
    /// here.
    pub(super) fn settle_continued(&mut self, before: &Self) {
        let waits = self.socket.stage == Stage::Waiting;
        let carried =
            |(_, entry): &(usize, &Entry)| entry.is_carried || (waits && entry.is_leaving());
        let carried = self.entries.iter().filter(carried);
        let carried: Vec<usize> = carried.map(|(at, _)| at).collect();
        for at in carried {
            let Some(entry) = self.entries.get(at) else {
                continue;
            };
            // Both began with the same indexes.
            let known = before.entries.get(at);
            let known = known.filter(|known| known.order == entry.order);
            match (entry.is_leaving(), known) {
                (true, None) => self.remove(at),
                (true, Some(_)) if self.is_live() => self.queue(at, Turn::Off),
                (true, Some(_)) => {}
                (false, Some(known)) if known.is_there() => {}
                (false, Some(_) | None) => self.discontinue(at),
            }
        }
    }

    /// The peer does not continue it after all: it is asked for.
    fn discontinue(&mut self, at: usize) {
        let target = self.target(at);
        if let Some(entry) = self.entries.get_mut(at) {
            entry.is_carried = false;
        }
        let is_taken = |entry: &&Entry| entry.state == SubscriptionState::Active;
        if self.socket.stage == Stage::Waiting || self.entries.get(at).filter(is_taken).is_none() {
            return;
        }
        self.unlink(at);
        self.counts.active = self.counts.active.saturating_sub(1);
        self.counts.wanted += 1;
        let Some(entry) = self.entries.get_mut(at) else {
            return;
        };
        entry.state = SubscriptionState::Wanted;
        (entry.captured, entry.number) = (None, None);
        // At once: that time is over.
        entry.again_at = entry.since;
        if let Some((again_at, target)) = entry.again_at.zip(target) {
            self.socket.again.insert((again_at, target));
        }
    }
}
