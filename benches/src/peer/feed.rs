//! Feeds: text messages one way, back to back or at a steady rate.
//!
//! `/feed?sockets=N&size=S&warm=W&count=C` waits until N sockets have requested it. Then each gets
//! W messages of S bytes to warm up and, after one byte was received on a connection to `/feed-go`,
//! C more. They are written 64 KiB at a time, as fast as they are read. With `&micros=M&step=P`,
//! each socket instead gets one message every M microseconds, each with its own write. The sockets
//! are spread evenly over that time, in steps of P microseconds.
//!
//! A message is JSON. With a steady rate, it contains the time of the write; with `&numbered=1`,
//! its number on its socket.

use std::{
    borrow::Cow,
    io,
    num::NonZeroU64,
    pin::Pin,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Notify,
};

use super::{echo, push_header};
use crate::process::monotonic;

/// The size of a write without a rate.
const CHUNK: usize = 64 << 10;

const START: &str = r#"{"t":""#;
/// The digits of the time, in nanoseconds of [`monotonic`].
const TIME: usize = 20;
const MIDDLE: &str = r#"","n":"#;
/// With as many digits as the number of a message, so that it never begins with a zero.
const FIRST: u64 = 1_000_000_000;
const NUMBER: usize = 10;
const TICK: &str = r#","symbol":"BTC-USDT","bid":"64123.25","ask":"64123.50","size":"0.41200000""#;

/// The pointer to the number of a message.
pub const POINTER: &str = "/n";

/// A connection, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

static WAITING: Mutex<Vec<Box<dyn Stream>>> = Mutex::new(Vec::new());
static GO: Notify = Notify::const_new();

/// Handles a connection of a sample that reports the end of the warm-up.
pub async fn go(mut stream: impl Stream) -> io::Result<()> {
    stream.read_u8().await?;
    GO.notify_one();
    Ok(())
}

/// Waits for the other sockets. The last one serves all.
pub async fn join(stream: Box<dyn Stream>, query: &str) -> io::Result<()> {
    let feed = Feed::parse(query).ok_or(io::ErrorKind::InvalidData)?;
    let mut sockets = {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(stream);
        if waiting.len() < feed.sockets {
            return Ok(());
        }
        std::mem::take(&mut *waiting)
    };
    feed.send(&mut sockets, FIRST, feed.warm).await?;
    GO.notified().await;
    let first = FIRST + feed.warm as u64;
    feed.send(&mut sockets, first, feed.count).await?;
    // From now on, pings are answered, and the client ends first.
    try_join_all(sockets.into_iter().map(echo)).await?;
    Ok(())
}

struct Feed {
    sockets: usize,
    /// The number for each socket.
    warm: usize,
    count: usize,
    pace: Option<Pace>,
    is_numbered: bool,
    frame: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Pace {
    interval: Duration,
    step: Duration,
}

impl Feed {
    fn parse(query: &str) -> Option<Self> {
        let number = |key: &str| {
            let pair = query
                .split('&')
                .find_map(|pair| pair.split_once('=')?.0.eq(key).then_some(pair));
            pair?.split_once('=')?.1.parse::<usize>().ok()
        };
        let micros = |key| Some(Duration::from_micros(number(key)? as u64));
        Some(Self {
            sockets: number("sockets")?,
            warm: number("warm")?,
            count: number("count")?,
            pace: micros("micros")
                .zip(micros("step"))
                .map(|(interval, step)| Pace { interval, step }),
            is_numbered: number("numbered").is_some(),
            frame: frame(number("size")?),
        })
    }

    /// Sends this number of messages to each socket.
    async fn send(
        &self,
        sockets: &mut [Box<dyn Stream>],
        first: u64,
        count: usize,
    ) -> io::Result<()> {
        match self.pace {
            Some(pace) => self.paced(sockets, pace, first, count).await,
            None => {
                let chunk = self.frame.repeat((CHUNK / self.frame.len()).max(1));
                let floods = sockets
                    .iter_mut()
                    .map(|socket| self.flood(socket, Cow::Borrowed(&chunk), first, count));
                try_join_all(floods).await?;
                Ok(())
            }
        }
    }

    async fn flood(
        &self,
        socket: &mut Box<dyn Stream>,
        mut chunk: Cow<'_, [u8]>,
        first: u64,
        count: usize,
    ) -> io::Result<()> {
        let len = self.frame.len();
        let mut sent = 0;
        while sent < count {
            let frames = (chunk.len() / len).min(count - sent);
            if self.is_numbered {
                let numbers = first + sent as u64..;
                let frames = chunk.to_mut().chunks_exact_mut(len).take(frames);
                frames
                    .zip(numbers)
                    .for_each(|(frame, n)| self.put_number(frame, n));
            }
            socket.write_all(&chunk[..frames * len]).await?;
            sent += frames;
        }
        socket.flush().await
    }

    /// Sleeps between the writes without the runtime, whose timers have only whole milliseconds.
    /// Nothing else is served meanwhile.
    async fn paced(
        &self,
        sockets: &mut [Box<dyn Stream>],
        pace: Pace,
        first: u64,
        count: usize,
    ) -> io::Result<()> {
        // Otherwise the kernel may wake it 50 µs late.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        let mut frame = self.frame.clone();
        let time = self.head() + START.len();
        let (interval, step) = (pace.interval.as_nanos() as u64, pace.step.as_nanos() as u64);
        let (start, places) = (Instant::now(), sockets.len());
        for n in 0..count {
            for (place, socket) in sockets.iter_mut().enumerate() {
                let exact = n as u64 * interval + place as u64 * interval / places as u64;
                let due = Duration::from_nanos(exact / step * step);
                if let Some(early) = due.checked_sub(start.elapsed()) {
                    thread::sleep(early);
                }
                if self.is_numbered {
                    self.put_number(&mut frame, first + n as u64);
                }
                put_decimal(&mut frame[time..][..TIME], monotonic());
                Pin::new(&mut *socket).write_all(&frame).await?;
                socket.flush().await?;
            }
        }
        Ok(())
    }

    fn put_number(&self, frame: &mut [u8], number: u64) {
        let at = self.head() + START.len() + TIME + MIDDLE.len();
        put_decimal(&mut frame[at..][..NUMBER], number);
    }

    /// The length of the header of a frame.
    fn head(&self) -> usize {
        super::header(&self.frame).map_or(0, |(head, _)| head)
    }
}

fn put_decimal(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The frame of a message of this size: a tick of a market, or as much of it as fits.
fn frame(size: usize) -> Vec<u8> {
    let mut text = format!("{START}{:0TIME$}{MIDDLE}{FIRST}", 0);
    let (filler, end) = (r#","x":""#, r#""}"#);
    if text.len() + TICK.len() + filler.len() + end.len() <= size {
        text.push_str(TICK);
    }
    text.push_str(filler);
    let rest = size
        .checked_sub(text.len() + end.len())
        .expect("a message that has room for its time");
    text.extend(std::iter::repeat_n('x', rest));
    text.push_str(end);
    let mut frame = Vec::new();
    push_header(0x81, text.len(), &mut frame);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// When the message was written, in nanoseconds of [`monotonic`].
pub fn sent_at(message: &[u8]) -> u64 {
    let digits = &message[START.len()..][..TIME];
    digits
        .iter()
        .fold(0, |time, digit| time * 10 + u64::from(digit - b'0'))
}
