//! What a name tells its subscribers.

use everwire_proto::dialogue::SubscriptionChange;

use super::ActorState;
use crate::{
    connection::{SharedOutbox, Traffic},
    core::{Cursor, FateRun, Removed},
    events::{DropReason, Dropped, EventKind, Sent, SubscriptionReport},
    hub::{HistoryRef, NewEvents},
    settings::ConnectionSettings,
};

/// So many fates are told at a time.
const FATES: usize = 1024;

impl ActorState {
    /// Numbers an event and tells all subscribers, behind the messages that came before it.
    pub(in crate::connection) fn publish(&mut self, kind: EventKind) {
        self.publish_all(&mut kind.into());
    }

    /// Numbers events of one kind and tells all subscribers, behind the messages that came before them.
    fn publish_all(&mut self, events: &mut NewEvents) {
        self.flush();
        let (outbox, settings) = (&self.outbox, &self.settings);
        let history_ref = history_ref(outbox, settings);
        self.publisher
            .publish(&self.process.hub, &self.name, history_ref, events);
        // Of a history that is durable from now on it is the first that the store hears.
        self.note_history();
    }

    /// Tells the messages that came in this turn and are not told yet.
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

    /// A subscription stands somewhere else.
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
        // What the peer may have was not dropped unsent: its fate is told as `in_doubt`.
        self.counters.in_doubt += removed.in_doubt;
        self.publish_dropped(removed.unsent, reason);
    }

    /// Tells the fates of messages one by one, if a subscriber asks for that.
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

    /// The place of the last message that the history of the name has heard of. All that came was told.
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
