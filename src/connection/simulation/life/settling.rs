//! The end of a life: after the trouble everything must settle.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use tokio::time::{Instant, sleep, timeout};

use super::World;
use crate::{
    connection::{Connection, SharedOutbox, Subscriptions},
    core::Fate,
};

/// Within this time after the trouble a name must be up, and all messages must have a fate.
const SETTLED: Duration = Duration::from_secs(120);

/// Callers hold and release subscriptions for this long after the trouble.
const CALM: Duration = Duration::from_secs(4);

impl World {
    /// Waits, after the trouble, until everything has settled.
    pub(super) async fn await_completion(
        &self,
        outbox: &Arc<SharedOutbox>,
        addr: &Addr<Connection>,
    ) {
        let limit = match self.plan.dies_after {
            None => SETTLED,
            // Each socket confirms at least one message.
            Some(_) => SETTLED * u32::try_from(self.plan.settings.outbox.messages).expect("few"),
        };
        let settled = timeout(limit, async {
            while !self.is_complete(outbox) || !self.are_keys_settled(addr).await {
                sleep(Duration::from_millis(100)).await;
            }
        });
        if settled.await.is_err() {
            self.expect_no_panic().await;
            let status = addr.send(crate::Snapshot).await;
            let subscriptions = addr.send(Subscriptions).await;
            let keys = self.keys.as_ref().map(|keys| keys.borrow().describe());
            panic!(
                "not settled after {limit:?}: {} messages, {status:#?}\n{}\n{subscriptions:#?}",
                outbox.with(|locked| locked.outbox.len()),
                keys.unwrap_or_default()
            );
        }
        // The last events must have been received.
        sleep(Duration::from_millis(10)).await;
    }

    /// Callers hold and release subscriptions until then, so also for a while beside a healthy
    /// peer.
    pub(super) fn held_until(&self) -> Instant {
        self.trouble_until + CALM
    }

    /// Whether the peer has the wanted subscriptions and the name shows them.
    async fn are_keys_settled(&self, addr: &Addr<Connection>) -> bool {
        let Some(keys) = &self.keys else {
            return true;
        };
        if Instant::now() < self.held_until() || !keys.borrow_mut().is_settled() {
            return false;
        }
        let shown = addr.send(Subscriptions).await.expect("the actor");
        let mut keys = keys.borrow_mut();
        keys.is_settled() && keys.agrees(&shown)
    }

    fn is_complete(&self, outbox: &Arc<SharedOutbox>) -> bool {
        if !self.log.borrow().hands_off || self.asked.borrow().pending > 0 {
            return false;
        }
        let serving = self.witness.borrow().current;
        let answered = |socket| self.talks.borrow().is_answered(socket);
        if self.plan.moods.is_some() && !serving.is_none_or(answered) {
            return false;
        }
        outbox.with(|locked| {
            let story = self.story.borrow();
            let mut ids = story.accepted.iter().map(|message| message.id);
            locked.outbox.is_empty()
                && ids.all(|id| locked.outbox.fate(id).is_none_or(Fate::is_final))
        })
    }
}
