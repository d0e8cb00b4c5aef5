//! The events that a name publishes.

use everwire_proto::dialogue::SubscriptionChange;

use super::ActorState;
use crate::{
    connection::{SharedOutbox, Traffic},
    core::{Cursor, FateRun, Removed},
    events::{DropReason, Dropped, EventKind, Sent, SubscriptionReport},
    hub::{HistoryRef, NewEvents},
    settings::ConnectionSettings,
};

/// How many fates are published at a time.
const FATES: usize = 1024;

impl ActorState {
    /// Numbers and publishes an event, after the messages that came before it.
    pub(in crate::connection) fn publish(&mut self, kind: EventKind) {
        self.publish_all(&mut kind.into());
    }

    /// Numbers and publishes events of one kind, after the messages that came before them.
    fn publish_all(&mut self, events: &mut NewEvents) {
        self.flush();
        let (outbox, settings) = (&self.outbox, &self.settings);
        let history_ref = history_ref(outbox, settings);
        self.publisher
            .publish(&self.process.hub, &self.name, history_ref, events);
        // For a history that has just become durable, this is its first report to the store.
        self.note_history();
    }

    /// Publishes the waiting messages of this turn.
    #[inline]
    pub(in crate::connection) fn flush(&mut self) {
        if self.publisher.has_waiting() {
            self.flush_waiting();
        }
    }

    fn flush_waiting(&mut self) {
        let (outbox, settings) = (&self.outbox, &self.settings);
        let history_ref = history_ref(outbox, settings);
        self.publisher
            .flush(&self.process.hub, &self.name, history_ref);
        self.note_history();
    }

    fn note_history(&self) {
        if self.settings.history.durable {
            self.outbox.history_grew();
        }
    }

    /// Publishes a change of a subscription's state.
    pub(in crate::connection) fn publish_subscription(&mut self, change: SubscriptionChange) {
        let SubscriptionChange { key, state, text } = change;
        let report = SubscriptionReport { key, state, text };
        self.publish(EventKind::Subscription(Box::new(report)));
    }

    pub(in crate::connection) fn publish_dropped(&mut self, count: u64, reason: DropReason) {
        if count > 0 {
            self.counters.dropped += count;
            self.publish(EventKind::Dropped(Dropped { count, reason }));
        }
    }

    pub(in crate::connection) fn publish_removed(&mut self, removed: Removed, reason: DropReason) {
        // Messages that the peer may have were not dropped unsent: their fate is published as
        // `in_doubt`.
        self.counters.in_doubt += removed.in_doubt;
        self.publish_dropped(removed.unsent, reason);
    }

    /// Publishes the fate of each message, if a subscriber asks for that.
    pub(in crate::connection) fn publish_sent(&mut self, runs: Vec<FateRun>) {
        for FateRun {
            first,
            last,
            fate,
            resent,
        } in runs
        {
            let sent = |id| EventKind::Sent(Sent { id, fate, resent });
            let mut ids = first..=last;
            while !ids.is_empty() {
                self.publish_all(&mut ids.by_ref().take(FATES).map(sent).collect());
            }
        }
    }

    /// Opening messages, or `Connect`'s data, are with the kernel.
    pub(in crate::connection) fn publish_openings(&mut self, openings: Traffic) {
        self.counters
            .count_sent((openings.messages, openings.bytes));
        if self.publisher.want_sent(&self.process.hub, &self.name) {
            let sent = (0..openings.messages).map(|_| EventKind::Sent(Sent::OPENING));
            self.publish_all(&mut sent.collect());
        }
    }

    /// The position of the last message in the name's history, after publishing all that came.
    pub(in crate::connection) fn history_position(&mut self) -> Cursor {
        self.flush();
        let start = self.process.hub.start();
        self.outbox.history().position(start)
    }
}

fn history_ref<'a>(outbox: &'a SharedOutbox, settings: &ConnectionSettings) -> HistoryRef<'a> {
    HistoryRef {
        history: outbox.history(),
        limit: settings.history,
    }
}
