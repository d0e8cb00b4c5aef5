//! The subprotocols that a client offers: some are for this service, the others for the peer.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderValue},
};

use super::super::ws::PROTOCOL;
use crate::service::http::problem::Problem;

/// The subprotocols that a client offers, in the order of preference.
pub fn offers(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let lines = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    lines
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .filter(|offer| !offer.is_empty())
}

/// The subprotocols for the peer. The token of a page is for us, and so is the protocol that it
/// offers with the token.
pub fn for_the_peer(request: &HttpRequest) -> Result<Vec<String>, Problem> {
    let shows_token = request.headers().contains_key(header::AUTHORIZATION);
    let mut offered: Vec<String> = Vec::new();
    for offer in offers(request) {
        if offer == PROTOCOL || (!shows_token && offer.starts_with("bearer.")) {
            continue;
        }
        if !offer.bytes().all(is_token_byte) {
            let detail = format!(
                "invalid Sec-WebSocket-Protocol: {offer:?} is not a token (RFC 9110 §5.6.2)"
            );
            return Err(Problem::bad_request(detail));
        }
        if !offered.iter().any(|other| other == offer) {
            offered.push(offer.to_owned());
        }
    }
    Ok(offered)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The choice of the peer. If the peer chose none, a page gets ours, since a browser requires one.
pub fn chosen(request: &HttpRequest, by_peer: Option<&str>) -> Option<HeaderValue> {
    match by_peer {
        Some(chosen) => HeaderValue::from_str(chosen).ok(),
        None => offers(request)
            .any(|offer| offer == PROTOCOL)
            .then(|| HeaderValue::from_static(PROTOCOL)),
    }
}
