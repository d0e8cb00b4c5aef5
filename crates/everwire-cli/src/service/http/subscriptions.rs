//! Live subscriptions: they are added and removed without a new socket.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Payload},
};
use everwire::{
    ConnectionName, HoldError,
    dialogue::{Holder, SubscriptionStatus},
};
use serde::Deserialize;

use super::{
    body,
    lookup::Found,
    permit::{ToControl, ToRead},
    problem::Problem,
};
use crate::service::{changes::Subject, persisted, state::AppState};

mod list;
mod wish;

pub use self::{
    list::Subscription,
    wish::{read_wish, refuse_foreign},
};

/// The longest body in bytes: an item with its messages and expected answers.
const MAX_WISH: usize = 256 << 10;
/// The longest body from a token that does not reach all names: subscriptions are kept in memory
/// and on disk.
const TENANTS_WISH: usize = 64 << 10;

/// The subscriptions of a connection
///
/// In the order of their keys, with the state and the holders of each. `state` takes several
/// values, separated by commas.
#[utoipa::path(
    get,
    path = "/v1/connections/{name}/subscriptions",
    tag = "subscriptions",
    params(
        ("name" = inline(super::schema::Name), Path),
        ("state" = Option<String>, Query, max_length = 128, pattern = "^((wanted|sent|active|refused|unanswered|ended)(,(wanted|sent|active|refused|unanswered|ended))*)?$", description = "Only those that stand there; several are separated by commas"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "The size of a page; 100 by default"),
        ("cursor" = Option<String>, Query, max_length = 1024, description = "The last key of the page before"),
    ),
    responses((status = 200, body = super::schema::Subscriptions)),
)]
pub async fn list(
    connection: Found<ToRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = list::Query::parse(request.query_string())?;
    let Found { state, handle, .. } = connection;
    let told = state.in_time(handle.subscriptions()).await?;
    let all = told.map_err(|_gone| Problem::unknown(handle.name().as_str()))?;
    Ok(HttpResponse::Ok().json(list::page(all, &query)))
}

/// Subscribe to a key
///
/// The subscription needs no new socket. It lasts over reconnects and rotations until it is
/// deleted, and over restarts if there is a store. Without a body, the item is the key, unless the
/// settings of the connection define another one. Otherwise the body is an object with `item` and
/// with the keys of `subscribe` that differ from the settings. Strings in an item are templates.
/// Repeating the PUT changes nothing, but asks again at once for a subscription that the peer has
/// refused, not answered or ended.
#[utoipa::path(
    put,
    path = "/v1/connections/{name}/subscriptions/{key}",
    tag = "subscriptions",
    params(("name" = inline(super::schema::Name), Path), ("key" = inline(super::schema::SubscriptionKey), Path)),
    request_body(content = Option<super::schema::Wish>, content_type = "application/json"),
    responses(
        (status = 200, body = super::schema::Subscription, description = "The API held it already"),
        (status = 201, body = super::schema::Subscription, description = "The API holds it from now on"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The key is held with another item (reason other_item), there are as many as may be (reason full), or another change of the connection is under way"),
        (status = 413, body = super::schema::Problem, content_type = "application/problem+json", description = "Longer than 256 KiB, or than 64 KiB if the token does not reach all names"),
        (status = 415, body = super::schema::Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "The settings of the connection do not say how it subscribes (reason no_subscribe), or the body cannot be used"),
    ),
)]
pub async fn put(
    connection: Found<ToControl>,
    key: web::Path<Key>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let Found {
        state,
        caller,
        name,
        ..
    } = connection;
    state.refuse_unknown()?;
    let longest = match caller.reaches_all() {
        true => MAX_WISH,
        false => TENANTS_WISH,
    };
    let text = body::json_text(&request, payload, longest).await?;
    let wish = read_wish(&caller, &text)?;
    let key = key.into_inner().key;
    let put = {
        let (state, name, key) = (state.clone(), name.clone(), key.clone());
        async move {
            let subject = Subject::Connection(ConnectionName::clone(&name));
            let _turn = state.changes.turn(subject).await?;
            // The name may have another connection by now.
            let (handle, _) = state.find(&name)?;
            let held = handle.hold_subscription(&key, wish, Holder::Api);
            let held = state.in_time(held).await;
            let was_held = || state.holds.has(&name, &key);
            let status = held.map_err(|_late| not_taken_on(&key, was_held()))??;
            let is_new = state.holds.insert(&name, status.key.clone());
            persisted::subscription(&state.manager, &name, &key, &text);
            Ok((is_new, status))
        }
    };
    let (is_new, status) = AppState::whole(put).await?;
    persisted::written(&state.manager).await?;
    let status = Subscription(&status);
    if !is_new {
        return Ok(HttpResponse::Ok().json(status));
    }
    let rules = state.rules();
    let prefix = rules.public_url.as_ref().map_or("", |url| url.path());
    let key = segment(&key);
    let location = format!("{prefix}/v1/connections/{}/subscriptions/{key}", *name);
    let mut created = HttpResponse::Created();
    Ok(created
        .insert_header((header::LOCATION, location))
        .json(status))
}

