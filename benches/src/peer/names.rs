//! Names: sockets that are counted by the name in their path, for nodes of a cluster.
//!
//! `/names/NAME?delay=MS&micros=M` answers the upgrade after so many milliseconds. Then it sends a
//! message every M microseconds, or none if M is 0, each with the number of its socket and its own
//! number on it. `/names-seen` says in one line what [`Seen`] has, and ends. `/names-sent` has a
//! line for each socket that was ever open: how many messages it was sent. `/names-quiet` ends all
//! sending.

use std::{
    collections::HashMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt,
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{feed::Stream, push_header, read};
use crate::process::monotonic;

static SOCKETS: Mutex<Option<Sockets>> = Mutex::new(None);

/// All sockets so far.
#[derive(Default)]
struct Sockets {
    names: HashMap<String, Name>,
    seen: Seen,
    is_quiet: bool,
    /// How many messages each socket was sent, and whether it is open.
    sent: Vec<(u64, bool)>,
}

#[derive(Default)]
struct Name {
    open: u32,
    /// When its last socket ended.
    ended: Option<u64>,
}

/// What the peer has seen, in this order in its line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Names that have a socket.
    pub open: u64,
    /// Names that have more than one.
    pub twice: u64,
    /// Sockets that were opened so far.
    pub opened: u64,
    /// Sockets that have ended.
    pub ended: u64,
    /// When the last one was opened, in nanoseconds of [`monotonic`].
    pub last_opened: u64,
    /// The longest time that a name had none between two sockets, in nanoseconds.
    pub longest_gap: u64,
}

impl Seen {
    /// Reads the line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.split_whitespace().map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            open: next()?,
            twice: next()?,
            opened: next()?,
            ended: next()?,
            last_opened: next()?,
            longest_gap: next()?,
        })
    }
}

fn sockets<R>(look: impl FnOnce(&mut Sockets) -> R) -> R {
    let mut sockets: MutexGuard<'_, _> = SOCKETS.lock().unwrap_or_else(PoisonError::into_inner);
    look(sockets.get_or_insert_default())
}

/// A socket that is open.
struct Socket {
    name: String,
    number: usize,
}

impl Socket {
    fn open(name: &str) -> Self {
        let now = monotonic();
        sockets(|all| {
            let of_name = all.names.entry(name.to_owned()).or_default();
            of_name.open += 1;
            if let (1, Some(ended)) = (of_name.open, of_name.ended) {
                all.seen.longest_gap = all.seen.longest_gap.max(now - ended);
            }
            match of_name.open {
                1 => all.seen.open += 1,
                2 => all.seen.twice += 1,
                _ => {}
            }
            all.seen.opened += 1;
            all.seen.last_opened = now;
            all.sent.push((0, true));
            Self {
                name: name.to_owned(),
                number: all.sent.len() - 1,
            }
        })
    }

    /// The number of its next message, unless there is to be no more.
    fn next(&self) -> Option<u64> {
        sockets(|all| (!all.is_quiet).then(|| all.sent[self.number].0 + 1))
    }

    fn was_sent(&self, message: u64) {
        sockets(|all| all.sent[self.number].0 = message);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        sockets(|all| {
            all.seen.ended += 1;
            all.sent[self.number].1 = false;
            let Some(of_name) = all.names.get_mut(&self.name) else {
                return;
            };
            of_name.open -= 1;
            match of_name.open {
                0 => {
                    all.seen.open -= 1;
                    of_name.ended = Some(monotonic());
                }
                1 => all.seen.twice -= 1,
                _ => {}
            }
        });
    }
}

/// After how long the upgrade to this path is answered.
pub fn delay(path: &str) -> Duration {
    let asked = path.starts_with("/names/").then(|| number(path, "delay="));
    Duration::from_millis(asked.flatten().unwrap_or_default())
}

fn number(path: &str, key: &str) -> Option<u64> {
    let (_, query) = path.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(key));
    value?.parse().ok()
}

/// Serves the socket of a name until its client ends or closes.
pub async fn serve(stream: &mut impl Stream, path: &str) -> io::Result<()> {
    let name = path.split('?').next().unwrap_or_default();
    let socket = Socket::open(name);
    let micros = number(path, "micros=").unwrap_or_default();
    // Without messages the timer is never looked at.
    let every = Duration::from_micros(micros.max(1));
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut frame, mut rest) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            _ = ticks.tick(), if micros > 0 => {
                let Some(message) = socket.next() else { continue };
                let text = format!(r#"{{"socket":{},"n":{message}}}"#, socket.number);
                frame.clear();
                push_header(0x81, text.len(), &mut frame);
                frame.extend_from_slice(text.as_bytes());
                stream.write_all(&frame).await?;
                socket.was_sent(message);
            }
            answers = read(stream, &mut rest) => {
                let (answers, closes) = answers?;
                if answers.is_empty() && rest.is_empty() {
                    return Ok(());
                }
                stream.write_all(&answers).await?;
                if closes {
                    return stream.shutdown().await;
                }
            }
        }
    }
}

/// Answers a question about all names, unless the path is none.
pub async fn answer(stream: &mut impl Stream, path: &str) -> Option<io::Result<()>> {
    let text = match path {
        "/names-seen" => seen(),
        "/names-sent" => sockets(|all| {
            let line = |(sent, is_open): &(u64, bool)| format!("{sent} {}\n", u8::from(*is_open));
            all.sent.iter().map(line).collect()
        }),
        "/names-fresh" => sockets(|all| {
            all.seen.longest_gap = 0;
            String::new()
        }),
        "/names-quiet" => sockets(|all| {
            all.is_quiet = true;
            String::new()
        }),
        _ => return None,
    };
    let write = async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    };
    Some(write.await)
}

fn seen() -> String {
    let seen = sockets(|all| all.seen);
    let Seen {
        open,
        twice,
        opened,
        ended,
        last_opened,
        longest_gap,
    } = seen;
    format!("{open} {twice} {opened} {ended} {last_opened} {longest_gap}\n")
}
