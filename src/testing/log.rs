//! What the peer saw and did on each connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{handshake::Request, parts::How};
use crate::core::Message;

/// The limits for kept payloads: messages and bytes of a connection, bytes of a peer.
const KEPT_MESSAGES: usize = 1000;
const KEPT_BYTES: usize = 256 << 10;
const KEPT_BYTES_OF_ALL: usize = 64 << 20;

/// The most orders that wait for a connection's task.
const MAX_COMMANDS: usize = 1024;

/// One TCP connection to the peer: what it received, and how it ended.
#[derive(Clone, Debug)]
pub struct ConnectionLog {
    /// A number that counts from 1, in the order of acceptance.
    pub id: u64,
    /// The client's address.
    pub client: SocketAddr,
    /// When the TCP connection was accepted.
    pub accepted_at: Instant,
    /// The handshake's request, once it was read.
    pub request: Option<Request>,
    /// When the 101 was queued; `None` if no 101 was sent.
    pub opened_at: Option<Instant>,
    /// The first messages, at most 1,000 and 256 KiB.
    pub messages: Vec<Message>,
    /// The number of all messages.
    pub message_count: u64,
    /// The payload of all messages, in bytes.
    pub byte_count: u64,
    /// The number of Ping frames from the client.
    pub ping_count: u64,
    /// The number of Pong frames from the client.
    pub pong_count: u64,
    /// The client's Close frame.
    pub close: Option<ClientClose>,
    /// Whether the peer stopped reading and answering on it ([`How::Freeze`]).
    pub frozen: bool,
    /// When and how it ended; `None` while it is open.
    pub end: Option<(Instant, Ended)>,
}

impl ConnectionLog {
    /// The path of the request, without its query; empty if no request was read.
    pub fn path(&self) -> &str {
        self.request.as_ref().map_or("", Request::path)
    }

    /// Whether the handshake succeeded and the connection has not ended.
    pub fn is_open(&self) -> bool {
        self.opened_at.is_some() && self.end.is_none()
    }

    /// How it ended; `None` while it is open.
    pub fn ended(&self) -> Option<Ended> {
        self.end.map(|(_, how)| how)
    }

    /// The text messages among the kept ones.
    pub fn texts(&self) -> Vec<&str> {
        self.messages.iter().filter_map(Message::as_text).collect()
    }
}

/// A Close frame of the client (RFC 6455 §5.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientClose {
    /// The code; `None` if the frame was empty.
    pub code: Option<u16>,
    /// The reason. Bytes that are not UTF-8 are replaced.
    pub reason: String,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client's Close frame came first, and was answered.
    ByClient,
    /// The client answered the peer's Close frame.
    ByPeer,
    /// The client did not answer the peer's Close frame within 5 s.
    CloseTimeout,
    /// The client ended TCP without a Close frame.
    ClientFin,
    /// The client reset TCP, or sending to it failed.
    ClientReset,
    /// The peer dropped it, as a script, a kick or an outage said.
    Dropped(How),
    /// The handshake was refused with this status.
    Refused(u16),
    /// No request came within 10 s, or none that fits in 16 KiB.
    NoRequest,
    /// The client broke RFC 6455, in this way.
    Violation(&'static str),
    /// The peer was stopped.
    Stopped,
}

/// An order to an open connection.
#[derive(Debug)]
pub(super) enum Command {
    Send(Message),
    End(How),
}

/// What a batch of frames adds to the log.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) kept: Vec<Message>,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) pings: u64,
    pub(super) pongs: u64,
    pub(super) close: Option<ClientClose>,
}

/// The part of a connection that its task and the peer's handle share.
#[derive(Debug)]
pub(super) struct Connection {
    log: Mutex<ConnectionLog>,
    commands: Mutex<Vec<Command>>,
    pub(super) wake: Notify,
    kept: Mutex<usize>,
    kept_of_all: Arc<AtomicUsize>,
}

impl Connection {
    pub(super) fn new(id: u64, client: SocketAddr, kept_of_all: Arc<AtomicUsize>) -> Self {
        let log = ConnectionLog {
            id,
            client,
            accepted_at: Instant::now(),
            request: None,
            opened_at: None,
            messages: Vec::new(),
            message_count: 0,
            byte_count: 0,
            ping_count: 0,
            pong_count: 0,
            close: None,
            frozen: false,
            end: None,
        };
        Self {
            log: Mutex::new(log),
            commands: Mutex::new(Vec::new()),
            wake: Notify::new(),
            kept: Mutex::new(0),
            kept_of_all,
        }
    }

    /// Reads or changes the log. `look` must not call anything else of the connection.
    pub(super) fn log<T>(&self, look: impl FnOnce(&mut ConnectionLog) -> T) -> T {
        look(&mut self.log.lock())
    }

    /// Sends an order to the connection's task. Returns whether there was room for it.
    pub(super) fn order(&self, command: Command) -> bool {
        let mut commands = self.commands.lock();
        let room = matches!(command, Command::End(_)) || commands.len() < MAX_COMMANDS;
        if room {
            commands.push(command);
            self.wake.notify_one();
        }
        room
    }

    pub(super) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut *self.commands.lock())
    }

    /// Whether a payload of `size` bytes may be kept. If so, reserves its space.
    pub(super) fn reserve(&self, index: u64, size: usize) -> bool {
        let mut kept = self.kept.lock();
        let room = index < KEPT_MESSAGES as u64
            && *kept + size <= KEPT_BYTES
            && self.kept_of_all.load(Ordering::Relaxed) + size <= KEPT_BYTES_OF_ALL;
        if room {
            *kept += size;
            self.kept_of_all.fetch_add(size, Ordering::Relaxed);
        }
        room
    }

    pub(super) fn record(&self, batch: Batch) {
        let mut log = self.log.lock();
        log.messages.extend(batch.kept);
        log.message_count += batch.messages;
        log.byte_count += batch.bytes;
        log.ping_count += batch.pings;
        log.pong_count += batch.pongs;
        if batch.close.is_some() {
            log.close = batch.close;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.kept_of_all
            .fetch_sub(*self.kept.lock(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_given_back() {
        let all = Arc::new(AtomicUsize::new(0));
        let connection = Connection::new(1, "127.0.0.1:1".parse().unwrap(), Arc::clone(&all));
        let kept = (0..2000)
            .filter(|&index| connection.reserve(index, 10))
            .count();
        assert_eq!((kept, all.load(Ordering::Relaxed)), (1000, 10_000));
        assert!(!connection.reserve(0, KEPT_BYTES));
        drop(connection);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn orders_are_bounded_but_an_end_always_fits() {
        let connection = Connection::new(1, "127.0.0.1:1".parse().unwrap(), Arc::default());
        let taken = (0..2000)
            .filter(|_| connection.order(Command::Send("x".into())))
            .count();
        assert_eq!(taken, MAX_COMMANDS);
        assert!(connection.order(Command::End(How::Fin)));
        assert_eq!(connection.take_commands().len(), MAX_COMMANDS + 1);
    }
}
