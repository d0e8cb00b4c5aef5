//! Requests to a node and to the peer, each on a connection of its own.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::peer::names::Seen;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// What a node answers, if its status is a good one.
pub fn ask(port: u16, method: &str, path: &str) -> Option<Value> {
    let address = format!("127.0.0.1:{port}");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let answer = exchange(&address, &request).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let is_good = head.split(' ').nth(1)?.starts_with('2');
    is_good.then(|| serde_json::from_str(body).ok()).flatten()
}

/// What a peer of this URL answers to a question about all names.
///
/// # Panics
///
/// If it does not answer.
pub fn ask_peer(url: &str, path: &str) -> String {
    let address = url.trim_start_matches("ws://");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let answer = exchange(address, &request).expect("an answer of the peer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    body.to_owned()
}

/// What a peer has seen so far.
///
/// # Panics
///
/// If it does not answer.
pub fn seen(url: &str) -> Seen {
    Seen::parse(&ask_peer(url, "/names-seen")).expect("numbers")
}

/// What each socket of a peer was sent so far, and whether it is open.
///
/// # Panics
///
/// If it does not answer.
pub fn sent(url: &str) -> Vec<(u64, bool)> {
    let lines = ask_peer(url, "/names-sent");
    let parse = |line: &str| {
        let (sent, is_open) = line.split_once(' ')?;
        Some((sent.parse().ok()?, is_open == "1"))
    };
    lines
        .lines()
        .map(|line| parse(line).expect("two numbers"))
        .collect()
}

fn exchange(address: &str, request: &str) -> io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(ANSWER))?;
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
