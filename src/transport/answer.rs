//! Reads the answer to an upgrade: its heads, and the bytes behind them.

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

/// Size of one read.
const READ: usize = 1024;

/// The codec asks for 32 KiB when less than 2 KiB is free behind a head.
const ROOM: usize = 4096;

/// Number of headers in the 101 of a usual server.
const FEW: usize = 32;

/// The headers of a 101 that `awc` and we read.
const READ_OF_101: [HeaderName; 5] = [
    header::UPGRADE,
    header::CONNECTION,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
];

thread_local! {
    /// The head of a 101 without headers. A new one allocates room for a dozen headers (3 KiB); a
    /// clone allocates only what it gets.
    static UPGRADED: ResponseHead = {
        let mut head = ResponseHead::new(StatusCode::SWITCHING_PROTOCOLS);
        head.headers = HeaderMap::new();
        head
    };
    static DECODING: RefCell<BytesMut> = RefCell::default();
}

/// An answer that is being read. It owns no buffer until something has arrived.
pub(super) struct Answer<C = ClientCodec> {
    pub stream: BorrowedStream,
    pub codec: C,
    /// Bytes that were received and not decoded yet.
    pub unread: BytesMut,
}

impl Answer {
    /// An answer of which nothing has been received.
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
    /// An error of the stream, the end of the stream, or an answer that is not HTTP/1.1.
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

    /// The same answer, for reading the body that its head announced.
    pub fn into_body(self) -> Answer<ClientPayloadCodec> {
        Answer {
            stream: self.stream,
            codec: self.codec.into_payload_codec(),
            unread: self.unread,
        }
    }

    /// Decodes the head of a 101 that has arrived whole, with only the headers that are read later.
    /// For most dials this is enough. The codec handles everything else, and it clears room for a
    /// hundred headers each time.
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
                // The codec decides whether a 101 may announce a body.
                return None;
            }
        }
        self.unread = BytesMut::from(&self.unread[length..]);
        Some(head)
    }

    /// Decodes a head that has arrived whole. Its headers are slices of a buffer that the thread
    /// reuses when they are dropped.
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
    /// Reads more bytes and returns their number; 0 is the end of the stream.
    ///
    /// # Errors
    ///
    /// An error of the stream.
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

/// Whether these bytes are a TLS record (RFC 8446 §5.1) with an alert or a part of a handshake, and
/// not an HTTP answer.
fn speaks_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// A header value. Values that nearly all servers send need no memory of their own.
fn value(bytes: &[u8]) -> Option<HeaderValue> {
    match bytes {
        b"websocket" => Some(HeaderValue::from_static("websocket")),
        b"Upgrade" => Some(HeaderValue::from_static("Upgrade")),
        b"upgrade" => Some(HeaderValue::from_static("upgrade")),
        _ => HeaderValue::from_bytes(bytes).ok(),
    }
}
