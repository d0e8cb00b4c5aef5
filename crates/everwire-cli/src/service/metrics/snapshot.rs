//! Values that are read from the connections on request.

use std::{collections::HashMap, fmt};

use everwire::{
    ConnectionName, Manager, Pattern, State, Status, connection::Traffic,
    dialogue::SubscriptionState, memory::MemoryUsage,
};
use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use super::{
    super::{bridge::BridgeStatus, cluster::ClusterStatus},
    cluster,
    encoding::{describe, family},
    names::Names,
};

/// All connections at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The connections with their own series, and their groups.
    named: Vec<(Status, String)>,
    states: HashMap<State, i64>,
    left_out: i64,
    missed: u64,
    memory: MemoryUsage,
    store_outage: bool,
    now: Timestamp,
    /// The status of the bridge to NATS, if there is one.
    pub bridge: Option<BridgeStatus>,
    /// The cluster, if this process is a node of one.
    pub cluster: Option<ClusterStatus>,
}

/// A label and its value.
type Label<'a> = (&'static str, &'a str);

impl Snapshot {
    /// Reads all connections. `admit` says which of them have their own series.
    pub async fn take(
        manager: &Manager,
        names: &Names,
        admit: impl Fn(&ConnectionName) -> bool,
    ) -> Self {
        let statuses = manager.statuses(&Pattern::all()).await;
        names.keep(|name| manager.find(name).is_some());
        let mut snapshot = Self {
            named: Vec::with_capacity(statuses.len()),
            states: HashMap::new(),
            left_out: 0,
            missed: manager.missed_events(),
            memory: manager.memory_usage(),
            store_outage: manager.store_outage().is_some(),
            now: Timestamp::now(),
            bridge: None,
            cluster: None,
        };
        for status in statuses {
            *snapshot.states.entry(status.state).or_default() += 1;
            if !admit(&status.name) {
                snapshot.left_out += 1;
                continue;
            }
            let settings = manager.settings(&status.name);
            let group = settings.and_then(|settings| settings.group.clone());
            snapshot.named.push((status, group.unwrap_or_default()));
        }
        snapshot
    }

    /// The statuses of connections with their own series.
    pub fn statuses(&self) -> impl Iterator<Item = &Status> {
        self.named.iter().map(|(status, _)| status)
    }

    fn encode_totals(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let states = State::ALL.into_iter().map(|state| {
            (
                [("state", state.as_str())],
                ConstGauge::new(self.states.get(&state).copied().unwrap_or(0)),
            )
        });
        let help = "Connections by their state";
        family(encoder, "connections", help, MetricType::Gauge, states)?;
        let help =
            "Connections beyond service.metrics.max_names, which have no series of their own";
        let left_out = ConstGauge::new(self.left_out);
        left_out.encode(describe(
            encoder,
            "names_left_out",
            help,
            MetricType::Gauge,
        )?)?;
        let help = "1 while the store is needed and cannot be opened, 0 otherwise";
        let outage = ConstGauge::new(i64::from(self.store_outage));
        outage.encode(describe(encoder, "store_outage", help, MetricType::Gauge)?)?;
        let help = "Events that subscribers missed because they were too slow";
        let missed = ConstCounter::new(self.missed);
        missed.encode(describe(
            encoder,
            "subscriber_lag",
            help,
            MetricType::Counter,
        )?)
    }

    fn encode_memory(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let MemoryUsage {
            histories,
            outboxes,
            reassembly,
            readers,
            bodies,
            ..
        } = self.memory;
        let uses = [
            ("histories", histories),
            ("outboxes", outboxes),
            ("reassembly", reassembly),
            ("readers", readers),
            ("bodies", bodies),
        ];
        let uses = uses.map(|(of, bytes)| ([("use", of)], gauge(bytes)));
        let help = "Memory that is used of what service.memory allows, by what it is used for";
        family(
            encoder,
            "memory_bytes",
            help,
            MetricType::Gauge,
            uses.into_iter(),
        )?;
        let help = "What service.memory allows";
        gauge(self.memory.limit).encode(describe(
            encoder,
            "memory_limit_bytes",
            help,
            MetricType::Gauge,
        )?)?;
        let help = "What service.history_bytes allows, at most half of service.memory";
        gauge(self.memory.histories_limit).encode(describe(
            encoder,
            "histories_limit_bytes",
            help,
            MetricType::Gauge,
        )?)
    }

    fn encode_traffic(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let messages = self.by_direction(|traffic| traffic.messages);
        let help = "Application messages, by direction: sent or received";
        family(encoder, "messages", help, MetricType::Counter, messages)?;
        let bytes = self.by_direction(|traffic| traffic.bytes);
        let help = "Payload bytes of application messages, by direction: sent or received";
        family(encoder, "bytes", help, MetricType::Counter, bytes)
    }

