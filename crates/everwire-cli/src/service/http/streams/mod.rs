//! Long-lived responses: server-sent events, the downstream WebSocket, the raw bridge.
//!
//! A client that stops reading is not polled, so its task cannot end it. Its waiting events stay
//! within the limits of its subscriptions: the oldest are dropped, which is reported. The kernel
//! ends its connection ([`user_timeout`](super::user_timeout)).

mod batches;
mod client_timeout;
mod connection_limit;
mod frames;
mod holding;
mod inbound;
mod json_batch;
mod op;
pub mod raw;
pub mod sse;
mod subscriptions;
#[cfg(test)]
mod tests;
pub mod ws;

use actix_web::{HttpRequest, http::header};
use actix_web_actors::ws::HandshakeError;
use base64::Engine;
use everwire::{
    Pattern,
    core::Cursor,
    hub::{Delivery, Kinds, SubscriptionKeys},
    memory::{MemoryUse, OutOfMemory},
};

pub use self::{
    connection_limit::{ConnectionLimit, ConnectionSlot},
    subscriptions::Subscriptions,
};
use super::{access::Caller, hosts, problem::Problem};
use crate::service::state::AppState;

/// The most keys that a reader may ask for, and their total size in bytes.
const MAX_KEYS: usize = 1024;
const MAX_KEY_BYTES: usize = 64 << 10;

/// The limits of what may wait for one subscription. The oldest are dropped first.
fn delivery(
    events: usize,
    bytes: usize,
    kinds: Kinds,
    subscriptions: Option<SubscriptionKeys>,
) -> Delivery {
    let mut delivery = Delivery::default().events(events).kinds(kinds);
    (delivery.bytes, delivery.subscriptions) = (bytes, subscriptions);
    delivery
}

/// The subscriptions whose messages are wanted.
fn keys(keys: Vec<String>) -> Result<SubscriptionKeys, Problem> {
    let bytes: usize = keys.iter().map(String::len).sum();
    if keys.len() > MAX_KEYS || bytes > MAX_KEY_BYTES {
        return Err(Problem::bad_request(format!(
            "invalid subscription: it has at most {MAX_KEYS} keys, of {MAX_KEY_BYTES} bytes together; leave them out to receive all"
        )));
    }
    Ok(keys.into_iter().collect())
}

/// The keys in a parameter, separated by commas. A backslash escapes a comma or a backslash within
/// a key.
fn split_keys(text: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        match (character, keys.last_mut()) {
            ('\\', _) if !escaped => {
                escaped = true;
                continue;
            }
            (',', _) if !escaped => keys.push(String::new()),
            (other, Some(key)) => key.push(other),
            (_, None) => {}
        }
        escaped = false;
    }
    keys.retain(|key| !key.is_empty());
    keys
}

/// The requested names that the caller may know about. An empty text means all of these.
fn pattern(caller: &Caller, text: &str) -> Result<Pattern, Problem> {
    if text.is_empty() {
        return Ok(caller.names().clone());
    }
    let asked = Pattern::new(text);
    let asked = asked.map_err(|error| Problem::bad_request(format!("invalid match: {error}")))?;
    Ok(match caller.reaches_all() {
        true => asked,
        false => asked.within(caller.names().clone()),
    })
}

/// The requested types of events. An empty text means all except `sent`.
fn kinds(text: &str) -> Result<Kinds, Problem> {
    if text.is_empty() {
        return Ok(Kinds::default());
    }
    Kinds::parse(text).map_err(|error| Problem::bad_request(format!("invalid types: {error}")))
}

/// The position where a reader stopped. An empty text means now.
fn cursor(what: &str, text: &str) -> Result<Option<Cursor>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let cursor = text.parse();
    let cursor = cursor.map_err(|error| Problem::bad_request(format!("{what}: {error}")))?;
    Ok(Some(cursor))
}

/// Takes a place for a client that stays connected.
///
/// # Errors
///
/// 403 for a page of another site, 503 if there is no place or no memory for another client.
fn take_slot(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
) -> Result<ConnectionSlot, Problem> {
    hosts::check_site(request)?;
    let slot = state
        .connection_limit
        .take(caller, state.access.tenants())?;
    match state.manager.charge(MemoryUse::Readers).has_room(1) {
        true => Ok(slot),
        false => Err(OutOfMemory.into()),
    }
}

/// Refuses a request that is not a WebSocket handshake, before anything is set up for it.
fn check_handshake(request: &HttpRequest) -> Result<(), Problem> {
    match actix_web_actors::ws::handshake(request) {
        Ok(_) if has_key(request) => Ok(()),
        Ok(_) => Err(Problem::bad_request(
            HandshakeError::BadWebsocketKey.to_string(),
        )),
        Err(
            error @ (HandshakeError::NoWebsocketUpgrade
            | HandshakeError::NoConnectionUpgrade
            | HandshakeError::NoVersionHeader
            | HandshakeError::UnsupportedVersion),
        ) => Err(Problem::upgrade_required(error.to_string())),
        Err(error) => Err(Problem::bad_request(error.to_string())),
    }
}

/// Whether there is a key of 16 bytes (RFC 6455 §4.2.1).
fn has_key(request: &HttpRequest) -> bool {
    let mut keys = request.headers().get_all(header::SEC_WEBSOCKET_KEY);
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return false;
    };
    let key = base64::engine::general_purpose::STANDARD.decode(key);
    key.is_ok_and(|key| key.len() == 16)
}
