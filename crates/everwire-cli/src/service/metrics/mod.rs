//! The metrics: counted with each event, or read from the connections on request.
//!
//! Message events are not used: each connection's status has the number of messages.

mod cluster;
mod encoding;
mod labels;
mod names;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use everwire::{
    ConnectionName, Event, EventKind, Manager, Pattern,
    events::Opened,
    hub::{Kinds, SubscriptionGuard},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use super::{bridge::BridgeStatus, cluster::ClusterStatus, tenants::Tenants};

use self::{
    labels::{DroppedLabels, ReconnectLabels},
    names::Names,
    snapshot::Snapshot,
};

/// The counters, and the callback that feeds them.
pub struct Metrics {
    counters: Arc<Counters>,
    _subscription: SubscriptionGuard,
}

/// What is counted with each event.
struct Counters {
    names: Names,
    tenants: Tenants,
    reconnects: Family<ReconnectLabels, Counter>,
    dropped: Family<DroppedLabels, Counter>,
    dials: Histogram,
    round_trips: Histogram,
}

impl Metrics {
    /// Counts the events of a manager from now on. At most `max_names` connections have their own
    /// series.
    pub fn start(manager: &Manager, max_names: usize, tenants: Tenants) -> Arc<Self> {
        let counters = Arc::new(Counters {
            names: Names::new(max_names),
            tenants,
            reconnects: Family::default(),
            dropped: Family::default(),
            // 0.5 ms to 16 s, and to 8 s.
            dials: Histogram::new(exponential_buckets(0.0005, 2.0, 16)),
            round_trips: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
        });
        let listener = Arc::clone(&counters);
        let kinds = Kinds::default().without("message");
        let subscription = manager.on_event_of(Pattern::all(), kinds, move |update| {
            if let Some(event) = update.event() {
                listener.count(event);
            }
        });
        Arc::new(Self {
            counters,
            _subscription: subscription.uncounted(),
        })
    }

    /// All metrics in the text format of OpenMetrics.
    ///
    /// # Errors
    ///
    /// An error of the encoder.
    pub async fn text(
        &self,
        manager: &Manager,
        bridge: Option<BridgeStatus>,
        cluster: Option<ClusterStatus>,
    ) -> Result<String, fmt::Error> {
        let counters = &self.counters;
        let mut snapshot =
            Snapshot::take(manager, &counters.names, |name| counters.admit(name)).await;
        snapshot.bridge = bridge;
        snapshot.cluster = cluster;
        for status in snapshot.statuses() {
            if let Some(rtt) = status.rtt.filter(|_| status.ready) {
                self.counters.round_trips.observe(rtt.as_secs_f64());
            }
        }
        let mut registry = self.counters.registry();
        registry.register_collector(Box::new(snapshot));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Counters {
    fn count(&self, Event { stamp, kind }: &Event) {
        match kind {
            EventKind::Opened(opened) => self.dials.observe(dial_seconds(opened)),
            EventKind::Connecting(dial) => {
                if let Some(cause) = dial.cause.filter(|_| self.admit(&stamp.name)) {
                    let labels = ReconnectLabels::new(&stamp.name, cause);
                    self.reconnects.get_or_create(&labels).inc();
                }
            }
            EventKind::Dropped(dropped) if self.admit(&stamp.name) => {
                let labels = DroppedLabels::new(&stamp.name, dropped.reason);
                self.dropped.get_or_create(&labels).inc_by(dropped.count);
            }
            EventKind::Removed if self.names.forget(&stamp.name) => self.forget(&stamp.name),
            _ => {}
        }
    }

    /// Whether the name has its own series.
    fn admit(&self, name: &ConnectionName) -> bool {
        let tenant = || Some((self.tenants.of(name)?, self.tenants.count()));
        self.names.admit(name, tenant)
    }

    fn forget(&self, name: &ConnectionName) {
        for labels in ReconnectLabels::all(name) {
            self.reconnects.remove(&labels);
        }
        for labels in DroppedLabels::all(name) {
            self.dropped.remove(&labels);
        }
    }

    /// The registry of all metrics for one answer.
    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("everwire");
        registry.register(
            "reconnects",
            "Losses, of sockets and of dials, that were followed by a dial; by the cause of the loss",
            self.reconnects.clone(),
        );
        registry.register(
            "dropped",
            "Accepted messages that were dropped before they were written",
            self.dropped.clone(),
        );
        registry.register(
            "dial_seconds",
            "How long successful dials took",
            self.dials.clone(),
        );
        registry.register(
            "rtt_seconds",
            "The last heartbeat's round trip of each connection that is ready, looked at whenever metrics are read",
            self.round_trips.clone(),
        );
        registry
    }
}

/// The sum of a dial's steps. With a proxy, the TCP connection is a part of the proxy step.
fn dial_seconds(opened: &Opened) -> f64 {
    let timings = &opened.timings;
    let steps = [
        timings.dns,
        timings.proxy.or(timings.tcp),
        timings.tls,
        timings.upgrade,
    ];
    steps
        .into_iter()
        .flatten()
        .map(|step| step.as_secs_f64())
        .sum()
}