    fn encode_gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let ready = self.named.iter().map(|(status, group)| {
            let name = status.name.as_str();
            (
                [("name", name), ("group", group.as_str())],
                ConstGauge::new(i64::from(status.ready)),
            )
        });
        let help = "1 while application messages flow, 0 otherwise";
        family(encoder, "ready", help, MetricType::Gauge, ready)?;
        let waiting = self.by_name(|status| Some(status.outbox.messages as f64));
        let help = "Messages that wait, are being written, or are kept until they are confirmed";
        family(encoder, "outbox_messages", help, MetricType::Gauge, waiting)?;
        let sessions = self.by_name(|status| Some(status.sessions.len() as f64));
        let help = "Sockets that clients of the raw bridge have for themselves";
        family(encoder, "sessions", help, MetricType::Gauge, sessions)?;
        let oldest = self.by_name(|status| {
            let oldest = status.outbox.oldest;
            Some(oldest.map_or(0.0, |oldest| oldest.as_secs_f64()))
        });
        let help = "For how long the oldest message that is not written has waited";
        family(
            encoder,
            "outbox_oldest_seconds",
            help,
            MetricType::Gauge,
            oldest,
        )?;
        let last = self.by_name(|status| status.last_message_at.map(seconds));
        let help = "When the last application message came, since 1970";
        family(
            encoder,
            "last_message_timestamp_seconds",
            help,
            MetricType::Gauge,
            last,
        )?;
        let expiry = self.by_name(|status| {
            let expires_at = status.tls.and_then(|tls| tls.expires_at)?;
            Some(seconds(expires_at) - seconds(self.now))
        });
        let help =
            "For how long the certificate of the peer is still valid; below zero when it is not";
        family(
            encoder,
            "tls_expiry_seconds",
            help,
            MetricType::Gauge,
            expiry,
        )
    }

    /// Only for connections that have any.
    fn encode_subscriptions(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.statuses();
        let counts = counts.filter_map(|status| Some((&status.name, status.subscriptions?)));
        let series = counts.flat_map(|(name, counts)| {
            SubscriptionState::ALL.into_iter().map(move |state| {
                let labels = [("name", name.as_str()), ("state", state.as_str())];
                (labels, gauge(counts.of(state)))
            })
        });
        let help = "Live subscriptions by where they stand";
        family(encoder, "subscriptions", help, MetricType::Gauge, series)
    }

    fn encode_bridge(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(bridge) = &self.bridge else {
            return Ok(());
        };
        let (inbound, outbound) = (&bridge.inbound, &bridge.outbound);
        let up = ConstGauge::new(i64::from(bridge.server.is_some()));
        let help = "1 while the bridge is connected to NATS, 0 otherwise";
        up.encode(describe(encoder, "nats_up", help, MetricType::Gauge)?)?;
        for (name, value, help) in [
            (
                "nats_published",
                inbound.published,
                "Messages that the stream has acknowledged",
            ),
            (
                "nats_redelivered",
                inbound.redelivered,
                "Messages that were published again, since a connection was lost",
            ),
            (
                "nats_dropped",
                inbound.dropped,
                "Messages that were not published: the spool was full, or the stream takes none like them",
            ),
            (
                "nats_sent",
                outbound.sent,
                "Messages of the queue that were sent",
            ),
            (
                "nats_refused",
                outbound.refused,
                "Messages of the queue that could not be sent",
            ),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(describe(encoder, name, help, MetricType::Counter)?)?;
        }
        for (name, value, help) in [
            (
                "nats_pending",
                inbound.pending,
                "Messages that the stream has not acknowledged yet: published, in memory, in the spool",
            ),
            (
                "nats_spool_messages",
                inbound.spool_messages,
                "Messages that wait on disk for NATS",
            ),
            (
                "nats_spool_bytes",
                inbound.spool_bytes,
                "Bytes of messages that wait on disk for NATS",
            ),
            (
                "nats_held",
                outbound.held,
                "Messages of the queue that are in memory, on their way or waiting for it",
            ),
            (
                "nats_names_behind",
                outbound.names_behind,
                "Names with messages that are read again from the queue later",
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(describe(encoder, name, help, MetricType::Gauge)?)?;
        }
        Ok(())
    }

    fn by_direction(
        &self,
        value: fn(&Traffic) -> u64,
    ) -> impl Iterator<Item = ([Label<'_>; 2], ConstCounter<u64>)> {
        self.statuses().flat_map(move |status| {
            let series = |direction, traffic| {
                let labels = [("name", status.name.as_str()), ("direction", direction)];
                (labels, ConstCounter::new(value(traffic)))
            };
            [
                series("sent", &status.sent),
                series("received", &status.received),
            ]
        })
    }

    fn by_name<'a>(
        &'a self,
        value: impl Fn(&Status) -> Option<f64> + 'a,
    ) -> impl Iterator<Item = ([Label<'a>; 1], ConstGauge<f64>)> {
        self.statuses().filter_map(move |status| {
            let name = status.name.as_str();
            Some(([("name", name)], ConstGauge::new(value(status)?)))
        })
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_totals(&mut encoder)?;
        self.encode_memory(&mut encoder)?;
        self.encode_traffic(&mut encoder)?;
        self.encode_gauges(&mut encoder)?;
        self.encode_subscriptions(&mut encoder)?;
        self.encode_bridge(&mut encoder)?;
        match &self.cluster {
            Some(status) => cluster::encode(status, &mut encoder),
            None => Ok(()),
        }
    }
}

fn gauge(bytes: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}
