//! A WebSocket server of a few lines: it notes each message when its last byte has come, answers pings in order, and
//! misbehaves until it is told to stop.

use std::{cell::RefCell, rc::Rc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    select,
    time::{Instant, sleep},
};

use super::plan::Dice;
use crate::testing::frame;

/// What has arrived, over all sockets, in order: the numbers of the messages.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub numbers: Vec<u64>,
    /// How many sockets there were.
    pub sockets: u64,
    /// Nobody closes by hand any more.
    pub hands_off: bool,
}

/// Serves one socket to its end.
pub(super) async fn serve(
    mut stream: DuplexStream,
    log: Rc<RefCell<Log>>,
    trouble_until: Instant,
    mut dice: Dice,
) {
    log.borrow_mut().sockets += 1;
    let mut unread = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let troubled = Instant::now() < trouble_until;
        if troubled && dice.percent(2) {
            // Too busy to read: what it is sent piles up.
            sleep(dice.millis(6_000)).await;
        }
        let chatter = sleep(dice.millis(5_000));
        let read = select! {
            biased;
            read = stream.read(&mut chunk) => read,
            () = chatter, if troubled => {
                if say_something(&mut stream, &mut dice).await {
                    continue;
                }
                return;
            }
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => unread.extend_from_slice(&chunk[..count]),
        }
        let mut answers = Vec::new();
        let ended = take_frames(&mut unread, &mut answers, &log);
        sleep(dice.millis(20)).await;
        if stream.write_all(&answers).await.is_err() {
            return;
        }
        if ended {
            // The server ends the TCP connection (RFC 6455 §7.1.1).
            let _gone = stream.shutdown().await;
            return;
        }
    }
}

/// A message of its own, or a close. False when the socket ends with it.
async fn say_something(stream: &mut DuplexStream, dice: &mut Dice) -> bool {
    let mut out = Vec::new();
    let goes = dice.percent(5);
    if goes {
        let code = [1000, 1001, 1011, 1012][dice.within(0, 4) as usize];
        frame::encode_close(&mut out, Some(code), "");
    } else {
        frame::encode(&mut out, frame::TEXT, b"news");
    }
    // Not drained: the answers to what was read may be behind it, as they would be.
    stream.write_all(&out).await.is_ok() && !goes
}

/// Handles all whole frames; true after a close frame.
fn take_frames(unread: &mut Vec<u8>, answers: &mut Vec<u8>, log: &RefCell<Log>) -> bool {
    loop {
        let taken = match frame::decode(unread) {
            Ok(None) => return false,
            Err(reason) => panic!("the client broke the protocol: {reason}"),
            Ok(Some(frame)) => {
                assert!(frame.fin, "a fragment");
                match frame.opcode {
                    frame::PING => frame::encode(answers, frame::PONG, frame.payload),
                    frame::TEXT => heard(frame.payload, answers, log),
                    frame::CLOSE => {
                        frame::encode(answers, frame::CLOSE, frame.payload);
                        return true;
                    }
                    _ => {}
                }
                frame.size
            }
        };
        unread.drain(..taken);
    }
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
