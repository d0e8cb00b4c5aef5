//! The status of connections.

use std::{future::Future, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use everwire::{Handle, Manager, Status};
use futures::future::join_all;
use serde::Serialize;

use super::{problem::Problem, query::ListQuery};

/// How long the actors may take to answer; they answer at once unless a callback blocks their thread.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How many actors are asked at a time.
const BATCH: usize = 256;

/// A part of the list, in the order of the names.
#[derive(Debug, Serialize)]
struct Page {
    connections: Vec<Status>,
    /// The `cursor` of the next page; `None` at the end.
    next_cursor: Option<String>,
}

/// `GET /v1/connections`: the status of many.
///
/// Pages are cut by name: one that is opened or removed meanwhile shifts no other from page to page.
pub async fn list(manager: Data<Manager>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = ListQuery::parse(request.query_string())?;
    let page = in_time(page(&manager, &query)).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// `GET /v1/connections/{name}`: the status of one.
pub async fn status(manager: Data<Manager>, name: Path<String>) -> Result<HttpResponse, Problem> {
    let handle = manager.find(name.as_str()).ok_or_else(|| unknown(&name))?;
    let status = in_time(handle.status()).await?;
    let status = status.map_err(|_gone| unknown(&name))?;
    Ok(HttpResponse::Ok().json(status))
}

/// `GET /v1/connections/{name}/config`: the settings under their TOML keys, secrets masked.
pub async fn config(manager: Data<Manager>, name: Path<String>) -> Result<HttpResponse, Problem> {
    let settings = manager
        .settings(name.as_str())
        .ok_or_else(|| unknown(&name))?;
    Ok(HttpResponse::Ok().json(settings.masked()))
}

async fn page(manager: &Manager, query: &ListQuery) -> Page {
    let handles = candidates(manager, query);
    let mut connections = Vec::new();
    // One more than fits tells whether there is a next page.
    let enough = query.limit + 1;
    for batch in handles.chunks(BATCH.min(enough)) {
        let statuses = join_all(batch.iter().map(Handle::status)).await;
        let wanted =
            |status: &Status| query.states.is_empty() || query.states.contains(&status.state);
        // A name that was removed just now is left out.
        connections.extend(statuses.into_iter().flatten().filter(wanted));
        if connections.len() >= enough {
            break;
        }
    }
    let is_last = connections.len() <= query.limit;
    connections.truncate(query.limit);
    let last = connections.last().map(|status| status.name.to_string());
    Page {
        connections,
        next_cursor: last.filter(|_| !is_last),
    }
}

/// The names that fit by what needs no answer of their actors.
fn candidates(manager: &Manager, query: &ListQuery) -> Vec<Handle> {
    let tagged = |handle: &Handle| {
        query.tags.is_empty()
            || manager
                .settings(handle.name())
                .is_some_and(|settings| settings.tags.iter().any(|tag| query.tags.contains(tag)))
    };
    let mut handles = manager.list(&query.pattern);
    handles.retain(|handle| {
        query
            .after
            .as_ref()
            .is_none_or(|after| handle.name() > after)
            && tagged(handle)
    });
    handles
}

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no connection named {name:?}"))
}

async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(ANSWER_TIMEOUT, answer)
        .await
        .map_err(|_| Problem::unavailable("the connections do not answer"))
}
