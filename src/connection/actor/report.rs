//! The snapshot of a name.

use crate::{
    clock,
    connection::{
        OutboxStatus, RotationStatus, State, Status, UrlStatus,
        state::{ActorState, policy},
    },
};

impl ActorState {
    pub(super) fn status(&mut self) -> Status {
        let (step, rule_rate) = self.opening();
        let outbox = self.outbox.with(|locked| OutboxStatus {
            messages: locked.outbox.len(),
            bytes: locked.outbox.bytes(),
            oldest: locked.oldest_age(clock::now()),
            in_doubt: self.counters.in_doubt + locked.outbox.in_doubt(),
            dropped: self.counters.dropped,
        });
        let state = self.reported.state();
        let upgrade = self.reported.upgrade.as_deref();
        Status {
            name: self.name.clone(),
            state,
            ready_state: state.ready_state(),
            // A closing socket has been ready, but sends no more application messages.
            ready: self.reported.ready && state == State::Open,
            url: self.url().to_string(),
            urls: self.url_statuses(),
            subprotocol: upgrade.and_then(|upgrade| upgrade.subprotocol.clone()),
            tls: upgrade.and_then(|upgrade| upgrade.tls),
            tags: self.settings.tags.clone(),
            since: self.reported.since(),
            epoch: self.publisher.epoch(),
            incarnation: self.life.incarnation(),
            attempt: self.life.attempt(policy(&self.settings), clock::now()),
            retry_at: self.reported.retry_at.as_deref().copied(),
            cause: self.reported.cause().cloned(),
            step,
            rule_rate,
            preparing: self.preparing(),
            rotation: self.rotation_status(),
            last_error: self.last.error.as_deref().cloned(),
            last_close: self.last.close.as_deref().cloned(),
            reconnects: self.reported.reconnects(),
            rtt: self.beats.state.rtt(),
            sent: self.counters.sent,
            received: self.counters.received,
            last_message_at: self.counters.last_message_at,
            outbox,
            requests: self.requests_status(),
            subscriptions: self.subscription_counts(),
            sessions: self.session_statuses(),
            takes_sessions: self.takes_sessions(),
            subscribers: self.publisher.count(&self.process.hub, &self.name),
        }
    }

    fn rotation_status(&mut self) -> Option<RotationStatus> {
        let (failures, until) = self.life.failed_successors()?;
        let retry_at = until.and_then(|until| {
            let wait = until.saturating_duration_since(clock::now());
            self.wall().checked_add(wait).ok()
        });
        Some(RotationStatus::new(failures, retry_at))
    }

    fn preparing(&self) -> Option<String> {
        let preparing = self.serving.as_ref()?.preparing()?;
        preparing.shown()
    }

    fn url_statuses(&self) -> Vec<UrlStatus> {
        if self.urls.len() == 1 {
            return Vec::new();
        }
        let failures = self.life.endpoints().failures();
        let statuses = self.urls.iter().zip(failures);
        statuses
            .map(|(url, failures)| UrlStatus {
                url: url.to_string(),
                failures,
            })
            .collect()
    }
}
