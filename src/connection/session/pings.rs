//! Whether the peer of a session is still there.

use std::time::{Duration, Instant};

use crate::{chance, core::later, settings::Heartbeat, transport::Stream};

/// The pings of a session, by the heartbeat of its name.
///
/// A session confirms nothing: whatever the peer sends answers a ping. Until the ping has reached the peer's TCP, so does each byte of
/// ours that gets further.
#[derive(Debug)]
pub(super) struct Pings(Option<Inside>);

#[derive(Debug)]
struct Inside {
    interval: Duration,
    timeout: Duration,
    ping: Ping,
    /// Whether we read what the peer says; while we do not, nothing is late.
    listens: bool,
}

/// Where the ping is of which the answer is missing, since when.
#[derive(Debug)]
enum Ping {
    /// There is none until then.
    None(Instant),
    /// It is to go out.
    Due(Instant),
    /// It is encoded, and goes out behind what is.
    Leaving(Instant),
    /// The kernel has it.
    Written(Instant, Option<Ahead>),
}

/// A ping that is not the next that the peer's TCP gets.
#[derive(Debug)]
struct Ahead {
    /// Where in the stream the ping ends.
    position: u64,
    /// What the peer's TCP had when we looked.
    taken: u64,
    /// When to look again: often enough to see it come on.
    look: Instant,
}

/// So many bytes ahead of a ping need no time of their own.
const FEW: u64 = 64 << 10;

impl Pings {
    /// A heartbeat of texts is talk, and that is the client's.
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

    /// The payload of a ping, if one is to go out.
    pub fn take(&mut self, now: Instant) -> Option<[u8; 8]> {
        let inside = self.0.as_mut()?;
        inside.tick(now);
        let Ping::Due(since) = inside.ping else {
            return None;
        };
        inside.ping = Ping::Leaving(since);
        Some(chance::next_u64().to_be_bytes())
    }

    /// Something came.
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

    /// The kernel has taken some of our bytes, perhaps all that are encoded.
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

    /// We do not read now.
    pub fn does_not_listen(&mut self) {
        if let Some(inside) = &mut self.0 {
            inside.listens = false;
        }
    }

    /// We read.
    pub fn listens(&mut self, now: Instant) {
        if let Some(inside) = &mut self.0
            && !std::mem::replace(&mut inside.listens, true)
        {
            inside.excuse(now);
        }
    }

    /// Whether the peer is given up. All that has come must be read before.
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
                // What is ahead of it now was written behind it, or is little.
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
    /// What is ahead of what is written next; none if that is little, or not known.
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
