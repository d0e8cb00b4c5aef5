//! Links that delay, and that are cut after any byte. Like TCP, they neither reorder nor duplicate.

use std::{cell::Cell, future::pending, rc::Rc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    select,
    sync::Notify,
    time::{Instant, sleep},
};

use super::plan::Dice;

/// How a link ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Never.
    None,
    /// After this many bytes in one direction, both sides see the end.
    End { after: u64 },
    /// After this many bytes in one direction, nothing arrives any more, and neither side learns of
    /// it.
    BlackHole { after: u64 },
}

/// The properties of a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quality {
    /// The longest delay of a piece, in milliseconds.
    pub latency: u64,
    /// The largest piece.
    pub piece: usize,
    /// The bytes that either side can send before the other reads.
    pub window: usize,
    /// From this time on the link is fast. Its cuts stay.
    pub slow_until: Instant,
    /// The cut from client to server.
    pub out: Cut,
    /// The cut from server to client.
    pub back: Cut,
}

impl Quality {
    /// A link without faults.
    pub fn clean(now: Instant) -> Self {
        Self {
            latency: 1,
            piece: 64 << 10,
            window: 64 << 10,
            slow_until: now,
            out: Cut::None,
            back: Cut::None,
        }
    }
}

/// The two ends of a new link.
pub(super) fn link(quality: Quality, dice: &mut Dice) -> (DuplexStream, DuplexStream) {
    let (client, near) = duplex(quality.window);
    let (server, far) = duplex(quality.window);
    let (near_read, near_write) = split(near);
    let (far_read, far_write) = split(far);
    let end = Rc::new(End::default());
    let out = carry(
        near_read,
        far_write,
        quality,
        quality.out,
        dice.fork(),
        Rc::clone(&end),
    );
    let back = carry(
        far_read,
        near_write,
        quality,
        quality.back,
        dice.fork(),
        end,
    );
    tokio::task::spawn_local(out);
    tokio::task::spawn_local(back);
    (client, server)
}

/// The end of a link: the direction that was cut tells the other.
#[derive(Default)]
struct End {
    come: Cell<bool>,
    /// Nothing moves in either direction: if bytes do not arrive, nor do the acknowledgements of
    /// the other direction.
    hole: Cell<bool>,
    wakeup: Notify,
}

/// Carries one direction.
async fn carry(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    quality: Quality,
    cut: Cut,
    mut dice: Dice,
    end: Rc<End>,
) {
    let mut carried = 0;
    let mut buffer = vec![0; quality.piece.max(4 << 10)];
    loop {
        let slow = Instant::now() < quality.slow_until;
        let piece = if slow { quality.piece } else { buffer.len() };
        let count = select! {
            biased;
            () = end.wakeup.notified() => return,
            read = from.read(&mut buffer[..piece]) => match read {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            },
        };
        if slow {
            sleep(dice.millis(quality.latency)).await;
        }
        if end.come.get() {
            return;
        }
        if end.hole.get() {
            pending::<()>().await;
        }
        let left = match cut {
            Cut::None => u64::MAX,
            Cut::End { after } | Cut::BlackHole { after } => after.saturating_sub(carried),
        };
        let pass = count.min(usize::try_from(left).unwrap_or(usize::MAX));
        if to.write_all(&buffer[..pass]).await.is_err() {
            break;
        }
        carried += pass as u64;
        if pass < count {
            if matches!(cut, Cut::BlackHole { .. }) {
                // Both ends stay open, and nothing moves.
                end.hole.set(true);
                pending::<()>().await;
            }
            end.come.set(true);
            end.wakeup.notify_waiters();
            return;
        }
    }
    // An orderly end: the bytes before it arrive first.
    let _closed = to.shutdown().await;
}
