//! A small WebSocket server. It notes each message when its last byte has arrived, answers pings in
//! order, and misbehaves until it is told to stop.

use std::{cell::RefCell, rc::Rc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    select,
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    dialogue::FORGOTTEN,
    keys::{Routing, key_of_number, name_of, sid_of},
    plan::Dice,
    talk::Talk,
};
use crate::testing::frame;

/// The peer's broadcast on all its sockets: consecutive numbers.
#[derive(Debug, Default)]
pub(super) struct Broadcast {
    next: u64,
    sockets: Vec<mpsc::UnboundedSender<u64>>,
}

impl Broadcast {
    /// Adds a socket that receives all later numbers.
    pub fn join(&mut self) -> mpsc::UnboundedReceiver<u64> {
        let (socket, numbers) = mpsc::unbounded_channel();
        self.sockets.push(socket);
        numbers
    }

    /// Sends the next number.
    pub fn broadcast(&mut self) {
        self.next += 1;
        let next = self.next;
        self.sockets.retain(|socket| socket.send(next).is_ok());
    }
}

/// All received messages by number, over all sockets, in order.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub numbers: Vec<u64>,
    /// The number of sockets.
    pub sockets: u64,
    /// From now on nobody closes the name by hand.
    pub hands_off: bool,
}

/// The behaviour of a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// The end of its misbehaviour.
    pub trouble_until: Instant,
    /// After this many messages, and the pings directly after them, it answers and disconnects.
    pub dies_after: Option<u64>,
    /// The longest delay of its answers, in milliseconds.
    pub answer_lag: u64,
    /// How its messages name the key that they belong to.
    pub routing: Routing,
}

/// Serves one socket to its end.
pub(super) async fn serve(
    mut stream: DuplexStream,
    log: Rc<RefCell<Log>>,
    mut numbers: mpsc::UnboundedReceiver<u64>,
    manners: Manners,
    mut talk: Option<Talk>,
    mut dice: Dice,
) {
    log.borrow_mut().sockets += 1;
    if greet(&mut stream, talk.as_mut(), &manners, &mut dice)
        .await
        .is_err()
    {
        return;
    }
    let mut left = manners.dies_after.unwrap_or(u64::MAX);
    let mut unread = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let troubled = Instant::now() < manners.trouble_until;
        if troubled && dice.percent(2) {
            // Too busy to read: messages to it pile up.
            sleep(dice.millis(6_000)).await;
        }
        let chatter = sleep(dice.millis(if talk.is_some() { 1_500 } else { 5_000 }));
        let read = select! {
            biased;
            read = stream.read(&mut chunk) => read,
            Some(number) = numbers.recv() => {
                let mut out = Vec::new();
                encode_number(&mut out, number, manners.routing);
                while let Ok(number) = numbers.try_recv() {
                    encode_number(&mut out, number, manners.routing);
                }
                if stream.write_all(&out).await.is_err() {
                    return;
                }
                continue;
            }
            () = chatter, if troubled || talk.is_some() => {
                let mut out = Vec::new();
                let close = chat(talk.as_mut(), troubled, &mut dice, &mut out);
                if let Some(code) = close {
                    frame::encode_close(&mut out, Some(code), "");
                }
                if stream.write_all(&out).await.is_err() || close.is_some() {
                    return;
                }
                continue;
            }
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => unread.extend_from_slice(&chunk[..count]),
        }
        // Broadcasts from before this read go out before the answers.
        let mut answers = Vec::new();
        while let Ok(number) = numbers.try_recv() {
            encode_number(&mut answers, number, manners.routing);
        }
        let mut hears = Hears {
            log: &log,
            talk: talk.as_mut(),
            troubled,
            dice: &mut dice,
        };
        let heard = take_frames(&mut unread, &mut answers, &mut hears, &mut left);
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
                // Data that it no longer reads makes our writes fail, while its answers wait in our
                // kernel.
                if dice.percent(50) {
                    let _gone = stream.shutdown().await;
                }
                return;
            }
        }
    }
}

/// Sends the messages before the first read.
async fn greet(
    stream: &mut DuplexStream,
    talk: Option<&mut Talk>,
    manners: &Manners,
    dice: &mut Dice,
) -> std::io::Result<()> {
    let Some(talk) = talk else {
        return Ok(());
    };
    let mut out = Vec::new();
    if Instant::now() < manners.trouble_until {
        sleep(dice.millis(manners.answer_lag)).await;
        if dice.percent(20) {
            talk.chat(dice, &mut out);
        }
    }
    talk.greet(dice, &mut out);
    stream.write_all(&out).await
}

/// The messages between answers, and the close code if the peer then closes.
fn chat(
    talk: Option<&mut Talk>,
    troubled: bool,
    dice: &mut Dice,
    out: &mut Vec<u8>,
) -> Option<u16> {
    // Not a code that could be taken for the answer to our own close of a rotation.
    let codes = [1011, 1012, 1013, FORGOTTEN];
    let Some(talk) = talk else {
        return dice.percent(5).then(|| codes[dice.within(0, 3) as usize]);
    };
    if !troubled {
        talk.chat_calmly(dice, out);
        return None;
    }
    talk.chat(dice, out);
    let close = dice.percent(3).then(|| codes[dice.within(0, 4) as usize]);
    if close == Some(FORGOTTEN) {
        talk.forget();
    }
    close
}

fn encode_number(out: &mut Vec<u8>, number: u64, routing: Routing) {
    let key = key_of_number(number);
    let text = match routing {
        Routing::None => format!("{{\"n\":{number}}}"),
        Routing::Name => format!("{{\"n\":{number},\"s\":\"{}\"}}", name_of(key)),
        Routing::Number => format!("{{\"n\":{number},\"s\":\"{}\"}}", sid_of(key)),
    };
    frame::encode(out, frame::TEXT, text.as_bytes());
}

/// Why the reading of frames ended.
enum Heard {
    /// There is no further whole frame.
    All,
    /// A close frame.
    Close,
    /// The limit of this peer is reached.
    Enough,
}

/// The receivers of the messages.
struct Hears<'a> {
    log: &'a RefCell<Log>,
    talk: Option<&'a mut Talk>,
    troubled: bool,
    dice: &'a mut Dice,
}

/// Handles all whole frames, with at most `left` messages.
fn take_frames(
    unread: &mut Vec<u8>,
    answers: &mut Vec<u8>,
    hears: &mut Hears<'_>,
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
                        hears.text(frame.payload, answers);
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
    !matches!(payload, b"ping" | b"login" | [b'{', ..])
}

impl Hears<'_> {
    fn text(&mut self, payload: &[u8], answers: &mut Vec<u8>) {
        let text = std::str::from_utf8(payload).expect("text");
        match (text, &mut self.talk) {
            ("ping", None) => frame::encode(answers, frame::TEXT, b"pong"),
            ("login", None) => {}
            (said, Some(talk)) if said.starts_with('{') => {
                talk.hear(said, self.troubled, self.dice, answers);
            }
            (message, talk) => {
                if let Some(talk) = talk {
                    talk.message(message);
                }
                let number = message.split(':').next().expect("a number");
                let number = number.parse().expect("a number");
                self.log.borrow_mut().numbers.push(number);
            }
        }
    }
}
