//! What went wrong below a dial, as the one cause that is told.

use std::{io, net::SocketAddr};

use actix_http::error::ParseError;
use awc::error::{ConnectError, SendRequestError, WsClientError};

use super::{stream::AnswerTooLong, tls};
use crate::core::{Cause, Phase};

/// The text of the operating system, lowercase and without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        // An acronym keeps its case: "SSL error" is no "sSL error".
        Some(first) if !characters.as_str().starts_with(char::is_uppercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

/// A TCP connection that did not come about.
pub(super) fn connect(error: &io::Error, to: SocketAddr) -> Cause {
    let text = format!("{to}: {}", plain(error));
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused(text),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown => Cause::Unreachable(text),
        io::ErrorKind::ConnectionReset => Cause::Reset(text),
        _ => Cause::Tcp(text),
    }
}

/// What `awc` ended an upgrade with.
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

fn send(error: SendRequestError) -> Cause {
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

/// An error of the stream. Those of our own making travel inside it.
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
        // The decoder's own: the stream ended with half an answer in the buffer.
        io::ErrorKind::Other if error.raw_os_error().is_none() => cut_off(),
        _ => Cause::Tcp(plain(&error)),
    }
}

/// What a failed upgrade means where TLS was not spoken: a server that speaks nothing else often just hangs up.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_system_lose_their_number_and_capital() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(plain(&refused), "connection refused");
        assert_eq!(plain(&io::Error::other("SSL broke")), "SSL broke");
        assert_eq!(plain(&io::Error::other("")), "");
    }

    #[test]
    fn errors_of_a_connect_are_told_apart() {
        let to = SocketAddr::from(([127, 0, 0, 1], 9));
        let kind = |errno| connect(&io::Error::from_raw_os_error(errno), to).kind();
        assert_eq!(kind(111), "refused");
        assert_eq!(kind(113), "unreachable");
        assert_eq!(kind(101), "unreachable");
        assert_eq!(kind(104), "reset");
        assert_eq!(kind(24), "tcp");
    }
}
