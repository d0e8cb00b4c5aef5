//! The upgrade by `awc`, and what it leaves for us to check.

use std::rc::Rc;

use actix_codec::Framed;
use actix_http::{
    ResponseHead,
    h1::{ClientCodec, MessageType},
    header::HeaderMap,
};
use actix_service::Service;
use awc::{
    BoxedSocket, ClientBuilder, ConnectRequest, ConnectResponse,
    error::{ConnectError, SendRequestError},
    http::{StatusCode, Version, header},
    middleware::Transform,
};
use bytes::Bytes;
use futures::future::LocalBoxFuture;
use std::{future::poll_fn, pin::Pin};

use super::{
    connector::Connector, dial::FAR, dial::Progress, failure, redirect::Redirect, refusal::refusal,
    request::Prepared,
};
use crate::{
    core::Cause,
    wire::deflate::{self, Agreed, Offer},
};

/// An answer that was accepted.
pub(super) struct Upgraded {
    /// What came behind the answer's head.
    pub leftover: Bytes,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The compression that was agreed on.
    pub compression: Option<Agreed>,
}

/// Sends the request over a stream of `connector`'s and checks the answer (RFC 6455 §4.1).
///
/// Every timeout of `awc` is out of the way: the dial has one deadline of its own. The client is thrown away with
/// its pool and its buffers; the stream stays behind in `progress`.
pub(super) async fn upgrade(
    prepared: &Prepared,
    connector: Connector,
    progress: &Rc<Progress>,
) -> Result<Upgraded, Cause> {
    let connector = awc::Connector::new()
        .connector(connector)
        .limit(0)
        .timeout(FAR)
        .handshake_timeout(FAR);
    let client = ClientBuilder::new()
        .connector(connector)
        .disable_timeout()
        .disable_redirects()
        .no_default_headers()
        .wrap(Judge(Rc::clone(progress)))
        .finish();
    let mut request = client.ws(&prepared.uri).set_camel_case_headers(true);
    for (name, value) in &prepared.headers {
        request = request.header(name, value.clone());
    }
    let (answer, framed) = request.connect().await.map_err(failure::upgrade)?;
    check_upgrade(answer.headers())?;
    let compression = agreed(answer.headers(), prepared.compression.as_ref())?;
    let subprotocol = chosen(answer.headers(), &prepared.subprotocols)?;
    let read_buf = framed.into_parts().read_buf;
    // An empty one would keep its capacity alive for as long as the leftover is.
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

/// `awc` is content with any value that contains "websocket".
fn check_upgrade(headers: &HeaderMap) -> Result<(), Cause> {
    let mut upgrades = headers.get_all(header::UPGRADE);
    let is_websocket = |value: &header::HeaderValue| {
        value
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"websocket")
    };
    match (upgrades.next(), upgrades.next()) {
        (Some(value), None) if is_websocket(value) => Ok(()),
        _ => Err(Cause::HandshakeInvalid(
            "the answer's Upgrade header is not \"websocket\"".into(),
        )),
    }
}

/// `awc` accepts any extension.
fn agreed(headers: &HeaderMap, offer: Option<&Offer>) -> Result<Option<Agreed>, Cause> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS);
    deflate::agree(offer, lines.map(header::HeaderValue::as_bytes))
        .map_err(|error| Cause::Extension(error.to_string()))
}

fn chosen(headers: &HeaderMap, offered: &[String]) -> Result<Option<String>, Cause> {
    let mut answered = tokens(headers, header::SEC_WEBSOCKET_PROTOCOL);
    match (answered.next(), answered.next()) {
        (None, _) if offered.is_empty() => Ok(None),
        (None, _) => Err(Cause::Subprotocol(format!(
            "the server chose none of the subprotocols {offered:?}"
        ))),
        (Some(_), Some(_)) => Err(Cause::Subprotocol(
            "the server chose more than one subprotocol".into(),
        )),
        (Some(one), None) if offered.contains(&one) => Ok(Some(one)),
        (Some(one), None) => Err(Cause::Subprotocol(format!(
            "the server chose the subprotocol {one:?}, which was not offered"
        ))),
    }
}

/// The elements of a list header, over all its lines (RFC 9110 §5.6.1).
fn tokens(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = String> {
    headers
        .get_all(name)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|token| String::from_utf8_lossy(token.trim_ascii()).into_owned())
        .filter(|token| !token.is_empty())
}

/// Middleware that sees the answer before `awc` cuts it down to a status.
struct Judge(Rc<Progress>);

impl<S> Transform<S, ConnectRequest> for Judge
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
    S::Future: 'static,
{
    type Transform = Judging<S>;

    fn new_transform(self, service: S) -> Judging<S> {
        Judging {
            service,
            progress: self.0,
        }
    }
}

struct Judging<S> {
    service: S,
    progress: Rc<Progress>,
}

impl<S> Service<ConnectRequest> for Judging<S>
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError>,
    S::Future: 'static,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = LocalBoxFuture<'static, Result<ConnectResponse, SendRequestError>>;

    actix_service::forward_ready!(service);

    fn call(&self, request: ConnectRequest) -> Self::Future {
        let answer = self.service.call(request);
        let progress = Rc::clone(&self.progress);
        Box::pin(async move {
            match answer.await? {
                ConnectResponse::Tunnel(head, framed) => judge(head, framed, &progress).await,
                other => Ok(other),
            }
        })
    }
}

/// Passes a 101 on, skips other 1xx (RFC 9110 §15.2), and turns all else into a cause.
///
/// The number of interim answers needs no bound of its own: they count towards the length of the answer.
async fn judge(
    mut head: ResponseHead,
    mut framed: Framed<BoxedSocket, ClientCodec>,
    progress: &Progress,
) -> Result<ConnectResponse, SendRequestError> {
    while head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        if !matches!(framed.codec_ref().message_type(), MessageType::None) {
            let text = format!("the answer {} announces a body", head.status.as_u16());
            return Err(told(Cause::HandshakeInvalid(text)));
        }
        let next = poll_fn(|cx| Pin::new(&mut framed).next_item(cx)).await;
        head = next.ok_or(ConnectError::Disconnected)??;
    }
    if let Some(redirect) = Redirect::of(&head) {
        progress.redirect.replace(Some(redirect));
        let status = head.status.as_u16();
        return Err(told(Cause::HandshakeStatus {
            status,
            retry_after: None,
            text: "a redirect".into(),
        }));
    }
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(told(refusal(&head, framed, progress.deadline).await));
    }
    if head.version != Version::HTTP_11 {
        let text = "the answer is not in HTTP/1.1".into();
        return Err(told(Cause::HandshakeInvalid(text)));
    }
    Ok(ConnectResponse::Tunnel(head, framed))
}

fn told(cause: Cause) -> SendRequestError {
    SendRequestError::Custom(Box::new(cause), Box::new("answer"))
}
