//! Makes answers safe for terminals: `curl` prints a body unchanged.

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
};
use bytes::Bytes;
use everwire::core::displayable_json;

/// Escapes characters that are not displayable in JSON answers. Streams do this themselves.
///
/// # Errors
///
/// Those of the handlers.
pub async fn escape(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Ok(response);
    }
    Ok(response.map_body(|_, body| match body.try_into_bytes() {
        Ok(json) => BoxBody::new(escaped(json)),
        Err(stream) => stream,
    }))
}

fn escaped(json: Bytes) -> Bytes {
    match std::str::from_utf8(&json).map(displayable_json) {
        Ok(std::borrow::Cow::Owned(escaped)) => escaped.into(),
        _ => json,
    }
}
