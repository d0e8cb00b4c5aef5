//! A dry run of a dial.

use std::time::Duration;

use actix_web::HttpResponse;
use everwire::connection::Probed;
use serde_json::{Value as Json, json};

use super::{lookup::Found, permit::ToControl, problem::Problem};

/// How long a request waits for its turn and for the dial.
const PATIENCE: Duration = Duration::from_secs(60);

/// Dial a connection's URLs without touching the connection
///
/// Each URL is dialled and upgraded like the next attempt, and closed at once with 1000. The
/// current socket and a backoff are not affected.
#[utoipa::path(
    post,
    path = "/v1/connections/{name}/probe",
    tag = "control",
    params(("name" = inline(super::schema::Name), Path)),
    responses(
        (status = 200, body = super::schema::Probes, description = "What came of it, failures included"),
    ),
)]
pub async fn probe(connection: Found<ToControl>) -> Result<HttpResponse, Problem> {
    let Found { state, name, .. } = connection;
    let probed = tokio::time::timeout(PATIENCE, state.manager.probe(&*name)).await;
    let probed = probed
        .map_err(|_| {
            Problem::unavailable(
                "the dial did not end in time, or other dials wait ahead of it; ask again",
            )
        })?
        .map_err(|_gone| Problem::unknown(name.as_str()))?;
    let probes: Vec<_> = probed.iter().map(probed_json).collect();
    Ok(HttpResponse::Ok().json(json!({ "name": *name, "probes": probes })))
}

fn probed_json(probed: &Probed) -> Json {
    let reached = probed.outcome.as_ref().ok();
    let error = probed.outcome.as_ref().err().map(|cause| {
        let mut error = json!({ "kind": cause.kind(), "text": cause.text() });
        if let Some(status) = cause.status() {
            error["status"] = status.into();
        }
        error
    });
    json!({
        "url": probed.url,
        "ok": reached.is_some(),
        "peer": reached.map(|reached| reached.peer),
        "subprotocol": reached.and_then(|reached| reached.subprotocol.as_deref()),
        "timings": probed.timings,
        "error": error,
    })
}
