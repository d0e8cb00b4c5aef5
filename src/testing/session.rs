//! One connection, from its request to its end.

use std::{
    future,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf as _, BytesMut};
use tokio::net::TcpStream;

use super::{
    frame,
    inbound::Inbound,
    log::{Batch, Command, Connection, Ended},
    outgoing::Outgoing,
    parts::{How, opcode},
    program::{Program, Turn},
    scratch::{self, READ_SIZE},
    script::Script,
    shared::Shared,
};

/// The time limit for the client to answer a Close frame, and to end TCP.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is left to do with the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// End it with a FIN when the queue was written.
    Ended(Ended),
    /// Drop or freeze it.
    Drop(How),
}

/// An upgraded connection.
pub(super) struct Session<'a> {
    stream: &'a TcpStream,
    connection: &'a Connection,
    shared: &'a Shared,
    script: Arc<Script>,
    /// Bytes that were not written yet.
    pub(super) out: Outgoing,
    /// The bytes of an incomplete frame.
    pending: BytesMut,
    inbound: Inbound,
    program: Program,
    turn: Turn,
    /// Since when the peer wants to end, by its own Close frame or by a drop.
    closing: Option<Instant>,
    /// When a slow reader reads next.
    read_at: Option<Instant>,
}

impl<'a> Session<'a> {
    /// A session whose 101 is in `out`; `pending` are the bytes behind the request.
    pub(super) fn new(
        stream: &'a TcpStream,
        connection: &'a Connection,
        shared: &'a Shared,
        script: Arc<Script>,
        out: Outgoing,
        pending: BytesMut,
    ) -> Self {
        if script.read_rate.is_some() {
            // With a large receive buffer, the kernel would read for the slow reader. Errors do not
            // matter: the kernel has its own minimum.
            let _ = socket2::SockRef::from(stream).set_recv_buffer_size(4096);
        }
        Self {
            stream,
            connection,
            shared,
            program: Program::new(Arc::clone(&script)),
            script,
            out,
            pending,
            inbound: Inbound::default(),
            turn: Turn::Wait,
            closing: None,
            read_at: None,
        }
    }

    /// Runs the script until the connection ends.
    pub(super) async fn run(&mut self) -> Outcome {
        if !self.pending.is_empty()
            && let Some(outcome) = self.take(&mut [])
        {
            return outcome;
        }
        loop {
            if let Some(outcome) = self.act() {
                return outcome;
            }
            let writing = !self.out.is_empty() || self.turn == Turn::Full;
            let reading = !self.out.is_full() && self.read_at.is_none();
            tokio::select! {
                biased;
                () = self.connection.wake.notified() => {}
                _ = self.stream.readable(), if reading => {
                    if let Some(outcome) = self.read() {
                        return outcome;
                    }
                }
                _ = self.stream.writable(), if writing => {}
                () = until(self.timer()) => {}
            }
        }
    }

    /// Does what the orders, the script and the clock require now.
    fn act(&mut self) -> Option<Outcome> {
        let now = Instant::now();
        for command in self.connection.take_commands() {
            match command {
                Command::End(How::Close(code)) => self.close(code, now),
                Command::End(how) => return Some(Outcome::Drop(how)),
                Command::Send(message) => {
                    frame::encode(&mut self.out.bytes, opcode(&message), message.payload());
                }
            }
        }
        if self.closing.is_none() {
            self.turn = self
                .program
                .advance(&mut self.out, now, self.inbound.messages);
            if matches!(self.turn, Turn::Closing | Turn::End(_)) {
                self.closing = Some(now);
            }
        }
        if self.out.flush(self.stream).is_err() {
            return Some(Outcome::Ended(Ended::ClientReset));
        }
        self.read_at = self.read_at.filter(|at| now < *at);
        let late = self
            .closing
            .is_some_and(|since| now >= since + CLOSE_TIMEOUT);
        match self.turn {
            Turn::End(how) if self.out.is_empty() || late => Some(Outcome::Drop(how)),
            _ if late => Some(Outcome::Ended(Ended::CloseTimeout)),
            _ => None,
        }
    }

    fn close(&mut self, code: u16, now: Instant) {
        if self.closing.is_none() {
            frame::encode_close(&mut self.out.bytes, Some(code), "");
            (self.closing, self.turn) = (Some(now), Turn::Closing);
        }
    }

    fn timer(&self) -> Option<Instant> {
        let program = match self.turn {
            Turn::WaitUntil(at) => Some(at),
            _ => None,
        };
        let closing = self.closing.map(|since| since + CLOSE_TIMEOUT);
        [program, closing, self.read_at].into_iter().flatten().min()
    }

    fn read(&mut self) -> Option<Outcome> {
        let rate = self.script.read_rate;
        let limit = rate.map_or(READ_SIZE, |rate| {
            (rate / 10).clamp(1, READ_SIZE as u64) as usize
        });
        let stream = self.stream;
        let taken = scratch::read(stream, limit, |bytes| {
            if bytes.is_empty() {
                return Some(Outcome::Ended(Ended::ClientFin));
            }
            self.read_at = rate.map(|rate| {
                Instant::now() + Duration::from_secs_f64(bytes.len() as f64 / rate as f64)
            });
            self.take(bytes)
        });
        match taken {
            Ok(outcome) => outcome.flatten(),
            Err(_) => Some(Outcome::Ended(Ended::ClientReset)),
        }
    }

    /// Handles all complete frames, and keeps the rest.
    fn take(&mut self, new: &mut [u8]) -> Option<Outcome> {
        let mut batch = Batch::default();
        let result = if self.pending.is_empty() {
            let result = self.inbound.frames(
                new,
                self.connection,
                &self.script,
                &mut self.out.bytes,
                &mut batch,
            );
            if let Ok(used) = result {
                self.pending.extend_from_slice(&new[used..]);
            }
            result
        } else {
            self.pending.extend_from_slice(new);
            let Self {
                pending,
                inbound,
                out,
                ..
            } = self;
            let result = inbound.frames(
                pending,
                self.connection,
                &self.script,
                &mut out.bytes,
                &mut batch,
            );
            pending.advance(*result.as_ref().unwrap_or(&0));
            result
        };
        if self.pending.is_empty() {
            self.pending = BytesMut::new();
        }
        let closed = batch.close.is_some();
        self.connection.record(batch);
        self.shared.notify();
        match result {
            Err(fault) => {
                frame::encode_close(&mut self.out.bytes, Some(1002), fault);
                Some(Outcome::Ended(Ended::Violation(fault)))
            }
            Ok(_) if closed && self.turn == Turn::Closing => Some(Outcome::Ended(Ended::ByPeer)),
            Ok(_) if closed && self.script.answers_close => {
                let code = self
                    .connection
                    .log(|log| log.close.as_ref().and_then(|close| close.code));
                frame::encode_close(&mut self.out.bytes, code, "");
                Some(Outcome::Ended(Ended::ByClient))
            }
            Ok(_) => None,
        }
    }
}

/// Waits until then, or for ever.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => future::pending().await,
    }
}
