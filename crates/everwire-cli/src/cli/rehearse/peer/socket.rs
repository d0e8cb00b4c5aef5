//! The server's side of a WebSocket (RFC 6455).

use std::{io, time::Duration};

use actix_codec::{Decoder as _, Encoder as _};
use actix_http::ws::{CloseReason, Codec, Frame, Item, Message};
use bytes::{Bytes, BytesMut};
use everwire::decode::{Decoding, Payload};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::cli::rehearse::encoder::Encoder;

/// The longest message that is read.
const MAX_MESSAGE: usize = 16 << 20;

/// A socket.
pub struct Socket {
    stream: TcpStream,
    read: BytesMut,
    codec: Codec,
    encoder: Encoder,
    /// The received part of a fragmented message.
    partial: BytesMut,
    /// Whether pings are answered.
    pub answers_pings: bool,
    /// Whether our close frame was sent.
    is_closing: bool,
}

/// A received message.
#[derive(Debug)]
pub enum Heard {
    Text(String),
    Binary(Bytes),
    /// A ping frame, answered or not.
    Ping,
    Close,
}

impl Socket {
    /// A socket after its upgrade; `rest` are the bytes behind the request.
    pub fn new(stream: TcpStream, rest: BytesMut, decoding: Option<&Decoding>) -> Self {
        Self {
            stream,
            read: rest,
            codec: Codec::new().max_size(MAX_MESSAGE),
            encoder: Encoder::new(decoding),
            partial: BytesMut::new(),
            answers_pings: true,
            is_closing: false,
        }
    }

    /// The next message; `None` when the stream ends.
    pub async fn next(&mut self) -> io::Result<Option<Heard>> {
        loop {
            let frame = self.codec.decode(&mut self.read);
            if let Some(frame) = frame.map_err(io::Error::other)? {
                if let Some(heard) = self.hear(frame).await? {
                    return Ok(Some(heard));
                }
            } else if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn hear(&mut self, frame: Frame) -> io::Result<Option<Heard>> {
        let text = |bytes: &[u8]| Heard::Text(String::from_utf8_lossy(bytes).into_owned());
        Ok(match frame {
            Frame::Text(bytes) => Some(text(&bytes)),
            Frame::Binary(bytes) => Some(Heard::Binary(bytes)),
            Frame::Continuation(item) => match item {
                Item::FirstText(part) | Item::FirstBinary(part) | Item::Continue(part) => {
                    self.partial.extend_from_slice(&part);
                    None
                }
                Item::Last(part) => {
                    self.partial.extend_from_slice(&part);
                    Some(text(&self.partial.split()))
                }
            },
            Frame::Ping(payload) => {
                if self.answers_pings {
                    self.write(Message::Pong(payload)).await?;
                }
                Some(Heard::Ping)
            }
            Frame::Pong(_) => None,
            Frame::Close(reason) => {
                if !self.is_closing {
                    self.write(Message::Close(reason)).await?;
                }
                Some(Heard::Close)
            }
        })
    }

    /// Sends a text, encoded so that the name can decode it.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        let frame = self.frame(text)?;
        self.stream.write_all(&frame).await
    }

    /// Sends the first half of a message. When the socket is then dropped, it ends with a reset.
    pub async fn say_half(&mut self, text: &str) -> io::Result<()> {
        let frame = self.frame(text)?;
        self.stream.write_all(&frame[..frame.len() / 2]).await?;
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    fn frame(&mut self, text: &str) -> io::Result<BytesMut> {
        let message = match self.encoder.encode(text)? {
            Payload::Text(text) => Message::Text(text),
            Payload::Binary(bytes) => Message::Binary(bytes),
        };
        let mut frame = BytesMut::new();
        self.codec
            .encode(message, &mut frame)
            .map_err(io::Error::other)?;
        Ok(frame)
    }

    /// Sends a message without encoding.
    pub async fn write(&mut self, message: Message) -> io::Result<()> {
        let mut frame = BytesMut::new();
        self.codec
            .encode(message, &mut frame)
            .map_err(io::Error::other)?;
        self.stream.write_all(&frame).await
    }

    /// Sends a close frame with this code, and waits for the other one. We then have to end the
    /// stream (RFC 6455 §7.1.1).
    pub async fn close(&mut self, code: u16) -> io::Result<()> {
        let reason = CloseReason::from((code.into(), String::new()));
        self.write(Message::Close(Some(reason))).await?;
        self.is_closing = true;
        while let Some(heard) = self.next().await? {
            if let Heard::Close = heard {
                break;
            }
        }
        Ok(())
    }
}
