//! Requests for all connections of a pattern.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use everwire::{Handle, Pattern, State, manager::CloseError};
use futures::{StreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::Caller,
    body,
    control::{Close, MAX_CLOSE},
    permit::{Permit, ToControl},
    problem::Problem,
};
use crate::service::{changes::Subject, persisted, state::AppState};

/// How many connections are handled at a time.
const AT_A_TIME: usize = 256;

/// The number of connections in a bulk request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Matched {
    /// The connections that the pattern selects.
    matched: usize,
    /// Those of them for which something was done.
    changed: usize,
    /// Nodes of the cluster that did not answer: nothing is known of their names. Absent if all did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    missing_nodes: Vec<String>,
}

/// Connect all connections of a pattern
#[utoipa::path(
    post,
    path = "/v1/connect",
    tag = "control",
    params(("match" = inline(super::schema::Pattern), Query)),
    responses((status = 200, body = Matched)),
)]
pub async fn connect(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let handles = matched(&state, &permit, &request)?;
    let connected = for_each(&state, handles, async |handle| {
        let is_down = !is_in(handle, &[State::Connecting, State::Opening, State::Open]).await;
        let connected = handle.connect(None).await.is_ok();
        // A change that the cluster does not know is not done.
        let noted = state.cluster.closed(handle.name(), false).await;
        connected && noted.is_ok() && is_down
    });
    let answer = connected.await?;
    persisted::written(&state.manager).await?;
    Ok(answer)
}

/// Close all connections of a pattern by hand
#[utoipa::path(
    post,
    path = "/v1/close",
    tag = "control",
    params(("match" = inline(super::schema::Pattern), Query)),
    request_body(content = Option<Close>),
    responses(
        (status = 200, body = Matched),
        (status = 415, body = super::schema::Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "A code or reason that cannot be sent"),
    ),
)]
pub async fn close(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let handles = matched(&state, &permit, &request)?;
    let close: Close = body::json(&request, payload, MAX_CLOSE).await?;
    check(&close)?;
    let closed = for_each(&state, handles, async |handle| {
        let is_up = !is_in(handle, &[State::Closing, State::Closed]).await;
        let closed = handle.close(close.code, close.reason.clone()).await;
        let noted = state.cluster.closed(handle.name(), true).await;
        closed.is_ok() && noted.is_ok() && is_up
    });
    let answer = closed.await?;
    persisted::written(&state.manager).await?;
    Ok(answer)
}

/// Dial now all connections of a pattern that wait in backoff or have failed
///
/// Connections that are up ask again at once for each of their subscriptions that the peer has
/// refused, not answered or ended.
#[utoipa::path(
    post,
    path = "/v1/retry",
    tag = "control",
    params(("match" = inline(super::schema::Pattern), Query)),
    responses((status = 200, body = Matched)),
)]
pub async fn retry(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let handles = matched(&state, &permit, &request)?;
    for_each(&state, handles, async |handle| {
        match is_in(handle, &[State::Backoff, State::Failed]).await {
            true => handle.connect(None).await.is_ok(),
            false => handle
                .retry_subscriptions()
                .await
                .is_ok_and(|retried| retried > 0),
        }
    })
    .await
}

/// Replace the sockets of all connections of a pattern
///
/// Each new socket is ready before the old one closes.
#[utoipa::path(
    post,
    path = "/v1/rotate",
    tag = "control",
    params(("match" = inline(super::schema::Pattern), Query)),
    responses((status = 200, body = Matched)),
)]
pub async fn rotate(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let handles = matched(&state, &permit, &request)?;
    for_each(&state, handles, async |handle| {
        handle.rotate().await.is_ok()
    })
    .await
}

/// The connections of `?match=` that the caller reaches. Without a pattern there are none: a client
/// that means all must say so.
fn matched(
    state: &AppState,
    caller: &Caller,
    request: &HttpRequest,
) -> Result<Vec<Handle>, Problem> {
    let mut pattern = None;
    for (key, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        let wrong = |reason: String| Problem::bad_request(format!("invalid {key}: {reason}"));
        match &*key {
            "match" if pattern.is_some() => {
                return Err(wrong(
                    "it comes twice; a comma separates alternatives".into(),
                ));
            }
            "match" => {
                let read = Pattern::new(&value).map_err(|error| wrong(error.to_string()))?;
                pattern = Some(read);
            }
            _ => {
                return Err(Problem::bad_request(format!(
                    "unknown parameter {key}; the only one is match"
                )));
            }
        }
    }
    let Some(pattern) = pattern else {
        let detail = "missing parameter match: write a pattern; * selects all connections";
        return Err(Problem::bad_request(detail));
    };
    Ok(state.list(caller, &pattern))
}

/// Checked before the first connection is closed: an invalid code is invalid for all.
fn check(close: &Close) -> Result<(), Problem> {
    let reason = close.reason.clone().into();
    let close = everwire::CloseMyself {
        code: close.code,
        reason,
    };
    close
        .check()
        .map_err(|invalid| Problem::unprocessable(CloseError::from(invalid).to_string()))
}

/// Whether a connection is in one of these states now.
async fn is_in(handle: &Handle, states: &[State]) -> bool {
    let status = handle.status().await;
    status.is_ok_and(|status| states.contains(&status.state))
}

/// Runs the work in the connection's turn, so that what it checks first still holds when it acts.
async fn in_turn(state: &AppState, handle: &Handle, work: impl AsyncFn(&Handle) -> bool) -> bool {
    let subject = Subject::Connection(handle.name().clone());
    let Ok(_turn) = state.changes.turn(subject).await else {
        return false;
    };
    // The name may have another connection by now, or none.
    match state.manager.find(handle.name()) {
        Some(handle) => work(&handle).await,
        None => false,
    }
}

async fn for_each(
    state: &AppState,
    handles: Vec<Handle>,
    work: impl AsyncFn(&Handle) -> bool,
) -> Result<HttpResponse, Problem> {
    let matched = handles.len();
    let changed = stream::iter(&handles)
        .map(|handle| in_turn(state, handle, &work))
        .buffer_unordered(AT_A_TIME)
        .filter(|changed| std::future::ready(*changed))
        .count();
    let changed = state.in_time(changed).await?;
    Ok(HttpResponse::Ok().json(Matched {
        matched,
        changed,
        missing_nodes: Vec::new(),
    }))
}
