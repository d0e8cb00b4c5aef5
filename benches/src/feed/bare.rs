//! Sockets without a name: raw, and through each codec, with a task for each socket on one thread.

use std::sync::Arc;

use fastwebsockets::FragmentCollector;
use futures::StreamExt;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::{Meter, Outcome, Peer};
use crate::peer::{feed::Stream, header};

/// Receives messages on upgraded sockets.
pub async fn sample(peer: &Peer<'_>, subject: &str) -> Outcome {
    let meter = peer.load.meter(1);
    let path = peer.load.path(false);
    for _ in 0..peer.load.sockets {
        match peer.ca_file {
            None => spawn(subject, peer.tcp(&path).await, &meter),
            Some(ca_file) => spawn(subject, peer.tls(&path, ca_file).await, &meter),
        }
    }
    peer.measure(&meter).await
}

fn spawn(subject: &str, stream: impl Stream, meter: &Arc<Meter>) {
    let meter = Arc::clone(meter);
    match subject {
        "raw" => tokio::spawn(raw(stream, meter)),
        "tungstenite" => tokio::spawn(tungstenite(stream, meter)),
        "tokio-websockets" => tokio::spawn(tokio_websockets(stream, meter)),
        "fastwebsockets" => tokio::spawn(fastwebsockets(stream, meter)),
        other => panic!("no such subject: {other}"),
    };
}

/// The lower limit: reads at most 64 KiB, and only finds the frame headers.
async fn raw(mut stream: impl Stream, meter: Arc<Meter>) {
    let mut buffer = vec![0; 64 << 10];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("a read");
        assert!(read > 0, "the peer ended");
        filled += read;
        let mut rest = &buffer[..filled];
        while let Some((head, len)) = header(rest)
            && let Some(frame) = rest.get(..head + len)
        {
            meter.hear(&frame[head..]);
            rest = &rest[head + len..];
        }
        let (left, end) = (rest.len(), filled);
        buffer.copy_within(end - left..end, 0);
        filled = left;
    }
}

/// With a read buffer of 128 KiB, the default, which its documentation recommends for a high load.
async fn tungstenite(stream: impl Stream, meter: Arc<Meter>) {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    while let Some(message) = socket.next().await {
        let message = message.expect("a message");
        meter.hear(message.to_text().expect("a text").as_bytes());
    }
}

async fn tokio_websockets(stream: impl Stream, meter: Arc<Meter>) {
    let mut socket = tokio_websockets::ClientBuilder::new().take_over(stream);
    while let Some(message) = socket.next().await {
        let message = message.expect("a message");
        meter.hear(message.as_text().expect("a text").as_bytes());
    }
}

/// Whole messages, as the others return them.
async fn fastwebsockets(stream: impl Stream, meter: Arc<Meter>) {
    let socket = fastwebsockets::WebSocket::after_handshake(stream, fastwebsockets::Role::Client);
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await.expect("a message");
        assert!(frame.opcode == fastwebsockets::OpCode::Text, "a text");
        meter.hear(&frame.payload);
    }
}
