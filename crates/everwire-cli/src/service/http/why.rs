//! Why a connection is up or down.

use actix_web::HttpResponse;
use everwire::config::Scope;
use serde_json::json;

use super::{lookup::Found, permit::ToRead, problem::Problem};

/// Why a connection is up or down
///
/// The answer has the last attempts, the latest first, each with its events and their times; the
/// cause of the present state, with the rule that decided; and the time of the next attempt, if
/// there will be one. While the connection opens, it has the current step of the script or the
/// awaited subscriptions. It has the number of waiting rule answers if too many were due within a
/// second. With the scope `control`, it also has the peer's last message if the socket ended soon
/// after it was ready.
#[utoipa::path(
    get,
    path = "/v1/connections/{name}/why",
    tag = "connections",
    params(("name" = inline(super::schema::Name), Path)),
    responses((status = 200, body = super::schema::Why)),
)]
pub async fn why(connection: Found<ToRead>) -> Result<HttpResponse, Problem> {
    let status = json!(connection.status().await?);
    let Found {
        state,
        caller,
        name,
        handle,
        ..
    } = connection;
    let attempts = state.why.of(&name);
    let mut told = json!({
        "name": *name,
        "state": status["state"],
        "ready": status["ready"],
        "since": status["since"],
        "retry_at": status["retry_at"],
        "cause": status["cause"],
        "rule": status["cause"]["rule"],
        "step": status["step"],
        "rule_rate": status["rule_rate"],
        "requests": status["requests"],
        "subscriptions": status["subscriptions"],
        "preparing": status["preparing"],
        "rotation": status["rotation"],
        "last_error": status["last_error"],
        "last_close": status["last_close"],
        "sessions": status["sessions"],
        "attempts": attempts,
    });
    if let Some(lag) = state.bridge.lag(&name).await {
        told["nats"] = json!(lag);
    }
    // The message may be confidential: a caller that may only read does not even learn whether
    // there is one.
    if caller.need(&[Scope::Control]).is_ok() {
        let last = state.in_time(handle.last_message()).await?;
        let last = last.map_err(|_gone| Problem::unknown(name.as_str()))?;
        told["last_message"] = json!(last);
    }
    Ok(HttpResponse::Ok().json(told))
}
