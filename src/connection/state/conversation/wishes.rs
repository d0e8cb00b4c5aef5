//! What callers want of subscriptions: each conversation of the name learns it, whatever settings it is of.

use everwire_proto::dialogue::{Holder, Reply};

use super::{LiveConversation, Surroundings};
use crate::{
    connection::{
        HoldError,
        outbox::wishes::{Wished, Wishes},
    },
    core::Cause,
    settings::SubscriptionWish,
};

impl LiveConversation {
    /// It learns what callers want, where it does not know all of it.
    pub fn catch_up(&mut self, wishes: &Wishes, at: Surroundings<'_>) {
        if self.lacks(wishes) {
            self.follow(wishes, at);
        }
    }

    /// It knows all wishes of this version.
    pub fn knows(&mut self, wishes: &Wishes) {
        self.seldom.set_wishes(wishes.version());
    }

    /// Whether there are wishes of which it does not know.
    pub fn lacks(&self, wishes: &Wishes) -> bool {
        self.seldom.wishes() != wishes.version()
    }

    /// Learns what callers want. One that cannot be taken on under these settings is told.
    fn follow(&mut self, wishes: &Wishes, at: Surroundings<'_>) {
        self.seldom.set_wishes(wishes.version());
        // First who holds what is there already: in between it is never without a holder, of which the peer would be told.
        for (key, wished) in wishes.iter() {
            if self.subscription(key).is_some() {
                for holder in &wished.holders {
                    // What is wrong with it is told below.
                    let _held = self.wish(key, wished, *holder, at);
                }
            }
        }
        for status in self.subscriptions() {
            for holder in status.holders {
                if holder != Holder::File && !wishes.has(&status.key, holder) {
                    self.release_subscription(&status.key, holder, at);
                }
            }
        }
        for (key, wished) in wishes.iter() {
            for holder in &wished.holders {
                if let Err(error) = self.wish(key, wished, *holder, at) {
                    let text = format!("subscription {key:?}: {error}");
                    self.replies
                        .open()
                        .push(Reply::Error(Cause::Template(text)));
                }
            }
        }
    }

    fn wish(
        &mut self,
        key: &str,
        wished: &Wished,
        holder: Holder,
        at: Surroundings<'_>,
    ) -> Result<(), HoldError> {
        let held = self.subscription(key);
        if held.is_some_and(|status| status.holders.contains(&holder)) {
            return Ok(());
        }
        let dialogue = self.subscribing_dialogue();
        let dialogue = dialogue.ok_or(HoldError::NoSubscribe)?;
        let nothing = SubscriptionWish::default();
        let wish = wished.wish.as_deref().unwrap_or(&nothing);
        let declared = (wished.compile)(dialogue, key, wish)?;
        Ok(self.hold_subscription(&declared, holder, at)?)
    }
}
