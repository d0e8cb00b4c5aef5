//! A client of the service.

use std::{cell::RefCell, fmt, io, time::Instant};

use memchr::memmem::find;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout_at,
};

use super::{
    SOON,
    heard::Heard,
    wire::{Pending, Unit, frame},
};

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 << 10]);
}

/// How a client receives events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Sse,
    WebSocket,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sse => "an SSE client",
            Self::WebSocket => "a WebSocket client",
        })
    }
}

/// The size of a client's receive buffer in the kernel.
#[derive(Clone, Copy)]
pub enum Room {
    /// The default size.
    Usual,
    /// A small buffer, so that the service soon has to keep what is not read.
    Little,
}

const LITTLE: u32 = 64 << 10;

/// One client that has subscribed.
pub struct Client {
    socket: TcpStream,
    stream: Stream,
    pending: Pending,
    heard: Heard,
    ended: bool,
}

impl Client {
    /// Connects and subscribes to the names of a pattern, from now on.
    pub async fn open(
        address: &str,
        stream: Stream,
        pattern: &str,
        room: Room,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Room::Little = room {
            socket.set_recv_buffer_size(LITTLE)?;
        }
        let address = address.parse().map_err(io::Error::other)?;
        let mut socket = socket.connect(address).await?;
        socket.set_nodelay(true)?;
        let request = match stream {
            Stream::Sse => {
                format!("GET /v1/events?match={pattern} HTTP/1.1\r\nHost: {address}\r\n\r\n")
            }
            Stream::WebSocket => format!(
                "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ),
        };
        socket.write_all(request.as_bytes()).await?;
        if stream == Stream::WebSocket {
            let subscribe = format!(r#"{{"op":"subscribe","id":"a","match":"{pattern}"}}"#);
            socket.write_all(&frame(0x81, subscribe.as_bytes())).await?;
        }
        let hello = match stream {
            Stream::Sse => "id: ",
            Stream::WebSocket => r#""type":"ack""#,
        };
        let mut head = Vec::new();
        while find(&head, hello.as_bytes()).is_none()
            || !head.ends_with(b"\n") && !head.ends_with(b"}")
        {
            if socket.read_buf(&mut head).await? == 0 {
                return Err(io::Error::other(
                    String::from_utf8_lossy(&head).into_owned(),
                ));
            }
        }
        Ok(Self {
            socket,
            stream,
            pending: Pending::default(),
            heard: Heard::default(),
            ended: false,
        })
    }

    /// Reads until this number of messages was received, or until the time is over.
    pub async fn read(&mut self, messages: u64, until: Instant) -> Heard {
        while self.heard.messages < messages && self.some(until).await {}
        std::mem::take(&mut self.heard)
    }

    /// Reads after the measured time, and describes what was received.
    pub async fn told(&mut self, expected: u64, until: Instant) -> String {
        let all = |heard: &Heard| heard.lagged > 0 && heard.messages + heard.missed >= expected;
        while !all(&self.heard) && self.some(until).await {}
        let heard = &self.heard;
        let lagged = match heard.lagged {
            0 => String::new(),
            _ => format!(", lagged by {}", heard.missed),
        };
        let end = if self.ended {
            ", then it was cut off"
        } else {
            ""
        };
        format!("{} messages{lagged}{end}", heard.messages)
    }

    /// Reads once; false at the end, or when the time is over.
    async fn some(&mut self, until: Instant) -> bool {
        let Ok(ready) = timeout_at(until.into(), self.socket.readable()).await else {
            return false;
        };
        let (mut pongs, mut close) = (Vec::new(), ready.is_err());
        let came = BUFFER.with_borrow_mut(|buffer| {
            let came = self.socket.try_read(buffer)?;
            close |= came == 0;
            let each = |unit: Unit<'_>| match unit {
                Unit::Json(json) => self.heard.event(json),
                Unit::Ping(payload) => pongs.extend(frame(0x8a, payload)),
                Unit::Close => close = true,
            };
            match self.stream {
                Stream::Sse => self.pending.sse(&buffer[..came], each),
                Stream::WebSocket => self.pending.websocket(&buffer[..came], each),
            }
            self.heard.came();
            io::Result::Ok(())
        });
        close |= came.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock);
        if !pongs.is_empty() {
            let written = timeout_at(
                (Instant::now() + SOON).into(),
                self.socket.write_all(&pongs),
            );
            close |= !matches!(written.await, Ok(Ok(())));
        }
        self.ended |= close;
        !close
    }
}
