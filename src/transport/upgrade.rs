//! The upgrade by `awc`, and the checks that `awc` leaves to us.

use std::rc::Rc;

use actix_http::header::HeaderMap;
use awc::http::header::{self, HeaderValue};
use bytes::Bytes;

use super::{
    exchange, progress::Progress, request::Prepared, subprotocols::Offered, upgrade_error,
};
use crate::{
    core::Cause,
    wire::deflate::{self, Agreed, Offer},
};

/// An answer that was accepted.
pub(super) struct Upgraded {
    /// Bytes that came behind the head of the answer.
    pub leftover: Bytes,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The negotiated compression.
    pub compression: Option<Agreed>,
}

/// Sends the request over the stream in `progress`, and checks the answer (RFC 6455 §4.1). Takes the URI and
/// the headers out of `prepared`.
///
/// The object that `awc` builds around the stream is dropped with its buffers. The stream stays.
pub(super) async fn upgrade(
    prepared: &mut Prepared,
    may_choose_none: bool,
    progress: &Rc<Progress>,
) -> Result<Upgraded, Cause> {
    let mut request = exchange::request(std::mem::take(&mut prepared.uri));
    // `awc` keeps neither the spelling nor the order of headers, so ours are passed separately.
    // Without a `Host`, `awc` would add one.
    progress
        .headers
        .replace(std::mem::take(&mut prepared.headers));
    request = request.header(header::HOST, HeaderValue::from_static(""));
    let answered = exchange::within(Rc::clone(progress), request.connect()).await;
    let (answer, framed) = answered.map_err(upgrade_error::upgrade)?;
    check_upgrade(answer.headers())?;
    let compression = agreed(answer.headers(), prepared.compression.as_ref())?;
    let subprotocol = chosen(answer.headers(), &prepared.subprotocols, may_choose_none)?;
    let read_buf = framed.into_parts().read_buf;
    // An empty buffer would keep its capacity allocated while the leftover exists.
    let leftover = match read_buf.is_empty() {
        true => Bytes::new(),
        false => Bytes::copy_from_slice(&read_buf),
    };
    Ok(Upgraded {
        leftover,
        subprotocol,
        compression,
    })
}

/// `awc` accepts any value that contains "websocket".
fn check_upgrade(headers: &HeaderMap) -> Result<(), Cause> {
    let mut upgrades = headers.get_all(header::UPGRADE);
    let is_websocket = |value: &HeaderValue| {
        value
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"websocket")
    };
    match (upgrades.next(), upgrades.next()) {
        (Some(value), None) if is_websocket(value) => Ok(()),
        (Some(_), Some(_)) => Err(Cause::HandshakeInvalid(
            "the answer has more than one Upgrade header".into(),
        )),
        _ => Err(Cause::HandshakeInvalid(
            "the answer's Upgrade header is not \"websocket\"".into(),
        )),
    }
}

/// `awc` accepts any extension.
fn agreed(headers: &HeaderMap, offer: Option<&Offer>) -> Result<Option<Agreed>, Cause> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS);
    deflate::agree(offer, lines.map(HeaderValue::as_bytes))
        .map_err(|error| Cause::Extension(error.to_string()))
}

/// The server may choose no subprotocol if none was offered or the settings allow it.
fn chosen(
    headers: &HeaderMap,
    offered: &[Offered],
    may_choose_none: bool,
) -> Result<Option<String>, Cause> {
    let mut answered = tokens(headers, header::SEC_WEBSOCKET_PROTOCOL);
    let one = match (answered.next(), answered.next()) {
        (None, _) if offered.is_empty() || may_choose_none => return Ok(None),
        (None, _) => {
            let shown: Vec<_> = offered.iter().map(Offered::shown).collect();
            return Err(Cause::Subprotocol(format!(
                "the server chose none of the subprotocols {}",
                shown.join(", ")
            )));
        }
        (Some(_), Some(_)) => {
            let text = "the server chose more than one subprotocol";
            return Err(Cause::Subprotocol(text.into()));
        }
        (Some(one), None) => one,
    };
    let found = offered.iter().find(|offered| offered.text.expose() == one);
    match found {
        Some(chosen) => Ok(Some(chosen.shown().to_owned())),
        None => Err(Cause::Subprotocol(format!(
            "the server chose the subprotocol {one:?}, which was not offered"
        ))),
    }
}

/// The elements of a list header, from all its lines (RFC 9110 §5.6.1).
fn tokens(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = String> {
    headers
        .get_all(name)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|token| String::from_utf8_lossy(token.trim_ascii()).into_owned())
        .filter(|token| !token.is_empty())
}
