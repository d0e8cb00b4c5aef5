//! Decides which requests are admitted, and how long each counts as running.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage, HttpRequest, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web::Data,
};
use bytes::Bytes;

use super::{
    clients::{Client, Request},
    problem::Problem,
    request_limit::{Class, TooMany},
};
use crate::service::state::AppState;

/// Admits a request if there is room for one of its class. It counts as running until the body of
/// its answer has ended.
///
/// # Errors
///
/// Those of the handlers.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // A request in a test may have no client.
    let Some(client) = request.conn_data::<Client>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let admitted = match begin(&client, request.request()) {
        Ok(admitted) => Rc::new(admitted),
        Err(TooMany) => {
            let refused = Problem::from(TooMany).error_response();
            return Ok(request.into_response(refused));
        }
    };
    request.extensions_mut().insert(Rc::clone(&admitted));
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, body| {
        BoxBody::new(UnderWay {
            body,
            _admitted: admitted,
        })
    }))
}

/// The admission of a request.
pub fn admitted(request: &HttpRequest) -> Option<Rc<Request>> {
    request.extensions().get::<Rc<Request>>().cloned()
}

fn begin(client: &Client, request: &HttpRequest) -> Result<Request, TooMany> {
    match request.path() {
        "/healthz" => return client.begin(Class::Alive),
        "/readyz" => return client.begin(Class::Ready),
        _ => {}
    }
    let state = request.app_data::<Data<AppState>>();
    let caller =
        state.and_then(|state| Some((state, state.access.identify(request.headers()).ok()?)));
    match caller {
        // Unknown callers are refused at once.
        None => client.begin(Class::Other),
        Some((_, caller)) if caller.reaches_all() => client
            .begin(Class::Other)
            .or_else(|TooMany| client.begin(Class::Operator)),
        Some((state, caller)) => client.begin_for(&caller.token, state.access.tenants()),
    }
}

impl From<TooMany> for Problem {
    fn from(_: TooMany) -> Self {
        let soon = header::HeaderValue::from_static("1");
        Self::unavailable("too many requests are under way; try again later")
            .header(header::RETRY_AFTER, soon)
    }
}

/// A body whose request counts as running until the body ends.
struct UnderWay {
    body: BoxBody,
    _admitted: Rc<Request>,
}

impl MessageBody for UnderWay {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
