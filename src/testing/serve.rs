//! Serves a TCP connection from its acceptance: handshake, session, end.

use std::{io, time::Instant};

use bytes::BytesMut;
use tokio::{
    net::TcpStream,
    time::{Duration, timeout},
};

use super::{
    handshake::{self, MAX_HEAD, Request},
    log::{Command, Ended},
    outgoing::Outgoing,
    parts::{Answer, How},
    scratch::{self, READ_SIZE},
    session::{CLOSE_TIMEOUT, Outcome, Session},
    shared::OpenGuard,
};

/// The time limit for the client's request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves a connection until its socket can be dropped.
pub(super) async fn serve(stream: TcpStream, guard: OpenGuard) {
    let (mut outcome, mut out) = talk(&stream, &guard).await;
    loop {
        match outcome {
            Outcome::Ended(how) => {
                guard.end(how);
                return finish(&stream, &mut out).await;
            }
            Outcome::Drop(How::Freeze) => {
                guard.note(|log| log.frozen = true);
                outcome = frozen(&stream, &guard).await;
            }
            Outcome::Drop(How::Reset) => {
                guard.end(Ended::Dropped(How::Reset));
                // If the option cannot be set, the socket is already gone.
                let _ = stream.set_zero_linger();
                return;
            }
            Outcome::Drop(how) => {
                guard.end(Ended::Dropped(how));
                return finish(&stream, &mut Outgoing::default()).await;
            }
        }
    }
}

/// Handles everything before the end. Also returns what is still to be written.
async fn talk(stream: &TcpStream, guard: &OpenGuard) -> (Outcome, Outgoing) {
    let mut out = Outgoing::default();
    if let Some(how) = guard.shared.at_accept() {
        return (Outcome::Drop(how), out);
    }
    let mut buffer = BytesMut::new();
    let request = tokio::select! {
        request = timeout(REQUEST_TIMEOUT, request(stream, &mut buffer)) => request,
        how = ordered(guard) => return (Outcome::Drop(how), out),
    };
    let Ok(Some(request)) = request else {
        return (Outcome::Ended(Ended::NoRequest), out);
    };
    guard.note(|log| log.request = Some(request.clone()));
    let script = match guard.shared.script(request.path(), request.target()) {
        Ok(script) => script,
        Err(refusal) => return refuse(refusal.status, &[], &refusal.text),
    };
    match &script.answer {
        Answer::HangUp(how) => (Outcome::Drop(*how), out),
        Answer::Status { status, body } => refuse(*status, &script.headers, body),
        Answer::Upgrade(upgrade) => {
            if let Some(fault) = request.fault() {
                return refuse(400, &[], fault);
            }
            out.bytes = handshake::accept(&request, upgrade, &script).into_bytes();
            guard.note(|log| log.opened_at = Some(Instant::now()));
            let (connection, shared) = (&guard.connection, &guard.shared);
            let mut session = Session::new(stream, connection, shared, script.clone(), out, buffer);
            let outcome = session.run().await;
            (outcome, session.out)
        }
    }
}

fn refuse(status: u16, headers: &[(String, String)], body: &str) -> (Outcome, Outgoing) {
    let mut out = Outgoing::default();
    out.bytes = handshake::refuse(status, headers, body).into_bytes();
    (Outcome::Ended(Ended::Refused(status)), out)
}

/// Reads the head of a request. Bytes behind it stay in `buffer`.
async fn request(stream: &TcpStream, buffer: &mut BytesMut) -> Option<Request> {
    loop {
        stream.readable().await.ok()?;
        let count = scratch::read(stream, MAX_HEAD, |bytes| {
            buffer.extend_from_slice(bytes);
            bytes.len()
        });
        match count.ok()? {
            None => continue,
            Some(0) => return None,
            Some(_) => {}
        }
        if let Some((request, length)) = Request::parse(buffer) {
            let rest = BytesMut::from(&buffer[length..]);
            *buffer = rest;
            return Some(request);
        }
        if buffer.len() > MAX_HEAD {
            return None;
        }
    }
}

/// Waits for an order to end. Outside a session, other orders have no meaning.
async fn ordered(guard: &OpenGuard) -> How {
    loop {
        for command in guard.connection.take_commands() {
            if let Command::End(how) = command {
                return how;
            }
        }
        guard.connection.wake.notified().await;
    }
}

/// Holds a silent socket until an order comes, or until the kernel reports an error such as a
/// reset.
async fn frozen(stream: &TcpStream, guard: &OpenGuard) -> Outcome {
    tokio::select! {
        how = ordered(guard) => Outcome::Drop(how),
        _ = stream.ready(tokio::io::Interest::ERROR) => Outcome::Ended(Ended::ClientReset),
    }
}

/// Writes the rest, sends a FIN, and reads until the client's FIN: closing with unread bytes would
/// be a reset.
async fn finish(stream: &TcpStream, out: &mut Outgoing) {
    let end = async {
        out.flush_all(stream).await?;
        socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write)?;
        loop {
            stream.readable().await?;
            if scratch::read(stream, READ_SIZE, |bytes| bytes.is_empty())? == Some(true) {
                return Ok(());
            }
        }
    };
    // Errors do not matter: the socket is dropped next.
    let _: Result<io::Result<()>, _> = timeout(CLOSE_TIMEOUT, end).await;
}