/// End a subscription of the API
///
/// The peer is told if nobody else holds the key: neither the settings of the connection nor a
/// client of `/v1/ws`.
#[utoipa::path(
    delete,
    path = "/v1/connections/{name}/subscriptions/{key}",
    tag = "subscriptions",
    params(("name" = inline(super::schema::Name), Path), ("key" = inline(super::schema::SubscriptionKey), Path)),
    responses(
        (status = 204, description = "The API does not hold it any more"),
        (status = 404, body = super::schema::Problem, content_type = "application/problem+json", description = "There is no such connection, or the API does not hold the key"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The settings of the connection alone hold it, or another change of the connection is under way"),
    ),
)]
pub async fn delete(
    connection: Found<ToControl>,
    key: web::Path<Key>,
) -> Result<HttpResponse, Problem> {
    let Found { state, name, .. } = connection;
    state.refuse_unknown()?;
    let key = key.into_inner().key;
    let release = {
        let state = state.clone();
        async move {
            let subject = Subject::Connection(ConnectionName::clone(&name));
            let _turn = state.changes.turn(subject).await?;
            let (handle, _) = state.find(&name)?;
            if !state.holds.has(&name, &key) {
                let told = state.in_time(handle.subscriptions()).await?;
                return Err(not_held(&key, &told.unwrap_or_default()));
            }
            let released = handle.release_subscription(&key, Holder::Api);
            let released = state.in_time(released).await;
            // Also if the answer is late: the name has released it, or does so in its turn.
            state.holds.remove(&name, &key);
            persisted::forget_subscription(&state.manager, &name, &key);
            match released.map_err(|_late| let_go_of(&key))? {
                // Without `subscribe` in the settings, the subscription is already gone.
                Ok(_) | Err(HoldError::NoSubscribe) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    };
    AppState::whole(release).await?;
    persisted::written(&state.manager).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The key in a path, next to the name.
#[derive(Debug, Deserialize)]
pub struct Key {
    key: String,
}

/// A key as one segment of a path.
fn segment(key: &str) -> String {
    let mut segment = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                segment.push(byte.into());
            }
            // Also escapes dots: "." and ".." are not valid segments.
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

/// 503: the connection does not answer. The text says what that means for a key that a caller
/// wants.
pub fn not_taken_on(key: &str, was_held: bool) -> Problem {
    let holds = match was_held {
        true => "is held as before",
        false => "is not held",
    };
    Problem::unavailable(format!(
        "the connection does not answer: the subscription {key:?} {holds}; ask again"
    ))
}

/// 503: the connection does not answer, and a caller wants to release a key.
fn let_go_of(key: &str) -> Problem {
    Problem::unavailable(format!(
        "the connection does not answer: the API does not hold the subscription {key:?} any more, and the peer is told once the connection answers"
    ))
}

/// Why the API cannot release a key.
fn not_held(key: &str, all: &[SubscriptionStatus]) -> Problem {
    let holders = all.iter().find(|status| *status.key == *key);
    let holders = holders.map_or(&[][..], |status| &status.holders);
    if holders.contains(&Holder::File) {
        return Problem::conflict(format!(
            "the settings of the connection hold the subscription {key:?}; change it there"
        ));
    }
    Problem::not_found(match holders {
        [] => format!("there is no subscription {key:?}"),
        _ => format!(
            "the API does not hold the subscription {key:?}: clients of /v1/ws do, and it ends with them"
        ),
    })
}

impl From<HoldError> for Problem {
    fn from(error: HoldError) -> Self {
        let detail = error.to_string();
        match error {
            HoldError::OtherItem { .. } => Self::conflict(detail).member("reason", "other_item"),
            HoldError::TooMany { .. } => Self::conflict(detail).member("reason", "full"),
            HoldError::NoMemory(_) => {
                let soon = header::HeaderValue::from_static("1");
                let problem = Self::unavailable(detail).member("cause", "memory");
                problem.header(header::RETRY_AFTER, soon)
            }
            HoldError::NoSubscribe => Self::unprocessable(detail).member("reason", "no_subscribe"),
            HoldError::TooLong { .. } => Self::unprocessable(detail).member("reason", "too_long"),
            HoldError::Gone(_) => Self::not_found(detail),
            _ => Self::unprocessable(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_segment_of_a_path() {
        assert_eq!(segment("BTC-USD_1"), "BTC-USD_1");
        assert_eq!(
            segment("trades/a b?#%é.."),
            "trades%2Fa%20b%3F%23%25%C3%A9%2E%2E"
        );
    }

    #[test]
    fn each_refusal_has_its_status() {
        for (error, status, reason) in [
            (
                HoldError::OtherItem { key: "k".into() },
                409,
                Some("other_item"),
            ),
            (HoldError::TooMany { max: 3 }, 409, Some("full")),
            (HoldError::NoSubscribe, 422, Some("no_subscribe")),
            (HoldError::Invalid("no".into()), 422, None),
        ] {
            let told = Problem::from(error).json();
            assert_eq!(told["status"], status);
            assert_eq!(told["reason"].as_str(), reason);
        }
    }
}
