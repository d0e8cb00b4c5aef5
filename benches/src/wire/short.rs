//! Messages of 64 bytes through each codec: read from memory 64 KiB at a time, or written and
//! flushed 128 at a time. Each function returns the time for one message, in nanoseconds.

use std::{
    hint::black_box,
    io::{Read, Write},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use everwire::wire::{Decoder, Incoming, Limits, Opcode, encode_frame};
use fastwebsockets::{Frame, OpCode, Payload};
use futures::{SinkExt, StreamExt};
use rand::Rng;
use tokio_tungstenite::tungstenite::{self, protocol::Role};

use super::memory::{Memory, READ};
use crate::pairs::fastest;

const PAYLOAD: [u8; 64] = [b'm'; 64];
const MESSAGES: usize = 1_000_000;
const FLUSH: usize = 128;

/// The codec.
#[derive(Clone, Copy)]
pub enum Codec {
    Everwire,
    Tungstenite,
    Fastwebsockets,
    TokioWebsockets,
    Yawc,
}

/// Reads text messages, UTF-8 checked.
pub fn read(codec: Codec) -> f64 {
    let memory = || Memory::of(0x81, &PAYLOAD);
    per_message(|| match codec {
        Codec::Everwire => read_everwire(memory()),
        Codec::Tungstenite => read_tungstenite(memory()),
        Codec::Fastwebsockets => block_on(read_fastwebsockets(memory())),
        Codec::TokioWebsockets => block_on(read_tokio_websockets(memory())),
        Codec::Yawc => block_on(read_yawc(memory())),
    })
}

/// Writes binary messages, each with its own mask key.
pub fn write(codec: Codec) -> f64 {
    let memory = || Memory::of(0x81, &[]);
    per_message(|| match codec {
        Codec::Everwire => write_everwire(memory()),
        Codec::Tungstenite => write_tungstenite(memory()),
        Codec::Fastwebsockets => block_on(write_fastwebsockets(memory())),
        Codec::TokioWebsockets => block_on(write_tokio_websockets(memory())),
        Codec::Yawc => block_on(write_yawc(memory())),
    })
}

fn per_message(work: impl FnMut()) -> f64 {
    let time: Duration = fastest(work);
    time.as_secs_f64() * 1e9 / MESSAGES as f64
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    futures::executor::block_on(work)
}

/// Like the connection: one allocation per read, which its messages share.
fn read_everwire(mut memory: Memory) {
    let mut decoder = Decoder::new(Limits::default());
    let mut buffer = vec![0; READ];
    let mut seen = 0;
    while seen < MESSAGES {
        let len = memory.read(&mut buffer).expect("bytes");
        let mut input = Bytes::copy_from_slice(&buffer[..len]);
        let now = Instant::now();
        while let Some(incoming) = decoder.decode(&mut input, now).expect("frames") {
            assert!(matches!(black_box(&incoming), Incoming::Text(_)));
            seen += 1;
        }
    }
}

/// Like the connection: many frames in one buffer, with unpredictable mask keys.
fn write_everwire(mut memory: Memory) {
    let mut out = BytesMut::with_capacity(READ);
    let payload = Bytes::from_static(&PAYLOAD);
    for _ in 0..MESSAGES / FLUSH {
        out.clear();
        for _ in 0..FLUSH {
            let payload = black_box(&payload).clone();
            let key = rand::rng().next_u32().to_ne_bytes();
            encode_frame(Opcode::Binary, true, &payload, key, &mut out);
        }
        memory.write_all(&out).expect("room");
    }
}

fn read_tungstenite(memory: Memory) {
    let mut socket = tungstenite::WebSocket::from_raw_socket(memory, Role::Client, None);
    for _ in 0..MESSAGES {
        let message = socket.read().expect("a message");
        assert!(black_box(&message).is_text());
    }
}

fn write_tungstenite(memory: Memory) {
    let mut socket = tungstenite::WebSocket::from_raw_socket(memory, Role::Client, None);
    let payload = Bytes::from_static(&PAYLOAD);
    for _ in 0..MESSAGES / FLUSH {
        for _ in 0..FLUSH {
            let payload = black_box(&payload).clone();
            socket
                .write(tungstenite::Message::Binary(payload))
                .expect("room");
        }
        socket.flush().expect("room");
    }
}

async fn read_fastwebsockets(memory: Memory) {
    let mut socket =
        fastwebsockets::WebSocket::after_handshake(memory, fastwebsockets::Role::Client);
    for _ in 0..MESSAGES {
        let frame = socket.read_frame().await.expect("a frame");
        assert!(black_box(&frame).opcode == OpCode::Text);
    }
}

async fn write_fastwebsockets(memory: Memory) {
    let mut socket =
        fastwebsockets::WebSocket::after_handshake(memory, fastwebsockets::Role::Client);
    for _ in 0..MESSAGES / FLUSH {
        for _ in 0..FLUSH {
            let payload = Payload::Borrowed(black_box(&PAYLOAD));
            socket
                .write_frame(Frame::binary(payload))
                .await
                .expect("room");
        }
        socket.flush().await.expect("room");
    }
}

fn tokio_websockets(memory: Memory) -> tokio_websockets::WebSocketStream<Memory> {
    let config = tokio_websockets::Config::default().flush_threshold(READ);
    tokio_websockets::ClientBuilder::new()
        .config(config)
        .take_over(memory)
}

async fn read_tokio_websockets(memory: Memory) {
    let mut socket = tokio_websockets(memory);
    for _ in 0..MESSAGES {
        let message = socket.next().await.expect("a message").expect("a message");
        assert!(black_box(&message).is_text());
    }
}

async fn write_tokio_websockets(memory: Memory) {
    let mut socket = tokio_websockets(memory);
    let payload = Bytes::from_static(&PAYLOAD);
    for _ in 0..MESSAGES / FLUSH {
        for _ in 0..FLUSH {
            let payload = black_box(&payload).clone();
            socket
                .feed(tokio_websockets::Message::binary(payload))
                .await
                .expect("room");
        }
        socket.flush().await.expect("room");
    }
}

fn yawc(memory: Memory) -> yawc::WebSocket<Memory> {
    let options = yawc::Options::default().with_utf8();
    yawc::WebSocket::from_stream(memory, yawc::Role::Client, options).expect("a socket")
}

async fn read_yawc(memory: Memory) {
    let mut socket = yawc(memory);
    for _ in 0..MESSAGES {
        let frame = socket.next_frame().await.expect("a frame");
        assert!(black_box(&frame).opcode() == yawc::OpCode::Text);
    }
}

async fn write_yawc(memory: Memory) {
    let mut socket = yawc(memory);
    let payload = Bytes::from_static(&PAYLOAD);
    for _ in 0..MESSAGES / FLUSH {
        for _ in 0..FLUSH {
            let payload = black_box(&payload).clone();
            socket
                .feed(yawc::Frame::binary(payload))
                .await
                .expect("room");
        }
        socket.flush().await.expect("room");
    }
}
