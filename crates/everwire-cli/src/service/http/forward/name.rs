//! Requests about a name that another node holds.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::{self, Data},
};
use bytes::Bytes;
use everwire::ConnectionName;
use tokio::time::{Instant, sleep};

use super::envelope::{Answer, Request};
use crate::service::{
    cluster::AskError,
    http::{access::Forwarded, body, problem::Problem},
    state::AppState,
};

/// The longest body that is passed on: that of a message.
const LONGEST: usize = 17 << 20;
/// A node may take so long to answer: as long as a client may wait for the fate of a message.
const WITHIN: Duration = Duration::from_secs(310);
/// So often it is looked whether the node is alive.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// For so long a name that moves is looked for.
const MOVING: Duration = Duration::from_secs(5);
/// And so often.
const AGAIN: Duration = Duration::from_millis(200);

/// Passes a request about a name on to the node that holds it.
///
/// # Errors
///
/// Those of the handlers.
pub async fn elsewhere(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((state, name)) = asked(&request) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    // Unknown callers, and those who do not reach the name, are refused as always.
    let caller = state.access.identify(request.headers());
    let Some(caller) = caller.ok().filter(|caller| caller.reaches(&name)) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let payload = request.extract::<web::Payload>().await?;
    let (request, _taken) = request.into_parts();
    let body = match body::change(&request, payload, LONGEST).await {
        Ok(body) => body,
        Err(problem) => return Ok(refused(request, problem)),
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let (method, headers) = (request.method(), request.headers());
    let passed_on = Request::new(method, target, headers, &caller, body.clone()).encode();
    let until = Instant::now() + MOVING;
    loop {
        let node = state
            .cluster
            .elsewhere(&name)
            .and_then(|elsewhere| elsewhere.node);
        let is_here = state.manager.find(&name).is_some();
        let may_wait = Instant::now() < until;
        match node {
            Some(node) if !is_here => {
                let asked = ask(&state, &node, passed_on.clone()).await;
                let answer = asked.map(|bytes| Answer::decode(&bytes));
                match answer {
                    Ok(Some(answer)) if answer.is_moved() && may_wait => {}
                    Ok(Some(answer)) => return Ok(ServiceResponse::new(request, response(answer))),
                    Ok(None) => return Ok(refused(request, unreadable(&node))),
                    // Nothing was done: it may be taken over.
                    Err(AskError::NobodyListens) if may_wait => {}
                    Err(error) => return Ok(refused(request, problem(&node, error))),
                }
            }
            // Nobody holds it, and it may be opened soon.
            None if !is_here && may_wait => {}
            _ => {
                let payload = Payload::from(body);
                let request = ServiceRequest::from_parts(request, payload);
                return Ok(next.call(request).await?.map_into_boxed_body());
            }
        }
        sleep(AGAIN).await;
    }
}

/// Asks a node, for as long as it is alive.
async fn ask(state: &AppState, node: &str, request: Bytes) -> Result<Bytes, AskError> {
    let boot = state.cluster.boot_of(node);
    let gone = async {
        while state.cluster.boot_of(node) == boot {
            sleep(BETWEEN_LOOKS).await;
        }
    };
    tokio::select! {
        answer = state.cluster.ask(node, request, WITHIN) => answer,
        () = gone => Err(AskError::Silent),
    }
}

/// The name that a request is about, if another node has it.
fn asked(request: &ServiceRequest) -> Option<(Data<AppState>, ConnectionName)> {
    let state = request.app_data::<Data<AppState>>()?;
    if !state.cluster.takes_part() || request.extensions().get::<Forwarded>().is_some() {
        return None;
    }
    let rest = request.path().strip_prefix("/v1/connections/")?;
    let (name, what) = rest.split_once('/').unwrap_or((rest, ""));
    // A WebSocket is not passed on. Settings may have secrets, and the file's names have none to be put.
    if what == "raw"
        || what.starts_with("raw/")
        || (what.is_empty() && *request.method() == Method::PUT)
    {
        return None;
    }
    let name = name.replace("%3A", ":").replace("%3a", ":");
    let name = ConnectionName::new(name).ok()?;
    let is_elsewhere =
        state.manager.find(&name).is_none() && state.cluster.elsewhere(&name).is_some();
    is_elsewhere.then(|| (state.clone(), name))
}

fn response(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(answer.status());
    for header in answer.headers() {
        response.append_header(header);
    }
    response.body(answer.body)
}

fn refused(request: actix_web::HttpRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    use actix_web::ResponseError as _;
    ServiceResponse::new(request, problem.error_response())
}

fn unreadable(node: &str) -> Problem {
    Problem::unavailable(format!(
        "the answer of the node {node:?} cannot be read: do all nodes have the same version of everwire?"
    ))
}

fn problem(node: &str, error: AskError) -> Problem {
    let detail = format!("the name is on the node {node:?}: {error}");
    match error {
        AskError::TooLong => Problem::too_large(LONGEST),
        // Whether it was done is unknown.
        AskError::Silent => Problem::unavailable(detail)
            .member("reason", "node_silent")
            .member("fate", "in_doubt"),
        AskError::Away | AskError::NobodyListens => {
            Problem::unavailable(detail).member("reason", "node_away")
        }
    }
}
