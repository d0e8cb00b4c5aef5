//! What the process does as a whole.

use actix_web::{HttpResponse, web::Data};
use everwire::memory::MemoryUsage;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    permit::{Permit, ToRead},
    problem::Problem,
};
use crate::service::{bridge::BridgeStatus, state::AppState};

/// What the process does as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The version of everwire.
    version: &'static str,
    /// How many connections there are.
    connections: usize,
    /// Events that readers missed because they were too slow or there was no memory, since the start.
    missed_events: u64,
    memory: Memory,
    /// Why the store cannot be opened, which is tried again; null where it is open, or nothing needs it.
    #[schema(required)]
    store_outage: Option<String>,
    /// How the bridge to NATS is doing; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    nats: Option<BridgeStatus>,
}

/// How much memory is used, and for what, in bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemoryUsage)]
struct Memory {
    /// The bound over all uses: `service.memory`. From half of it on histories let go of their oldest, from three quarters on readers miss
    /// events, from nine tenths on messages are refused.
    limit: usize,
    /// The sum of all uses.
    used: usize,
    /// The bound over what connections said last: `service.history_bytes`, or half of `limit` where that is less.
    histories_limit: usize,
    /// What connections said last.
    histories: usize,
    /// What waits to be sent, and what is remembered of it.
    outboxes: usize,
    /// Messages of which a part has arrived.
    reassembly: usize,
    /// Events that wait for those who read them.
    readers: usize,
    /// Bodies of requests, until what they bring is accepted.
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
        }
    }
}

/// What the process does as a whole
///
/// For tokens that reach all names.
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
