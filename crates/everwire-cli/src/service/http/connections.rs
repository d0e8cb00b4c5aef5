//! The status of connections.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use everwire::{Handle, Status};
use futures::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::Caller,
    lookup::Found,
    permit::{Permit, ToRead},
    problem::Problem,
    query::ListQuery,
};
use crate::service::state::AppState;

/// How many actors are asked at a time.
const BATCH: usize = 256;

/// A page of the list, in the order of the names.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// At most as many as requested.
    #[schema(value_type = Vec<super::schema::Status>)]
    connections: Vec<Status>,
    /// The `cursor` of the next page; `None` at the end.
    next_cursor: Option<String>,
    /// Nodes of the cluster that did not answer: their names are missing. Absent if all did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    missing_nodes: Vec<String>,
}

/// The status of many connections
///
/// Pages are cut by name: a connection that is created or removed meanwhile does not move others to
/// another page.
#[utoipa::path(
    get,
    path = "/v1/connections",
    tag = "connections",
    params(
        ("match" = inline(Option<super::schema::Filter>), Query),
        ("tag" = Option<Vec<String>>, Query, explode, description = "One of these tags; commas separate several too"),
        ("state" = inline(Option<Vec<super::schema::State>>), Query, explode, description = "One of these states; commas separate several too"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "How many; 100 by default"),
        ("cursor" = inline(Option<super::schema::Cursor>), Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = Page)),
)]
pub async fn list(
    permit: Permit<ToRead>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = ListQuery::parse(request.query_string())?;
    let page = state.in_time(page(&state, &permit, &query)).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// The status of one connection
#[utoipa::path(
    get,
    path = "/v1/connections/{name}",
    tag = "connections",
    params(("name" = inline(super::schema::Name), Path)),
    responses((status = 200, body = super::schema::Status)),
)]
pub async fn status(connection: Found<ToRead>) -> Result<HttpResponse, Problem> {
    let status = connection.status().await?;
    Ok(HttpResponse::Ok().json(status))
}

/// The settings of one connection
///
/// The settings have their TOML keys, with defaults included. Secrets are masked.
#[utoipa::path(
    get,
    path = "/v1/connections/{name}/config",
    tag = "connections",
    params(("name" = inline(super::schema::Name), Path)),
    responses((status = 200, body = Object)),
)]
pub async fn config(connection: Found<ToRead>) -> HttpResponse {
    HttpResponse::Ok().json(everwire::config::masked(&connection.settings))
}

async fn page(state: &AppState, caller: &Caller, query: &ListQuery) -> Page {
    let handles = candidates(state, caller, query);
    let mut connections = Vec::new();
    // One more than fits shows whether there is a next page.
    let enough = query.limit + 1;
    for batch in handles.chunks(BATCH.min(enough)) {
        let statuses = join_all(batch.iter().map(Handle::status)).await;
        let wanted =
            |status: &Status| query.states.is_empty() || query.states.contains(&status.state);
        // A name that was just removed is left out.
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
        missing_nodes: Vec::new(),
    }
}

/// The names that match, as far as this can be decided without their actors.
fn candidates(state: &AppState, caller: &Caller, query: &ListQuery) -> Vec<Handle> {
    let tagged = |handle: &Handle| {
        query.tags.is_empty()
            || state
                .manager
                .settings(handle.name())
                .is_some_and(|settings| settings.tags.iter().any(|tag| query.tags.contains(tag)))
    };
    let mut handles = state.list(caller, &query.pattern);
    handles.retain(|handle| {
        query
            .after
            .as_ref()
            .is_none_or(|after| handle.name() > after)
            && tagged(handle)
    });
    handles
}
