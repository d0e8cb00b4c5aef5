//! A WebSocket server of a few lines: it notes each message when its last byte has come, answers pings in order, and
//! misbehaves until it is told to stop.

use std::{cell::RefCell, rc::Rc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    select,
    sync::mpsc,
    time::{Instant, sleep},
};

use super::plan::Dice;
use crate::testing::frame;

/// What the peer tells on all its sockets: numbers without holes.
#[derive(Debug, Default)]
pub(super) struct Broadcast {
    next: u64,
    sockets: Vec<mpsc::UnboundedSender<u64>>,
}

impl Broadcast {
    /// A socket from now on hears all of it.
    pub fn join(&mut self) -> mpsc::UnboundedReceiver<u64> {
        let (socket, numbers) = mpsc::unbounded_channel();
        self.sockets.push(socket);
        numbers
    }

    /// Tells the next number.
    pub fn broadcast(&mut self) {
        self.next += 1;
        let next = self.next;
        self.sockets.retain(|socket| socket.send(next).is_ok());
    }
}

/// What has arrived, over all sockets, in order: the numbers of the messages.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub numbers: Vec<u64>,
    /// How many sockets there were.
    pub sockets: u64,
    /// Nobody closes by hand any more.
    pub hands_off: bool,
}

/// What a peer is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// Until when it misbehaves.
    pub trouble_until: Instant,
    /// After so many messages, and the pings directly behind them, it answers and is gone.
    pub dies_after: Option<u64>,
    /// The longest delay of its answers, in milliseconds.
    pub answer_lag: u64,
}

/// Serves one socket to its end.
pub(super) async fn serve(
    mut stream: DuplexStream,
    log: Rc<RefCell<Log>>,
    mut numbers: mpsc::UnboundedReceiver<u64>,
    manners: Manners,
    mut dice: Dice,
) {
    log.borrow_mut().sockets += 1;
    let mut left = manners.dies_after.unwrap_or(u64::MAX);
    let mut unread = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let troubled = Instant::now() < manners.trouble_until;
        if troubled && dice.percent(2) {
            // Too busy to read: what it is sent piles up.
            sleep(dice.millis(6_000)).await;
        }
        let chatter = sleep(dice.millis(5_000));
        let read = select! {
            biased;
            read = stream.read(&mut chunk) => read,
            Some(number) = numbers.recv() => {
                let mut out = Vec::new();
                encode_number(&mut out, number);
                while let Ok(number) = numbers.try_recv() {
                    encode_number(&mut out, number);
                }
                if stream.write_all(&out).await.is_err() {
                    return;
                }
                continue;
            }
            () = chatter, if troubled => {
                if dice.percent(95) {
                    continue;
                }
                let mut out = Vec::new();
                // Not what would be taken for the answer to our own close of a rotation.
                let code = [1011, 1012, 1013][dice.within(0, 3) as usize];
                frame::encode_close(&mut out, Some(code), "");
                let _gone = stream.write_all(&out).await;
                return;
            }
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => unread.extend_from_slice(&chunk[..count]),
        }
        // What was told before this was read goes out before it is answered.
        let mut answers = Vec::new();
        while let Ok(number) = numbers.try_recv() {
            encode_number(&mut answers, number);
        }
        let heard = take_frames(&mut unread, &mut answers, &log, &mut left);
        let lag = match troubled && !answers.is_empty() {
            true => manners.answer_lag,
            false => 20,
        };
        sleep(dice.millis(lag)).await;
        if stream.write_all(&answers).await.is_err() {
            return;
        }
        match heard {
            Heard::All => {}
            // The server ends the TCP connection (RFC 6455 §7.1.1).
            Heard::Close => {
                let _gone = stream.shutdown().await;
                return;
            }
            Heard::Enough => {
                // What it does not read any more fails our writes, while its answers lie in our kernel.
                if dice.percent(50) {
                    let _gone = stream.shutdown().await;
                }
                return;
            }
        }
    }
}

fn encode_number(out: &mut Vec<u8>, number: u64) {
    frame::encode(out, frame::TEXT, format!("{{\"n\":{number}}}").as_bytes());
}

/// What ends the reading of frames.
enum Heard {
    /// There is no other whole one.
    All,
    /// A close frame.
    Close,
    /// As much as this peer reads.
    Enough,
}

/// Handles all whole frames, among them `left` messages at most.
fn take_frames(
    unread: &mut Vec<u8>,
    answers: &mut Vec<u8>,
    log: &RefCell<Log>,
    left: &mut u64,
) -> Heard {
    loop {
        let taken = match frame::decode(unread) {
            Ok(None) if *left == 0 => return Heard::Enough,
            Ok(None) => return Heard::All,
            Err(reason) => panic!("the client broke the protocol: {reason}"),
            Ok(Some(frame)) => {
                assert!(frame.fin, "a fragment");
                match frame.opcode {
                    frame::PING => frame::encode(answers, frame::PONG, frame.payload),
                    frame::TEXT if *left == 0 && is_message(frame.payload) => return Heard::Enough,
                    frame::TEXT => {
                        *left -= u64::from(is_message(frame.payload));
                        heard(frame.payload, answers, log);
                    }
                    frame::CLOSE => {
                        frame::encode(answers, frame::CLOSE, frame.payload);
                        return Heard::Close;
                    }
                    _ => {}
                }
                frame.size
            }
        };
        unread.drain(..taken);
    }
}

fn is_message(payload: &[u8]) -> bool {
    !matches!(payload, b"ping" | b"login")
}

fn heard(payload: &[u8], answers: &mut Vec<u8>, log: &RefCell<Log>) {
    match payload {
        b"ping" => frame::encode(answers, frame::TEXT, b"pong"),
        b"login" => {}
        message => {
            let text = std::str::from_utf8(message).expect("text");
            let number = text.split(':').next().expect("a number");
            log.borrow_mut()
                .numbers
                .push(number.parse().expect("a number"));
        }
    }
}
