//! The metrics, for Prometheus.

use actix_web::{FromRequest, HttpRequest, HttpResponse, web::Data};

use super::{
    Api,
    access::{Permit, ToRead},
    problem::Problem,
};

/// OpenMetrics 1.0.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is measured, as OpenMetrics
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")),
)]
pub async fn metrics(api: Data<Api>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if api.guards_metrics {
        let permit: Permit<ToRead> = Permit::extract(&request).await?;
        if !permit.reaches_all() {
            return Err(Problem::forbidden(
                "the token does not reach all names, which metrics are about",
            ));
        }
    }
    let text = api.in_time(api.metrics.text(&api.manager)).await?;
    let text =
        text.map_err(|error| Problem::unavailable(format!("metrics cannot be written: {error}")))?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}
