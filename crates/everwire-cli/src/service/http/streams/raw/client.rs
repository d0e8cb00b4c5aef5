//! A client of the raw bridge: its frames one after the other, as fast as they are taken.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_codec::Decoder as _;
use actix_http::ws::{Codec, Frame};
use actix_web::web::Payload;
use actix_web_actors::ws::{CloseReason, Message as WsMessage, ProtocolError};
use bytes::BytesMut;
use bytestring::ByteString;
use everwire::{Manager, memory::MemoryUse};
use futures::{Stream, StreamExt, future::poll_fn};

use super::super::{
    frames::Frames,
    inbound::{Heard, Inbound},
};

/// The frames of a client.
pub struct Client {
    frames: Frames<Payload>,
    codec: Codec,
    buffer: BytesMut,
    inbound: Inbound,
}

impl Client {
    /// A client whose frames and messages have at most `limit` bytes.
    pub fn new(payload: Payload, limit: usize, manager: &Manager) -> Self {
        let charge = || manager.charge(MemoryUse::Bodies);
        Self {
            frames: Frames::new(payload, limit, charge()).masking_controls(),
            codec: Codec::new().max_size(limit),
            buffer: BytesMut::new(),
            inbound: Inbound::new(limit, charge()),
        }
    }

    /// The meaning of the next frame; `None` when the client is gone. An error says how to close
    /// the connection.
    pub async fn hear(&mut self) -> Option<Result<Heard, CloseReason>> {
        let frame = poll_fn(|cx| self.poll_frame(cx)).await?;
        let frame = frame.and_then(message);
        Some(self.inbound.hear(frame))
    }

    /// Reads and drops everything up to the end.
    pub async fn discard(self) {
        let mut payload = self.frames.into_inner();
        while let Some(Ok(_)) = payload.next().await {}
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, ProtocolError>>> {
        loop {
            match self.codec.decode(&mut self.buffer) {
                Ok(None) => {}
                Ok(Some(frame)) => {
                    if self.buffer.is_empty() {
                        // The buffer of a long message is not kept for the next ones.
                        self.buffer = BytesMut::new();
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            let chunk = match Pin::new(&mut self.frames).poll_next(cx) {
                // After each frame it reports once that nothing is available for now.
                Poll::Pending => ready!(Pin::new(&mut self.frames).poll_next(cx)),
                Poll::Ready(chunk) => chunk,
            };
            match chunk {
                None => return Poll::Ready(None),
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    let error = io::Error::other(error.to_string());
                    return Poll::Ready(Some(Err(ProtocolError::Io(error))));
                }
            }
        }
    }
}

fn message(frame: Frame) -> Result<WsMessage, ProtocolError> {
    Ok(match frame {
        Frame::Text(text) => {
            let text = ByteString::try_from(text);
            WsMessage::Text(text.map_err(|error| ProtocolError::Io(io::Error::other(error)))?)
        }
        Frame::Binary(bytes) => WsMessage::Binary(bytes),
        Frame::Ping(payload) => WsMessage::Ping(payload),
        Frame::Pong(payload) => WsMessage::Pong(payload),
        Frame::Close(reason) => WsMessage::Close(reason),
        Frame::Continuation(item) => WsMessage::Continuation(item),
    })
}
