//! Turns errors of `awc` during an upgrade into causes.

use std::io;

use actix_http::error::ParseError;
use awc::error::{ConnectError, SendRequestError, WsClientError};

use super::{borrowed_stream::AnswerTooLong, error_text::plain, tls};
use crate::core::{Cause, Phase};

/// The cause of a failed upgrade.
pub(super) fn upgrade(error: WsClientError) -> Cause {
    match error {
        WsClientError::SendRequest(error) => send(error),
        WsClientError::InvalidResponseStatus(status) => Cause::HandshakeStatus {
            status: status.as_u16(),
            retry_after: None,
            text: String::new(),
        },
        WsClientError::InvalidUpgradeHeader => {
            invalid("the answer's Upgrade header is missing or not \"websocket\"")
        }
        WsClientError::InvalidConnectionHeader(value) => Cause::HandshakeInvalid(format!(
            "the answer's Connection header is {value:?}, not \"Upgrade\""
        )),
        WsClientError::MissingConnectionHeader => invalid("the answer has no Connection header"),
        WsClientError::MissingWebSocketAcceptHeader => {
            invalid("the answer has no Sec-WebSocket-Accept header")
        }
        WsClientError::InvalidChallengeResponse(..) => {
            invalid("the answer's Sec-WebSocket-Accept does not match the key that was sent")
        }
        WsClientError::Protocol(error) => Cause::HandshakeInvalid(error.to_string()),
    }
}

/// The cause of a failed request.
pub(super) fn send(error: SendRequestError) -> Cause {
    match error {
        SendRequestError::Custom(error, _) => match error.downcast::<Cause>() {
            Ok(cause) => *cause,
            Err(error) => Cause::HandshakeInvalid(error.to_string()),
        },
        SendRequestError::Connect(ConnectError::Io(error)) => io(error),
        SendRequestError::Connect(ConnectError::Disconnected) => closed(),
        SendRequestError::Connect(ConnectError::Timeout) | SendRequestError::Timeout => {
            Cause::ConnectTimeout(Phase::Upgrade)
        }
        SendRequestError::Connect(error) => Cause::Tcp(error.to_string()),
        SendRequestError::Send(error) => io(error),
        SendRequestError::Response(error) => answer(error),
        SendRequestError::Url(error) => Cause::InvalidRequest(error.to_string()),
        SendRequestError::Http(error) => Cause::InvalidRequest(error.to_string()),
        error => Cause::HandshakeInvalid(error.to_string()),
    }
}

fn answer(error: ParseError) -> Cause {
    match error {
        ParseError::Io(error) => io(error),
        ParseError::Incomplete => cut_off(),
        ParseError::TooLarge => invalid("the answer has too many headers or is too long"),
        error => Cause::HandshakeInvalid(format!("the answer is not valid HTTP: {error}")),
    }
}

/// The cause of an error of the stream. Our own errors are inside it.
fn io(error: io::Error) -> Cause {
    let error = match error.downcast::<Cause>() {
        Ok(cause) => return cause,
        Err(error) => error,
    };
    let inner = error.get_ref();
    if let Some(too_long) = inner.and_then(|inner| inner.downcast_ref::<AnswerTooLong>()) {
        return Cause::HandshakeInvalid(too_long.to_string());
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls::failure(error, tls::Client::Unknown);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => closed(),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Cause::Reset(format!(
            "{}, before the upgrade was answered",
            plain(&error)
        )),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Cause::Unreachable(plain(&error))
        }
        // An error of the decoder: the stream ended with an incomplete answer in the buffer.
        io::ErrorKind::Other if error.raw_os_error().is_none() => cut_off(),
        _ => Cause::Tcp(plain(&error)),
    }
}

/// The cause of a failed upgrade without TLS: a server that speaks only TLS often just closes the
/// connection.
pub(super) fn without_tls(cause: Cause) -> Cause {
    match cause == closed() {
        true => {
            Cause::HandshakeInvalid(format!("{}; if it speaks TLS, write wss://", cause.text()))
        }
        false => cause,
    }
}

fn closed() -> Cause {
    invalid("the server closed the connection before answering the upgrade")
}

fn cut_off() -> Cause {
    invalid("the server closed the connection in the middle of its answer")
}

fn invalid(text: &str) -> Cause {
    Cause::HandshakeInvalid(text.into())
}
