//! Checks that the peer of a session is still there.

use std::time::{Duration, Instant};

use crate::{chance, core::later, settings::Heartbeat, transport::Stream};

/// The pings of a session, by the heartbeat of its name.
///
/// A session confirms nothing, so any data from the peer answers a ping. Until the ping has reached
/// the peer's TCP, progress of our own bytes counts as an answer, too.
#[derive(Debug)]
pub(super) struct Pings(Option<Inside>);

#[derive(Debug)]
struct Inside {
    interval: Duration,
    timeout: Duration,
    ping: Ping,
    /// Whether we read. While we do not, nothing is late.
    listens: bool,
}

/// The state of the unanswered ping, and since when.
#[derive(Debug)]
enum Ping {
    /// No ping until then.
    None(Instant),
    /// The ping is due.
    Due(Instant),
    /// The ping is encoded, and follows the bytes before it.
    Leaving(Instant),
    /// The kernel has it.
    Written(Instant, Option<Ahead>),
}

/// A ping that follows other bytes which the peer's TCP does not have yet.
#[derive(Debug)]
struct Ahead {
    /// The stream position at which the ping ends.
    position: u64,
    /// The position that the peer's TCP had reached when we looked.
    taken: u64,
    /// When to look again: often enough to see progress.
    look: Instant,
}

/// With fewer bytes than this before it, a ping needs no extra time.
const FEW: u64 = 64 << 10;

impl Pings {
    /// Text heartbeats are application messages, which only the client sends.
    pub fn new(heartbeat: &Heartbeat, now: Instant) -> Self {
        let Heartbeat::Protocol { interval, timeout } = *heartbeat else {
            return Self(None);
        };
        Self(Some(Inside {
            interval,
            timeout,
            ping: Ping::None(later(now, interval)),
            listens: true,
        }))
    }

    /// The payload of a ping, if one is due.
    pub fn take(&mut self, now: Instant) -> Option<[u8; 8]> {
        let inside = self.0.as_mut()?;
        inside.tick(now);
        let Ping::Due(since) = inside.ping else {
            return None;
        };
        inside.ping = Ping::Leaving(since);
        Some(chance::next_u64().to_be_bytes())
    }

    /// Something came from the peer.
    pub fn heard(&mut self, now: Instant) {
        let Some(inside) = &mut self.0 else {
            return;
        };
        match &mut inside.ping {
            Ping::None(_) => {}
            Ping::Due(since) | Ping::Leaving(since) => *since = now,
            Ping::Written(..) => inside.ping = Ping::None(later(now, inside.interval)),
        }
    }

    /// The kernel has taken some of our bytes, or all that are encoded.
    pub fn wrote(&mut self, all: bool, stream: &Stream, now: Instant) {
        let Some(inside) = &mut self.0 else {
            return;
        };
        match &mut inside.ping {
            Ping::Leaving(_) if all => {
                let look = later(now, inside.timeout / 4);
                inside.ping = Ping::Written(now, Ahead::of(stream, look));
            }
            Ping::Due(since) | Ping::Leaving(since) => *since = now,
            Ping::None(_) | Ping::Written(..) => {}
        }
    }

    /// We stop reading.
    pub fn does_not_listen(&mut self) {
        if let Some(inside) = &mut self.0 {
            inside.listens = false;
        }
    }

    /// We read again.
    pub fn listens(&mut self, now: Instant) {
        if let Some(inside) = &mut self.0
            && !std::mem::replace(&mut inside.listens, true)
        {
            inside.excuse(now);
        }
    }

    /// Whether the peer is given up. Everything that has arrived must be read before.
    pub fn is_overdue(&mut self, stream: &Stream, now: Instant) -> bool {
        let Some(inside) = &mut self.0 else {
            return false;
        };
        inside.tick(now);
        if let Ping::Written(since, ahead) = &mut inside.ping
            && let Some(own) = ahead
        {
            own.look = later(now, inside.timeout / 4);
            match Ahead::of(stream, own.look) {
                // The bytes before it were written after it, or are few.
                Some(further) if further.taken >= own.position => (*since, *ahead) = (now, None),
                None => (*since, *ahead) = (now, None),
                Some(further) if further.taken > own.taken => {
                    (*since, own.taken) = (now, further.taken);
                }
                Some(_) => {}
            }
        }
        inside.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When to look again.
    pub fn next(&self) -> Option<Instant> {
        let inside = self.0.as_ref()?;
        match inside.ping {
            Ping::None(next) => Some(next),
            Ping::Written(_, Some(ref ahead)) => inside.deadline().map(|at| at.min(ahead.look)),
            _ => inside.deadline(),
        }
    }
}

impl Ahead {
    /// The bytes before the next write; `None` if they are few, or unknown.
    fn of(stream: &Stream, look: Instant) -> Option<Self> {
        let tcp = stream.tcp()?;
        let open = tcp.unacknowledged().filter(|&open| open > FEW)?;
        Some(Self {
            position: tcp.written(),
            taken: tcp.written().saturating_sub(open),
            look,
        })
    }
}

impl Inside {
    fn tick(&mut self, now: Instant) {
        if let Ping::None(next) = self.ping
            && next <= now
        {
            self.ping = Ping::Due(now);
        }
    }

    fn excuse(&mut self, now: Instant) {
        match &mut self.ping {
            Ping::None(_) => {}
            Ping::Due(since) | Ping::Leaving(since) | Ping::Written(since, _) => *since = now,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.ping {
            Ping::Due(since) | Ping::Leaving(since) | Ping::Written(since, _) => {
                self.listens.then(|| later(since, self.timeout))
            }
            Ping::None(_) => None,
        }
    }
}
