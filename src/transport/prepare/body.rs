//! Reads the body of an answer to its end, up to a limit.

use actix_codec::Decoder;
use actix_http::{ResponseHead, h1::MessageType};
use awc::http::{StatusCode, header};

use crate::transport::{answer::Answer, error_text::plain};

/// The longest body, in bytes.
pub(super) const MAX_BODY: usize = 1 << 20;

/// The whole body.
///
/// # Errors
///
/// The body is longer than [`MAX_BODY`], ends early, or cannot be read.
pub(super) async fn read(head: &ResponseHead, answer: Answer) -> Result<Vec<u8>, String> {
    let value = |name| {
        head.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if value(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        return Err("the answer is compressed, which was not asked for".into());
    }
    let announced = value(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_long());
    }
    let has_none = matches!(
        head.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::SWITCHING_PROTOCOLS
    );
    match answer.codec.message_type() {
        MessageType::None if has_none || announced.is_some() => Ok(Vec::new()),
        MessageType::None => to_the_end(answer).await,
        MessageType::Payload | MessageType::Stream => payload(answer).await,
    }
}

/// A body with a length, or in chunks.
async fn payload(answer: Answer) -> Result<Vec<u8>, String> {
    let mut answer = answer.into_body();
    let mut body = Vec::new();
    loop {
        match answer.codec.decode(&mut answer.unread) {
            Ok(Some(Some(chunk))) => push(&mut body, &chunk)?,
            Ok(Some(None)) => return Ok(body),
            Ok(None) => match answer.fill().await {
                Ok(0) => return Err("the connection ended within the body".into()),
                Ok(_) => {}
                Err(error) => return Err(plain(&error)),
            },
            Err(error) => return Err(format!("the body is not valid HTTP: {error}")),
        }
    }
}

/// A body that ends with the connection.
async fn to_the_end(mut answer: Answer) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let unread = answer.unread.split();
        push(&mut body, &unread)?;
        match answer.fill().await {
            Ok(0) => return Ok(body),
            Ok(_) => {}
            Err(error) => return Err(plain(&error)),
        }
    }
}

fn push(body: &mut Vec<u8>, bytes: &[u8]) -> Result<(), String> {
    if body.len() + bytes.len() > MAX_BODY {
        return Err(too_long());
    }
    body.extend_from_slice(bytes);
    Ok(())
}

fn too_long() -> String {
    format!("the body is longer than {MAX_BODY} bytes")
}
