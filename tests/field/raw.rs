//! A WebSocket server with blocking sockets in a thread: tests control its TCP traffic, and it
//! sends nothing on its own.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::SockRef;
use tungstenite::handshake::derive_accept_key;

pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A server that serves its connections one after the other, until it is dropped.
pub struct RawPeer {
    pub url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawPeer {
    /// `serve` gets each connection after its handshake, with its number from 0. An error ends only
    /// that connection.
    pub fn start(
        receive_buffer: Option<usize>,
        mut serve: impl FnMut(usize, RawSocket) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Some(bytes) = receive_buffer {
            // Accepted sockets inherit it; the window follows it only if it is set before.
            SockRef::from(&listener)
                .set_recv_buffer_size(bytes)
                .unwrap();
        }
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(socket) = RawSocket::accept(stream, Arc::clone(&stopped)) {
                    // In many of these tests the client disconnects.
                    let _ended = serve(number, socket);
                    number += 1;
                }
            }
        });
        Self {
            url: format!("ws://127.0.0.1:{port}/"),
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for RawPeer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let addr = self.url.trim_start_matches("ws://").trim_end_matches('/');
        let _woken = TcpStream::connect(addr);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the peer panicked");
        }
    }
}

/// A connection after its handshake.
pub struct RawSocket {
    pub stream: TcpStream,
    unread: Vec<u8>,
    stop: Arc<AtomicBool>,
}

impl RawSocket {
    fn accept(mut stream: TcpStream, stop: Arc<AtomicBool>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head);
        let key = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
            .map_or("", |(_, key)| key);
        let accept = derive_accept_key(key.as_bytes());
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        )?;
        Ok(Self {
            stream,
            unread: Vec::new(),
            stop,
        })
    }

    /// Whether the test is over.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// The next frame: its opcode, and its payload unmasked.
    pub fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        self.frame_by(4096, Duration::ZERO)
    }

    /// The same, read in pieces of at most this many bytes, with a pause after each.
    pub fn frame_by(&mut self, piece: usize, pause: Duration) -> io::Result<(u8, Vec<u8>)> {
        let mut chunk = vec![0; piece];
        loop {
            if let Some(frame) = self.take_frame() {
                return Ok(frame);
            }
            let count = self.read(&mut chunk)?;
            self.unread.extend(&chunk[..count]);
            thread::sleep(pause);
        }
    }

    /// At least one byte, unless the client or the test is over.
    pub fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.is_over() {
                        return Err(error);
                    }
                }
                other => return other,
            }
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, second, ..] = *self.unread.as_slice() else {
            return None;
        };
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let long = self.unread.get(2..2 + extended)?;
        let len = match extended {
            0 => usize::from(second & 0x7f),
            _ => long
                .iter()
                .fold(0, |len, byte| len << 8 | usize::from(*byte)),
        };
        let start = 2 + extended + 4;
        if self.unread.len() < start + len {
            return None;
        }
        let rest = self.unread.split_off(start + len);
        let mut frame = std::mem::replace(&mut self.unread, rest);
        let (key, payload) = frame[start - 4..].split_at_mut(4);
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        Some((first & 0x0f, payload.to_vec()))
    }

    /// Sends a server's frame.
    pub fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&encode(opcode, payload))
    }

    /// Ends the connection with a reset; data sent before it still arrives.
    pub fn reset(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    /// Waits until the client disconnects or the test is over.
    pub fn wait_for_end(&self) {
        let mut byte = [0];
        while !self.is_over() {
            match self.stream.peek(&mut byte) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                // Unread bytes stay there, so the peek returns at once.
                Ok(_) => thread::sleep(Duration::from_millis(20)),
                Err(_) => {}
            }
        }
    }
}

/// A frame of a server, unmasked.
pub fn encode(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(len as u8),
        len @ 126..=0xffff => {
            frame.push(126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}
