//! The bridge to NATS, in a build that has it.

use std::{path::Path, time::Duration};

use everwire::{ConnectionName, Manager, config::NatsSettings};
use serde::Serialize;
use utoipa::ToSchema;

/// Why the bridge did not start.
#[derive(Debug, thiserror::Error)]
#[error("the bridge to NATS cannot be started: {0}")]
pub struct BridgeNotStarted(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The bridge, if the settings have one.
#[derive(Debug, Default)]
pub struct Bridge {
    #[cfg(feature = "nats")]
    running: Option<everwire_nats::Bridge>,
}

/// The status of the bridge to NATS.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = NatsStatus)]
pub struct BridgeStatus {
    /// The server that it is connected to; null while it is not.
    #[schema(required)]
    pub server: Option<String>,
    /// Why it carries no messages now, or the last such reason.
    #[schema(required)]
    pub error: Option<Trouble>,
    /// From sockets to NATS.
    pub inbound: Inbound,
    /// From NATS to sockets.
    pub outbound: Outbound,
    /// Differences between the streams and the settings.
    pub differences: Vec<String>,
}

/// A fault of the bridge.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NatsTrouble)]
pub struct Trouble {
    /// A stable code, such as "nats_unreachable".
    pub code: String,
    /// What went wrong.
    pub text: String,
    /// When, in RFC 3339.
    pub at: String,
    /// Whether it is still present.
    pub is_now: bool,
}

/// From sockets to NATS.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = NatsIn)]
pub struct Inbound {
    /// Messages that the stream has acknowledged.
    pub published: u64,
    /// Messages that were published again, since a connection was lost.
    pub redelivered: u64,
    /// Messages that are not acknowledged yet: published, in memory, in the spool.
    pub pending: u64,
    /// Messages in the spool.
    pub spool_messages: u64,
    /// Bytes of messages in the spool.
    pub spool_bytes: u64,
    /// Dropped messages.
    pub dropped: u64,
}

/// From NATS to sockets.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = NatsOut)]
pub struct Outbound {
    /// Messages that were sent and have left the queue.
    pub sent: u64,
    /// Messages that could not be sent and have left the queue.
    pub refused: u64,
    /// Messages in memory: in flight or waiting.
    pub held: u64,
    /// Messages that were dropped from memory and read again from the stream.
    pub read_again: u64,
    /// Names with messages that must be read again.
    pub names_behind: u64,
}

/// The lag of the stream for a name.
#[derive(Clone, Debug, Serialize)]
pub struct Lag {
    /// Messages of the name that the stream has not acknowledged.
    pub pending: u64,
    /// The reason, if known.
    pub text: Option<String>,
}

#[cfg(feature = "nats")]
impl Bridge {
    /// Starts it, if there are settings for one: before the names are opened, so that it misses no message.
    ///
    /// # Errors
    ///
    /// When its folder cannot be used.
    pub fn start(
        manager: &Manager,
        settings: Option<NatsSettings>,
        state_dir: &Path,
    ) -> Result<Self, BridgeNotStarted> {
        let Some(settings) = settings else {
            return Ok(Self::default());
        };
        let folder = state_dir.join("nats");
        std::fs::create_dir_all(&folder).map_err(|error| BridgeNotStarted(error.into()))?;
        let observer = everwire_nats::Observer::new(log);
        let running = everwire_nats::Bridge::start(manager.clone(), settings, &folder, observer);
        Ok(Self {
            running: Some(running.map_err(|error| BridgeNotStarted(error.into()))?),
        })
    }

    /// Its status; `None` without a bridge.
    pub fn status(&self) -> Option<BridgeStatus> {
        let status = self.running.as_ref()?.status();
        let (inbound, outbound) = (status.inbound, status.outbound);
        Some(BridgeStatus {
            server: status.server,
            error: status.error.map(|error| Trouble {
                code: error.code.into(),
                text: error.text,
                at: error.at.to_string(),
                is_now: error.is_now,
            }),
            inbound: Inbound {
                published: inbound.published,
                redelivered: inbound.redelivered,
                pending: inbound.pending,
                spool_messages: inbound.spool_messages,
                spool_bytes: inbound.spool_bytes,
                dropped: inbound.dropped.values().sum(),
            },
            outbound: Outbound {
                sent: outbound.sent,
                refused: outbound.refused,
                held: outbound.held,
                read_again: outbound.read_again,
                names_behind: outbound.names_behind,
            },
            differences: status.differences,
        })
    }

    /// The lag of the stream for a name; `None` without a lag.
    pub async fn lag(&self, name: &ConnectionName) -> Option<Lag> {
        let running = self.running.as_ref()?;
        let pending = running.pending(name).await.filter(|pending| *pending > 0)?;
        let status = running.status();
        let refused = status.inbound.refused.get(name).cloned();
        let down = status.error.filter(|error| error.is_now);
        Some(Lag {
            pending,
            text: refused.or(down.map(|error| error.text)),
        })
    }

    /// The names are about to be closed.
    pub async fn ending(&self) {
        if let Some(running) = &self.running {
            running.ending().await;
        }
    }

    /// Publishes received messages for at most this time, and ends.
    pub async fn stop(&self, within: Duration) {
        if let Some(running) = &self.running {
            match running.stop(within).await {
                Some(kept) => tracing::info!(kept, "the bridge to NATS has ended"),
                None => tracing::error!(
                    "the bridge to NATS does not end: it is not known what it keeps"
                ),
            }
        }
    }
}

#[cfg(feature = "nats")]
fn log(report: &everwire_nats::Report) {
    use everwire_nats::Report;
    let text = report.to_string();
    match report {
        Report::Up { .. } | Report::EpochRaised { .. } => tracing::info!(%text, "nats"),
        Report::Down(_, error) => tracing::warn!(code = error.code(), %text, "nats"),
        _ => tracing::warn!(%text, "nats"),
    }
}

/// In a build without it, settings for one have been refused.
#[cfg(not(feature = "nats"))]
impl Bridge {
    /// This program has no bridge.
    pub fn start(_: &Manager, _: Option<NatsSettings>, _: &Path) -> Result<Self, BridgeNotStarted> {
        Ok(Self::default())
    }

    /// This program has no bridge.
    pub fn status(&self) -> Option<BridgeStatus> {
        None
    }

    /// This program has no bridge.
    pub async fn lag(&self, _: &ConnectionName) -> Option<Lag> {
        None
    }

    /// Nothing is to be ended.
    pub async fn ending(&self) {}

    /// Nothing is to be ended.
    pub async fn stop(&self, _: Duration) {}
}
