//! What stands where `awc`'s own connector would: sends the request over the dial's stream, judges the answer.
//!
//! That connector pools connections, buffers 16 KiB for each and starts a task per request that keeps a date: nothing that a
//! dial could use, and a fifth of what it costs.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::{Rc, Weak},
};

use actix_codec::{Framed, FramedParts};
use actix_http::{
    RequestHead, RequestHeadType, ResponseHead, ServiceConfig,
    body::BodySize,
    h1::{ClientCodec, Message, MessageType},
};
use actix_service::Service;
use awc::{
    BoxedSocket, ConnectRequest, ConnectResponse,
    error::{ConnectError, SendRequestError},
    http::{StatusCode, Version},
    middleware::Transform,
};
use bytes::BytesMut;
use futures::{SinkExt, future::LocalBoxFuture};

use super::{dial::Progress, redirect::Redirect, refusal::refusal, stream::Lent};
use crate::core::Cause;

/// What most requests and answers fit in. No less: a `Framed` grows a buffer to 8 KiB that has less room than this.
const BUFFER: usize = 1024;

/// A middleware for one request, with nothing below it.
pub(super) struct Exchange(pub Rc<Progress>);

impl<S> Transform<S, ConnectRequest> for Exchange {
    type Transform = Self;

    fn new_transform(self, _connector: S) -> Self {
        self
    }
}

impl Service<ConnectRequest> for Exchange {
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = LocalBoxFuture<'static, Result<ConnectResponse, SendRequestError>>;

    actix_service::always_ready!();

    fn call(&self, request: ConnectRequest) -> Self::Future {
        let progress = Rc::clone(&self.0);
        Box::pin(async move {
            let ConnectRequest::Tunnel(request, _) = request else {
                return Err(told(Cause::InvalidRequest(
                    "the request is no upgrade".into(),
                )));
            };
            let dates = dates();
            let mut tunnel = ask(request, &progress, &dates).await?;
            let head = next_head(&mut tunnel).await?;
            judge(head, tunnel, &progress).await
        })
    }
}

type Tunnel = Framed<BoxedSocket, ClientCodec>;

/// Sends the request. The buffer for the answer is there only when the request's is gone.
async fn ask(
    request: RequestHead,
    progress: &Rc<Progress>,
    dates: &ServiceConfig,
) -> Result<Tunnel, SendRequestError> {
    let stream: BoxedSocket = Box::new(Lent::new(Rc::clone(progress)));
    let mut parts = FramedParts::new(stream, ClientCodec::new(dates.clone()));
    parts.write_buf = BytesMut::with_capacity(BUFFER);
    let mut tunnel = Framed::from_parts(parts);
    let request = RequestHeadType::from(request);
    tunnel
        .send(Message::Item((request, BodySize::None)))
        .await?;
    let mut parts = tunnel.into_parts();
    parts.write_buf = BytesMut::new();
    parts.read_buf = BytesMut::with_capacity(BUFFER);
    Ok(Framed::from_parts(parts))
}

async fn next_head(tunnel: &mut Tunnel) -> Result<ResponseHead, SendRequestError> {
    let next = poll_fn(|cx| Pin::new(&mut *tunnel).next_item(cx)).await;
    Ok(next.ok_or(ConnectError::Disconnected)??)
}

/// The configuration of a codec has a task behind it that keeps the date; all dials under way on a thread share one.
fn dates() -> Rc<ServiceConfig> {
    thread_local! {
        static SHARED: RefCell<Weak<ServiceConfig>> = const { RefCell::new(Weak::new()) };
    }
    SHARED.with_borrow_mut(|shared| {
        shared.upgrade().unwrap_or_else(|| {
            let fresh = Rc::new(ServiceConfig::default());
            *shared = Rc::downgrade(&fresh);
            fresh
        })
    })
}

/// Passes a 101 on, skips other 1xx (RFC 9110 §15.2), and turns all else into a cause.
///
/// The number of interim answers needs no bound of its own: they count towards the length of the answer.
async fn judge(
    mut head: ResponseHead,
    mut tunnel: Tunnel,
    progress: &Progress,
) -> Result<ConnectResponse, SendRequestError> {
    while head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
        if !matches!(tunnel.codec_ref().message_type(), MessageType::None) {
            let text = format!("the answer {} announces a body", head.status.as_u16());
            return Err(told(Cause::HandshakeInvalid(text)));
        }
        head = next_head(&mut tunnel).await?;
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
        // Boxed: an answer that is no refusal pays nothing for it.
        let cause = Box::pin(refusal(&head, tunnel, progress.deadline)).await;
        return Err(told(cause));
    }
    if head.version != Version::HTTP_11 {
        let text = "the answer is not in HTTP/1.1".into();
        return Err(told(Cause::HandshakeInvalid(text)));
    }
    Ok(ConnectResponse::Tunnel(head, tunnel))
}

fn told(cause: Cause) -> SendRequestError {
    SendRequestError::Custom(Box::new(cause), Box::new("answer"))
}
