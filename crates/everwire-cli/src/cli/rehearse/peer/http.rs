//! HTTP requests and answers (RFC 9112), as far as a name's client uses them.

use std::io;

use actix_http::ws::hash_key;
use bytes::BytesMut;
use everwire::language::Inverted;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The longest request, with its body.
const MAX_REQUEST: usize = 2 << 20;

/// A request.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
    /// The bytes behind the request.
    pub rest: BytesMut,
}

impl Request {
    /// Reads a request with its body, which is ignored; `None` if the stream ends before.
    pub async fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut read = BytesMut::with_capacity(4096);
        let head = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break read.split_to(end + 4);
            }
            if read.len() > MAX_REQUEST || stream.read_buf(&mut read).await? == 0 {
                return Ok(None);
            }
        };
        let Some(mut request) = Self::parse(&String::from_utf8_lossy(&head)) else {
            return Ok(None);
        };
        let length = request.header("content-length");
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        while read.len() < length.min(MAX_REQUEST) {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(None);
            }
        }
        let _body = read.split_to(length.min(read.len()));
        request.rest = read;
        Ok(Some(request))
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Some(Self {
            method,
            target,
            headers: headers.collect(),
            rest: BytesMut::new(),
        })
    }

    /// The value of a header. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }

    /// Whether it asks for a WebSocket.
    pub fn is_upgrade(&self) -> bool {
        self.header("sec-websocket-key").is_some()
    }

    /// The requested URL, with this scheme.
    pub fn url(&self, scheme: &str) -> String {
        let host = self.header("host").unwrap_or_default();
        format!("{scheme}://{host}{}", self.target)
    }

    /// Accepts the upgrade, with the first offered subprotocol.
    pub async fn upgrade(&self, stream: &mut TcpStream) -> io::Result<()> {
        let key = self.header("sec-websocket-key").unwrap_or_default();
        let accept = hash_key(key.as_bytes());
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
            String::from_utf8_lossy(&accept)
        );
        let offered = self.header("sec-websocket-protocol");
        if let Some(first) = offered.and_then(|offered| offered.split(',').next()) {
            answer.push_str(&format!("Sec-WebSocket-Protocol: {}\r\n", first.trim()));
        }
        answer.push_str("\r\n");
        stream.write_all(answer.as_bytes()).await
    }
}

/// A complete answer.
pub fn answer(made: &Inverted) -> Vec<u8> {
    let status = made.status.unwrap_or(200);
    let mut head = format!(
        "HTTP/1.1 {status} Rehearsed\r\nConnection: close\r\nContent-Length: {}\r\n",
        made.text.len()
    );
    let has_type = made
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !has_type {
        head.push_str("Content-Type: application/json\r\n");
    }
    for (name, value) in &made.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    for (name, value) in &made.cookies {
        head.push_str(&format!("Set-Cookie: {name}={value}\r\n"));
    }
    head.push_str("\r\n");
    let mut answer = head.into_bytes();
    answer.extend_from_slice(made.text.as_bytes());
    answer
}
