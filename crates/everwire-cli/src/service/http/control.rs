//! Connecting and closing one connection.

use actix_web::{HttpRequest, HttpResponse, web::Payload};
use everwire::{ConnectionName, Handle, manager::CloseError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body, lookup::Found, permit::ToControl, problem::Problem};
use crate::service::{changes::Subject, persisted, state::AppState};

/// The longest body of a close, in bytes.
pub const MAX_CLOSE: usize = 4096;

/// How to close a connection.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Close {
    /// The close code (RFC 6455 §7.4): 1000 to 1003, 1007 to 1014, 3000 to 4999.
    #[schema(minimum = 1000, maximum = 4999)]
    pub code: u16,
    /// The reason, at most 123 bytes.
    #[schema(max_length = 123)]
    pub reason: String,
}

impl Default for Close {
    fn default() -> Self {
        Self {
            code: 1000,
            reason: String::new(),
        }
    }
}

/// Connect a connection
///
/// It is dialled now, even during a backoff. The body, if any, is sent whenever the socket opens,
/// before anything else of the application. It replaces the body of an earlier call.
#[utoipa::path(
    post,
    path = "/v1/connections/{name}/connect",
    tag = "control",
    params(("name" = inline(super::schema::Name), Path)),
    request_body(description = "What to send when the socket opens", content(
        (inline(super::schema::Text) = "text/plain"),
        (inline(super::schema::Binary) = "application/octet-stream"),
    )),
    responses(
        (status = 202, body = super::schema::Status, description = "It is on its way"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The name is being removed, or another change of it is under way"),
        (status = 413, body = super::schema::Problem, content_type = "application/problem+json", description = "Longer than max_message"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "Not UTF-8"),
        (status = 429, body = super::schema::Problem, content_type = "application/problem+json", description = "Too much of it waits"),
    ),
)]
pub async fn connect(
    connection: Found<ToControl>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let limit = connection.settings.max_message;
    let data = body::message(&request, payload, limit).await?;
    let data = Some(data).filter(|data| !data.is_empty());
    in_turn(connection, async move |state, handle| {
        state.in_time(handle.connect(data)).await??;
        Ok(state.cluster.closed(handle.name(), false).await?)
    })
    .await
}

/// Close a connection by hand
///
/// It refuses new messages, sends the waiting ones, closes the socket, and stays closed until it is
/// connected again.
#[utoipa::path(
    post,
    path = "/v1/connections/{name}/close",
    tag = "control",
    params(("name" = inline(super::schema::Name), Path)),
    request_body(content = Option<Close>),
    responses(
        (status = 202, body = super::schema::Status, description = "It is on its way"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "Another change of it is under way"),
        (status = 415, body = super::schema::Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "A code or reason that cannot be sent"),
    ),
)]
pub async fn close(
    connection: Found<ToControl>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let close: Close = body::json(&request, payload, MAX_CLOSE).await?;
    in_turn(connection, async move |state, handle| {
        let closed = handle.close(close.code, close.reason);
        let closed = state.in_time(closed).await?;
        closed.map_err(|error| match error {
            CloseError::Gone(_) => Problem::unknown(handle.name().as_str()),
            CloseError::Invalid(invalid) => Problem::unprocessable(invalid.to_string()),
        })?;
        Ok(state.cluster.closed(handle.name(), true).await?)
    })
    .await
}

/// Changes a connection in its turn, and returns its new status. The change is completed even if
/// the client stops waiting.
async fn in_turn(
    connection: Found<ToControl>,
    change: impl AsyncFnOnce(&AppState, &Handle) -> Result<(), Problem> + 'static,
) -> Result<HttpResponse, Problem> {
    let Found { state, name, .. } = connection;
    let changed = {
        let state = state.clone();
        async move {
            let subject = Subject::Connection(ConnectionName::clone(&name));
            let _turn = state.changes.turn(subject).await?;
            // The name may have another connection by now.
            let (handle, _) = state.find(&name)?;
            change(&state, &handle).await?;
            state.status(&handle).await
        }
    };
    let status = AppState::whole(changed).await?;
    persisted::written(&state.manager).await?;
    Ok(HttpResponse::Accepted().json(status))
}
