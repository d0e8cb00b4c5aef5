//! A client of the service's WebSockets: `tungstenite` after a manual handshake.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

use serde_json::Value;
use tungstenite::{
    Message, WebSocket,
    protocol::{CloseFrame, Role},
};

use super::{
    SOON,
    http::{Client, Headers},
};

const HANDSHAKE: Headers<'static> = &[
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
];

/// An open WebSocket.
pub struct Socket {
    pub inside: WebSocket<TcpStream>,
    /// The head of the handshake's answer.
    pub head: String,
}

impl Socket {
    pub fn open(client: &Client, target: &str, headers: Headers<'_>) -> Self {
        Self::try_open(client, target, headers).unwrap_or_else(|answer| panic!("{answer}"))
    }

    /// Returns the answer as an error if the service refuses. The given headers replace those of
    /// the handshake; an empty one is left out.
    pub fn try_open(client: &Client, target: &str, headers: Headers<'_>) -> Result<Self, String> {
        let mut tcp = TcpStream::connect(&client.listen).unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        let mut request = format!("GET {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {}\r\n", client.listen));
        }
        let given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        let usual = HANDSHAKE.iter().filter(|(name, _)| !given(name));
        let sent = usual.chain(headers).filter(|(_, value)| !value.is_empty());
        for (name, value) in sent {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        tcp.write_all((request + "\r\n").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tcp.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let mut head = String::from_utf8(head).unwrap();
        if !head.starts_with("HTTP/1.1 101 ") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap_or("0").parse().unwrap()];
            tcp.read_exact(&mut body).unwrap();
            head.push_str(&String::from_utf8(body).unwrap());
            return Err(head);
        }
        let inside = WebSocket::from_raw_socket(tcp, Role::Client, None);
        Ok(Self { inside, head })
    }

    pub fn send(&mut self, message: Message) {
        self.inside.send(message).unwrap();
    }

    pub fn ask(&mut self, request: &Value) {
        self.send(Message::text(request.to_string()));
    }

    /// The next message; pings are answered.
    pub fn next(&mut self) -> Message {
        let until = Instant::now() + SOON;
        loop {
            assert!(Instant::now() < until, "only pings come");
            match self.inside.read().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    pub fn next_json(&mut self) -> Value {
        serde_json::from_str(self.next().to_text().unwrap()).unwrap()
    }

    /// The next answer to this request.
    pub fn answer(&mut self, id: &str) -> Value {
        loop {
            let told = self.next_json();
            if told["id"] == id && (told["type"] == "ack" || told["type"] == "error") {
                return told;
            }
        }
    }

    /// The close frame that comes next.
    pub fn close_frame(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.next() {
                return frame.unwrap();
            }
        }
    }

    /// The code of the next close frame.
    pub fn close_code(&mut self) -> u16 {
        self.close_frame().code.into()
    }
}
