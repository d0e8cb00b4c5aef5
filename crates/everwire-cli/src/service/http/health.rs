//! Whether the process is alive and does its job.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web::Data};
use everwire::{Handle, Manager, Pattern, State};
use futures::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::service::state::AppState;

/// That the process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alive {
    /// Always "ok".
    #[schema(value_type = String, examples("ok"))]
    status: &'static str,
}

/// Whether all required connections are ready and the process is not ending.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether they are ready.
    ready: bool,
    /// The required connections that are not ready.
    waiting: Vec<String>,
    /// The process is about to end, and is no longer ready. Absent otherwise.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    ending: bool,
    /// The store cannot be opened: durable connections wait for it, and connections that were
    /// created over the API are not known. Absent otherwise.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    store_outage: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whether the process is alive
///
/// It answers if the process runs. It says nothing about connections.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Alive)))]
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Alive { status: "ok" })
}

/// Whether all required connections are ready
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses(
        (status = 200, body = Readiness, description = "They are"),
        (status = 503, body = Readiness, description = "Some are not, or do not answer, or the process is about to end"),
    ),
)]
pub async fn ready(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let required = required(&state.manager);
    let ending = state.ending.load(Ordering::Relaxed);
    let store_outage = state.manager.store_outage().is_some();
    let readiness = match state
        .in_time(join_all(required.iter().map(Handle::status)))
        .await
    {
        Ok(statuses) => {
            let waits = |(handle, status): (&Handle, Result<everwire::Status, _>)| {
                // An idle connection that takes sessions has no other purpose.
                let is_ready = status.is_ok_and(|status| {
                    status.ready || (status.state == State::Idle && status.takes_sessions)
                });
                (!is_ready).then(|| handle.name().to_string())
            };
            let waiting: Vec<_> = required.iter().zip(statuses).filter_map(waits).collect();
            Readiness {
                ready: waiting.is_empty() && !ending,
                waiting,
                ending,
                store_outage,
            }
        }
        Err(_silent) => Readiness {
            ready: false,
            waiting: required
                .iter()
                .map(|handle| handle.name().to_string())
                .collect(),
            ending,
            store_outage,
        },
    };
    let mut response = match readiness.ready {
        true => HttpResponse::Ok(),
        false => HttpResponse::ServiceUnavailable(),
    };
    Ok(response.json(readiness))
}

fn required(manager: &Manager) -> Vec<Handle> {
    let mut handles = manager.list(&Pattern::all());
    handles.retain(|handle| {
        let settings = manager.settings(handle.name());
        settings.is_some_and(|settings| settings.required)
    });
    handles
}
