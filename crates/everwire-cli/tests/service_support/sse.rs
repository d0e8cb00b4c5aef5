//! A reader of server-sent events.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use super::{
    SOON,
    http::{Client, Headers},
};

/// A response that stays open.
pub struct Sse {
    lines: BufReader<Chunks>,
}

/// An event.
#[derive(Debug)]
pub struct Told {
    pub id: Option<String>,
    /// Null for an event that only has an id.
    pub data: Value,
    /// The data as received.
    pub text: String,
}

impl Sse {
    pub fn open(client: &Client, target: &str, headers: Headers<'_>) -> Self {
        let mut tcp = TcpStream::connect(&client.listen).unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        let mut head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n", client.listen);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        tcp.write_all((head + "\r\n").as_bytes()).unwrap();
        let mut inside = BufReader::new(tcp);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(inside.read_line(&mut head).unwrap(), 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let lower = head.to_ascii_lowercase();
        assert!(lower.contains("content-type: text/event-stream"), "{head}");
        Self {
            lines: BufReader::new(Chunks { inside, left: 0 }),
        }
    }

    /// A stream that starts with its position: all later events are received.
    pub fn started(client: &Client, target: &str, headers: Headers<'_>) -> (Self, String) {
        let mut sse = Self::open(client, target, headers);
        let hello = sse.next();
        assert_eq!(hello.data, Value::Null, "{hello:?}");
        (sse, hello.id.unwrap())
    }

    /// The next event; `None` at the end.
    pub fn try_next(&mut self) -> Option<Told> {
        read(&mut self.lines)
    }

    pub fn next(&mut self) -> Told {
        self.try_next().expect("the stream has ended")
    }

    /// The socket, to observe its end.
    pub fn tcp(&self) -> &TcpStream {
        self.lines.get_ref().inside.get_ref()
    }
}

/// The body of a response of unknown length (RFC 9112 §7.1).
struct Chunks {
    inside: BufReader<TcpStream>,
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut size = String::new();
            self.inside.read_line(&mut size)?;
            if size.trim().is_empty() {
                return Ok(0);
            }
            self.left = usize::from_str_radix(size.trim(), 16).unwrap();
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = self.left.min(into.len());
        let read = self.inside.read(&mut into[..most])?;
        self.left -= read;
        if self.left == 0 {
            self.inside.read_line(&mut String::new())?;
        }
        Ok(read)
    }
}

/// The same with curl, which is killed on drop.
pub struct Curl {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Curl {
    pub fn start(mut curl: Command) -> Self {
        let mut child = curl.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next event.
    pub fn next(&mut self) -> Told {
        read(&mut self.lines).expect("the stream has ended")
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The next event; `None` at the end.
fn read(lines: &mut impl BufRead) -> Option<Told> {
    let (mut id, mut data, mut text) = (None, Value::Null, String::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        match line.trim_end_matches('\n').split_once(": ") {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => {
                data = serde_json::from_str(value).unwrap();
                text = value.to_owned();
            }
            Some(("retry", _) | ("", _)) => {}
            None if id.is_none() && data.is_null() => {}
            None => return Some(Told { id, data, text }),
            Some(other) => panic!("{other:?}"),
        }
    }
}
