//! Requests about all names: each node answers for those that it holds.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody, to_bytes_limited},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::Next,
    web::{self, Data},
};
use bytes::Bytes;
use futures::future::join_all;
use serde_json::{Map, Value as Json};

use super::envelope::{Answer, Request};
use crate::service::{
    http::{access::Forwarded, body, control::MAX_CLOSE, query::ListQuery},
    state::AppState,
};

/// How long the other nodes may take.
const WITHIN: Duration = Duration::from_secs(5);
/// The longest answer of this node: a list of 1,000 names.
const LONGEST: usize = 64 << 20;

/// Asks the other nodes, too, where a request is about all names.
///
/// # Errors
///
/// Those of the handlers.
pub async fn everywhere(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((state, join)) = asked(&request) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let Ok(caller) = state.access.identify(request.headers()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let payload = request.extract::<web::Payload>().await?;
    let (request, _taken) = request.into_parts();
    let body = match body::change(&request, payload, MAX_CLOSE).await {
        Ok(body) => body,
        Err(problem) => {
            use actix_web::ResponseError as _;
            return Ok(ServiceResponse::new(request, problem.error_response()));
        }
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let passed_on = Request::new(
        request.method(),
        target,
        request.headers(),
        &caller,
        body.clone(),
    );
    let payload = actix_web::dev::Payload::from(body);
    let here = next
        .call(ServiceRequest::from_parts(request, payload))
        .await?;
    let here = here.map_into_boxed_body();
    if here.status() != StatusCode::OK {
        return Ok(here);
    }
    let (others, missing) = others(&state, &passed_on.encode()).await;
    let query = here.request().query_string().to_owned();
    let (request, response) = here.into_parts();
    let (response, body) = response.into_parts();
    let Ok(Ok(body)) = to_bytes_limited(body, LONGEST).await else {
        return Ok(ServiceResponse::new(
            request,
            HttpResponse::InternalServerError().finish(),
        ));
    };
    let joined = join(&body, &others, &query);
    let joined = joined.map(|joined| with_missing(joined, &missing));
    let body = joined.map_or(body, Bytes::from);
    let mut response = response.set_body(BoxBody::new(body));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Ok(ServiceResponse::new(request, response))
}

/// How answers are put together.
type Join = fn(&[u8], &[Bytes], &str) -> Option<Map<String, Json>>;

fn asked(request: &ServiceRequest) -> Option<(Data<AppState>, Join)> {
    let state = request.app_data::<Data<AppState>>()?;
    if !state.cluster.takes_part() || request.extensions().get::<Forwarded>().is_some() {
        return None;
    }
    let join: Join = match (request.method(), request.path()) {
        (&Method::GET, "/v1/connections") => lists,
        (&Method::POST, "/v1/connect" | "/v1/close" | "/v1/retry" | "/v1/rotate") => counts,
        _ => return None,
    };
    Some((state.clone(), join))
}

/// The answers of the other nodes, and those that did not answer.
async fn others(state: &AppState, request: &Bytes) -> (Vec<Bytes>, Vec<String>) {
    let asking = state.cluster.others().into_iter().map(|node| async {
        let asked = state.cluster.ask(&node, request.clone(), WITHIN).await;
        let answer = asked.ok().and_then(|bytes| Answer::decode(&bytes));
        (
            node,
            answer.filter(|answer| answer.status() == StatusCode::OK),
        )
    });
    let (mut answers, mut missing) = (Vec::new(), Vec::new());
    for (node, answer) in join_all(asking).await {
        match answer {
            Some(answer) => answers.push(answer.body),
            None => missing.push(node),
        }
    }
    (answers, missing)
}

/// Pages of lists, in the order of the names.
fn lists(here: &[u8], others: &[Bytes], query: &str) -> Option<Map<String, Json>> {
    let limit = ListQuery::parse(query).ok()?.limit;
    let mut page: Map<String, Json> = serde_json::from_slice(here).ok()?;
    let mut is_last = page.get("next_cursor").is_none_or(Json::is_null);
    let mut all = page.get("connections")?.as_array()?.clone();
    for other in others {
        let mut other: Map<String, Json> = serde_json::from_slice(other).ok()?;
        is_last &= other.get("next_cursor").is_none_or(Json::is_null);
        if let Some(Json::Array(connections)) = other.remove("connections") {
            all.extend(connections);
        }
    }
    all.sort_by(|a, b| name(a).cmp(name(b)));
    // A name that moves may be on both nodes.
    all.dedup_by(|a, b| name(a) == name(b));
    is_last &= all.len() <= limit;
    all.truncate(limit);
    let last = all.last().map(name).unwrap_or_default();
    let cursor = if is_last { Json::Null } else { last.into() };
    page.insert("next_cursor".into(), cursor);
    page.insert("connections".into(), all.into());
    Some(page)
}

fn name(status: &Json) -> &str {
    status["name"].as_str().unwrap_or_default()
}

/// Sums of counts.
fn counts(here: &[u8], others: &[Bytes], _: &str) -> Option<Map<String, Json>> {
    let mut sums: Map<String, Json> = serde_json::from_slice(here).ok()?;
    for other in others {
        let other: Map<String, Json> = serde_json::from_slice(other).ok()?;
        for (key, count) in other {
            let sum = sums.get(&key).and_then(Json::as_u64).unwrap_or_default();
            sums.insert(key, (sum + count.as_u64()?).into());
        }
    }
    Some(sums)
}

/// Says which nodes did not answer.
fn with_missing(mut joined: Map<String, Json>, missing: &[String]) -> String {
    if !missing.is_empty() {
        joined.insert("missing_nodes".into(), missing.into());
    }
    Json::Object(joined).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(names: &[&str], cursor: Option<&str>) -> Bytes {
        let connections: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"connections": connections, "next_cursor": cursor})
            .to_string()
            .into()
    }

    fn joined(limit: usize, pages: &[Bytes]) -> (Vec<String>, Json) {
        let query = format!("limit={limit}");
        let page = lists(&pages[0], &pages[1..], &query).unwrap();
        let names = page["connections"].as_array().unwrap().iter();
        (
            names.map(|of| name(of).to_owned()).collect(),
            page["next_cursor"].clone(),
        )
    }

    #[test]
    fn lists_are_joined_by_name_and_cut_where_one_goes_on() {
        let pages = [
            page(&["a", "d"], None),
            page(&["b", "d", "e"], None),
            page(&[], None),
        ];
        let (names, cursor) = joined(10, &pages);
        assert_eq!((names.join(""), cursor), ("abde".into(), Json::Null));
        let (names, cursor) = joined(2, &pages);
        assert_eq!((names.join(""), cursor), ("ab".into(), "b".into()));
        let pages = [page(&["a", "b"], Some("b")), page(&["x"], None)];
        let (names, cursor) = joined(2, &pages);
        // What comes after "b" on the first node may be before "x".
        assert_eq!((names.join(""), cursor), ("ab".into(), "b".into()));
    }

    #[test]
    fn counts_are_summed_and_nodes_that_are_silent_are_named() {
        let one = Bytes::from_static(br#"{"matched":2,"changed":1}"#);
        let sums = counts(&one, &[one.clone(), one.clone()], "").unwrap();
        assert_eq!(
            with_missing(sums, &["c".into()]),
            r#"{"changed":3,"matched":6,"missing_nodes":["c"]}"#
        );
    }
}
