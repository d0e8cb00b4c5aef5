//! Requests about all names: each node answers for those that it holds.

use std::time::Duration;

use actix_web::{
    Error, HttpMessage,
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
    http::{access::Forwarded, body, control::MAX_CLOSE, problem::Problem, query::ListQuery},
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
    let body = to_bytes_limited(body, LONGEST).await.ok();
    let here = body.and_then(|body| serde_json::from_slice(&body.ok()?).ok());
    let joined = here.and_then(|here| join(here, others, &query));
    let Some(mut joined) = joined else {
        use actix_web::ResponseError as _;
        let problem = Problem::unavailable("the answers of the nodes cannot be put together");
        return Ok(ServiceResponse::new(request, problem.error_response()));
    };
    if !missing.is_empty() {
        joined.insert("missing_nodes".into(), missing.into());
    }
    let body = Bytes::from(Json::Object(joined).to_string());
    let mut response = response.set_body(BoxBody::new(body));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Ok(ServiceResponse::new(request, response))
}

/// How answers are put together.
type Join = fn(Object, Vec<Object>, &str) -> Option<Object>;
/// An answer.
type Object = Map<String, Json>;

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
async fn others(state: &AppState, request: &Bytes) -> (Vec<Object>, Vec<String>) {
    let asking = state.cluster.others().into_iter().map(|node| async {
        let asked = state.cluster.ask(&node, request.clone(), WITHIN).await;
        let answer = asked.ok().and_then(|bytes| Answer::decode(&bytes));
        let answer = answer.filter(|answer| answer.status() == StatusCode::OK);
        let object = answer.and_then(|answer| serde_json::from_slice(&answer.body).ok());
        (node, object)
    });
    let (mut answers, mut missing) = (Vec::new(), Vec::new());
    for (node, answer) in join_all(asking).await {
        match answer {
            Some(answer) => answers.push(answer),
            None => missing.push(node),
        }
    }
    (answers, missing)
}

/// Pages of lists, in the order of the names.
fn lists(mut page: Object, others: Vec<Object>, query: &str) -> Option<Object> {
    let limit = ListQuery::parse(query).ok()?.limit;
    let mut is_last = true;
    let mut all = Vec::new();
    for mut other in std::iter::once(page.clone()).chain(others) {
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
fn counts(mut sums: Object, others: Vec<Object>, _: &str) -> Option<Object> {
    for (key, count) in others.into_iter().flatten() {
        let sum = sums.get(&key).and_then(Json::as_u64).unwrap_or_default();
        sums.insert(key, (sum + count.as_u64()?).into());
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(json: Json) -> Object {
        serde_json::from_value(json).unwrap()
    }

    fn page(names: &[&str], cursor: Option<&str>) -> Object {
        let connections: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        object(json!({"connections": connections, "next_cursor": cursor}))
    }

    fn joined<const N: usize>(limit: usize, pages: [Object; N]) -> (String, Json) {
        let mut pages = Vec::from(pages);
        let here = pages.remove(0);
        let page = lists(here, pages, &format!("limit={limit}")).unwrap();
        let names = page["connections"].as_array().unwrap().iter().map(name);
        (names.collect(), page["next_cursor"].clone())
    }

    #[test]
    fn lists_are_joined_by_name_and_cut_where_one_goes_on() {
        let pages = || {
            [
                page(&["a", "d"], None),
                page(&["b", "d", "e"], None),
                page(&[], None),
            ]
        };
        assert_eq!(joined(10, pages()), ("abde".into(), Json::Null));
        assert_eq!(joined(2, pages()), ("ab".into(), "b".into()));
        let pages = [page(&["a", "b"], Some("b")), page(&["x"], None)];
        // What comes after "b" on the first node may be before "x".
        assert_eq!(joined(2, pages), ("ab".into(), "b".into()));
    }

    #[test]
    fn counts_are_summed_and_what_is_no_count_is_no_answer() {
        let one = || object(json!({"matched": 2, "changed": 1}));
        let sums = counts(one(), vec![one(), one()], "").unwrap();
        assert_eq!(sums, object(json!({"matched": 6, "changed": 3})));
        let wrong = object(json!({"matched": "two"}));
        assert_eq!(counts(one(), vec![wrong], ""), None);
    }
}
