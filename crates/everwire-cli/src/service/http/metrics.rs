//! The metrics, for Prometheus.

use actix_web::{FromRequest, HttpRequest, HttpResponse, web::Data};

use super::{
    permit::{Permit, ToRead},
    problem::Problem,
};
use crate::service::state::AppState;

/// OpenMetrics 1.0.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics, in the OpenMetrics format
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")),
)]
pub async fn metrics(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if state.guards_metrics {
        let permit: Permit<ToRead> = Permit::extract(&request).await?;
        permit.need_all_names("the token does not reach all names, which metrics are about")?;
    }
    let (bridge, cluster) = (state.bridge.status(), state.cluster.status());
    let text = state.metrics.text(&state.manager, bridge, cluster);
    let text = state.in_time(text).await?;
    let text =
        text.map_err(|error| Problem::unavailable(format!("metrics cannot be written: {error}")))?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}
