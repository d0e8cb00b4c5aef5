//! The process as a whole.

use actix_web::{HttpResponse, web::Data};
use everwire::memory::MemoryUsage;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    permit::{Permit, ToRead},
    problem::Problem,
};
use crate::service::{bridge::BridgeStatus, cluster::ClusterPart, state::AppState};

/// The process as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The version of everwire.
    version: &'static str,
    /// How many connections there are.
    connections: usize,
    /// Events that readers missed since the start, because they were too slow or there was no
    /// memory.
    missed_events: u64,
    memory: Memory,
    /// Why the store cannot be opened; the service keeps trying. Null if it is open, or if nothing
    /// needs it.
    #[schema(required)]
    store_outage: Option<String>,
    /// The status of the bridge to NATS; absent without a bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    nats: Option<BridgeStatus>,
    /// The part of this node in its cluster; absent without a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterPart>,
}

/// Memory in bytes, by use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemoryUsage)]
struct Memory {
    /// The limit for all uses together: `service.memory`. At half of it, histories drop their
    /// oldest messages; at three quarters, readers miss events; at nine tenths, messages are
    /// refused.
    limit: usize,
    /// The sum of all uses.
    used: usize,
    /// The limit for histories: `service.history_bytes`, or half of `limit` if that is less.
    histories_limit: usize,
    /// The last messages of connections.
    histories: usize,
    /// Messages that wait to be sent, and the records of messages.
    outboxes: usize,
    /// Fragmented messages that are incomplete.
    reassembly: usize,
    /// Events that wait for their readers.
    readers: usize,
    /// Bodies of requests, until their content is accepted.
    bodies: usize,
}

impl From<MemoryUsage> for Memory {
    fn from(usage: MemoryUsage) -> Self {
        Self {
            limit: usage.limit,
            used: usage.used(),
            histories_limit: usage.histories_limit,
            histories: usage.histories,
            outboxes: usage.outboxes,
            reassembly: usage.reassembly,
            readers: usage.readers,
            bodies: usage.bodies,
        }
    }
}

impl Overview {
    fn of(state: &AppState) -> Self {
        let manager = &state.manager;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            connections: manager.len(),
            missed_events: manager.missed_events(),
            memory: manager.memory_usage().into(),
            store_outage: manager.store_outage(),
            nats: state.bridge.status(),
            cluster: state.cluster.status().map(Into::into),
        }
    }
}

/// The process as a whole
///
/// Only for tokens that reach all names.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "health",
    responses((status = 200, body = Overview)),
)]
pub async fn overview(
    permit: Permit<ToRead>,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    permit.need_all_names(
        "the token does not reach all names, which the status of the process is about",
    )?;
    Ok(HttpResponse::Ok().json(Overview::of(&state)))
}
