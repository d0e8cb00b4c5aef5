//! The answer to an upgrade as it comes in: heads, and what is behind them.

use std::{cell::RefCell, future::poll_fn, io, mem::MaybeUninit, pin::Pin, task::ready};

use actix_codec::Decoder;
use actix_http::{
    ResponseHead,
    error::ParseError,
    h1::{ClientCodec, ClientPayloadCodec},
    header::HeaderMap,
};
use awc::{
    error::{ConnectError, SendRequestError},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

use super::{borrowed_stream::BorrowedStream, unfold::unfold};
use crate::core::Cause;

/// As much is read at once.
const READ: usize = 1024;

/// The codec wants more room than 2 KiB behind a head, or asks for 32 KiB.
const ROOM: usize = 4096;

/// Headers of the 101 that a usual server sends.
const FEW: usize = 32;

/// The headers of a 101 that `awc` and we look at.
const READ_OF_101: [HeaderName; 5] = [
    header::UPGRADE,
    header::CONNECTION,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
];

thread_local! {
    /// The head of a 101 without headers. A new one has room for a dozen, 3 KiB; one that is cloned makes room for what it gets.
    static UPGRADED: ResponseHead = {
        let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
        head.headers = HeaderMap::new();
        head
    };
    static DECODING: RefCell<BytesMut> = RefCell::default();
}

/// An answer that is being read. It owns no buffer while nothing has come.
pub(super) struct Answer<C = ClientCodec> {
    pub stream: BorrowedStream,
    pub codec: C,
    /// What came and was not decoded.
    pub unread: BytesMut,
}

impl Answer {
    /// Nothing of it has come yet.
    pub fn new(stream: BorrowedStream, codec: ClientCodec) -> Self {
        Self {
            stream,
            codec,
            unread: BytesMut::new(),
        }
    }

    /// The next head.
    ///
    /// # Errors
    ///
    /// The stream's, its end, and that of what is no HTTP/1.1.
    pub async fn head(&mut self) -> Result<ResponseHead, SendRequestError> {
        loop {
            if speaks_tls(&self.unread) {
                let cause = Cause::HandshakeInvalid(
                    "the server answers in TLS, and was asked without it: write wss://".into(),
                );
                return Err(SendRequestError::Custom(Box::new(cause), Box::new("")));
            }
            if let Some(head) = self.decode()? {
                return Ok(head);
            }
            if self.fill().await.map_err(ParseError::Io)? == 0 {
                return Err(match self.unread.is_empty() {
                    true => ConnectError::Disconnected.into(),
                    false => ParseError::Incomplete.into(),
                });
            }
        }
    }

    /// The same, to read the body that its head announced.
    pub fn into_body(self) -> Answer<ClientPayloadCodec> {
        Answer {
            stream: self.stream,
            codec: self.codec.into_payload_codec(),
            unread: self.unread,
        }
    }

    /// The head of a 101 that has come whole, with the headers that somebody looks at: all that most dials ever read. The codec is
    /// for the rest, and for what only seems to be one; it clears room for a hundred headers each time.
    fn decode_upgraded(&mut self) -> Option<ResponseHead> {
        let mut fields = [const { MaybeUninit::uninit() }; FEW];
        let mut parsed = httparse::Response::new(&mut []);
        let status = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut parsed, &self.unread, &mut fields)
            .ok()?;
        let (httparse::Status::Complete(length), Some(101), Some(1)) =
            (status, parsed.code, parsed.version)
        else {
            return None;
        };
        let mut head = UPGRADED.with(Clone::clone);
        for field in parsed.headers.iter() {
            let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
            if READ_OF_101.contains(&name) {
                head.headers.append(name, value(field.value)?);
            } else if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING {
                // Whether a 101 may announce a body is for the codec to say.
                return None;
            }
        }
        self.unread = BytesMut::from(&self.unread[length..]);
        Some(head)
    }

    /// A head that has come whole. Its headers are slices of the thread's one buffer, which is used again when they are gone.
    fn decode(&mut self) -> Result<Option<ResponseHead>, ParseError> {
        if self.unread.is_empty() {
            return Ok(None);
        }
        unfold(&mut self.unread);
        if let Some(head) = self.decode_upgraded() {
            return Ok(Some(head));
        }
        DECODING.with_borrow_mut(|buffer| {
            buffer.clear();
            buffer.reserve(self.unread.len() + ROOM);
            buffer.extend_from_slice(&self.unread);
            let head = self.codec.decode(buffer)?;
            if head.is_some() {
                self.unread = BytesMut::from(&buffer[..]);
            }
            Ok(head)
        })
    }
}

impl<C> Answer<C> {
    /// Reads more; how much, 0 at the end.
    ///
    /// # Errors
    ///
    /// The stream's.
    pub async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut space = [0; READ];
            let mut space = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
            self.unread.extend_from_slice(space.filled());
            Ok(space.filled().len()).into()
        })
        .await
    }
}

/// Whether this is a record of TLS (RFC 8446 §5.1), an alert or a part of a handshake, and no answer of HTTP.
fn speaks_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// A value, without memory of its own if it is one that nearly all servers send.
fn value(bytes: &[u8]) -> Option<HeaderValue> {
    match bytes {
        b"websocket" => Some(HeaderValue::from_static("websocket")),
        b"Upgrade" => Some(HeaderValue::from_static("Upgrade")),
        b"upgrade" => Some(HeaderValue::from_static("upgrade")),
        _ => HeaderValue::from_bytes(bytes).ok(),
    }
}
