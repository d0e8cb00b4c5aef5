//! Callers' subscriptions: each conversation of the name learns them, whatever its settings.

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
    /// Learns the callers' wishes that it does not know yet.
    pub fn catch_up(&mut self, wishes: &Wishes, at: Surroundings<'_>) {
        if self.lacks(wishes) {
            self.follow(wishes, at);
        }
    }

    /// Marks all wishes of this version as known.
    pub fn knows(&mut self, wishes: &Wishes) {
        self.seldom.set_wishes(wishes.version());
    }

    /// Whether there are wishes that it does not know.
    pub fn lacks(&self, wishes: &Wishes) -> bool {
        self.seldom.wishes() != wishes.version()
    }

    /// Learns the callers' wishes. A wish that these settings cannot fulfil is published.
    fn follow(&mut self, wishes: &Wishes, at: Surroundings<'_>) {
        self.seldom.set_wishes(wishes.version());
        // First the holders of existing subscriptions: without a holder in between, the peer would
        // be told to end them.
        for (key, wished) in wishes.iter() {
            if self.subscription(key).is_some() {
                for holder in &wished.holders {
                    // Errors are reported below.
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
