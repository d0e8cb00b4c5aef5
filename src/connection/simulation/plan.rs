//! The plan of a life, drawn from its seed.

use std::{num::NonZeroU32, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    dialogue::{self, Moods},
    readers::Reader,
};
use crate::core::JsonPointer;
use crate::settings::{
    ConnectionSettings, Heartbeat, Opening, RateSettings, Reconnect, Resend, RotationMode,
    SequenceSettings, Template, WhenFull,
};

/// The random choices of one life.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A new generator that is independent from now on.
    pub fn fork(&mut self) -> Self {
        Self(StdRng::seed_from_u64(self.0.next_u64()))
    }

    /// One of `from..to`.
    pub fn within(&mut self, from: u64, to: u64) -> u64 {
        assert!(from < to, "nothing is within {from}..{to}");
        // The most frequent draw, in a build without optimisation.
        let share = u128::from(self.0.next_u64()) * u128::from(to - from);
        from + (share >> 64) as u64
    }

    /// True with this chance in percent.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.within(0, 100) < chance
    }

    /// A random number of milliseconds; small ones are more frequent.
    pub fn millis(&mut self, below: u64) -> Duration {
        let span = match self.within(0, 3) {
            0 => 2,
            1 => below.div_ceil(10),
            _ => below,
        };
        Duration::from_millis(self.within(0, span.max(1)))
    }
}

/// One life.
#[derive(Debug)]
pub(super) struct Plan {
    pub settings: ConnectionSettings,
    /// How long the network, the peer and the store misbehave.
    pub trouble: Duration,
    /// The number of messages sent during that time.
    pub messages: u64,
    /// The percentage of dials that fail.
    pub dial_failures: u64,
    /// The percentage of links that are cut.
    pub cuts: u64,
    /// The longest delay of a piece on the network, in milliseconds.
    pub latency: u64,
    /// How often the name is closed by hand and connected again.
    pub closes: u64,
    /// How often the process dies and starts again; only with a durable outbox.
    pub crashes: u64,
    /// How often a rotation is requested.
    pub rotations: u64,
    /// On each socket, to the end of the life, the peer disconnects after this many messages. It
    /// has then read and answered the pings before the last message and directly after it.
    pub dies_after: Option<u64>,
    /// The longest delay of the peer's answers, in milliseconds.
    pub answer_lag: u64,
    /// The bytes that a socket buffers before it passes them to the network, as a TLS session does.
    pub held_back: usize,
    /// The readers beside the one that is never slow.
    pub readers: Vec<Reader>,
    /// How the peer treats the dialogue, if there is one.
    pub moods: Option<Moods>,
}

impl Plan {
    pub fn draw(dice: &mut Dice) -> Self {
        let mut settings = settings(dice);
        let moods = dice.percent(40).then(|| Moods::draw(dice));
        if let Some(moods) = &moods {
            settings.on_open = Vec::new();
            dialogue::add(&mut settings, moods, dice);
            if let (Some(keys), Some(after)) = (&moods.keys, &mut settings.rotate_after) {
                // Otherwise the socket could be replaced each time as soon as all keys are active,
                // or before.
                *after = (*after).max(keys.need());
            }
        }
        // Otherwise a ping after a message would wait until keys are answered, and this peer would
        // disconnect before it comes.
        let shares_places = moods.is_some_and(|moods| moods.requests && moods.keys.is_some());
        let may_die = !shares_places || matches!(settings.heartbeat, Heartbeat::Protocol { .. });
        let durable = settings.outbox.durable;
        Self {
            settings,
            trouble: Duration::from_secs(dice.within(5, 90)),
            messages: dice.within(1, 80),
            dial_failures: dice.within(0, 40),
            cuts: dice.within(0, 100),
            latency: dice.within(1, 400),
            closes: if dice.percent(20) {
                dice.within(1, 4)
            } else {
                0
            },
            crashes: if durable && dice.percent(50) {
                dice.within(1, 4)
            } else {
                0
            },
            rotations: if dice.percent(30) {
                dice.within(1, 6)
            } else {
                0
            },
            dies_after: dice
                .percent(25)
                .then(|| match dice.percent(50) {
                    true => dice.within(1, 4),
                    false => dice.within(1, 40),
                })
                .filter(|_| may_die),
            answer_lag: if dice.percent(20) {
                dice.within(20, 1_500)
            } else {
                20
            },
            held_back: if dice.percent(30) {
                usize::try_from(dice.within(1, 16_000)).expect("small")
            } else {
                0
            },
            readers: (0..dice.within(0, 3)).map(|_| Reader::draw(dice)).collect(),
            moods,
        }
    }

    /// Whether each socket follows a loss, so that there are never two at once.
    pub fn is_one_by_one(&self) -> bool {
        let warns = self.moods.is_some_and(|moods| moods.warns > 0);
        self.rotations + self.closes == 0 && self.settings.rotate_after.is_none() && !warns
    }
}

fn settings(dice: &mut Dice) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new("ws://peer.invalid/").expect("a URL");
    let outbox = &mut settings.outbox;
    outbox.messages = usize::try_from(dice.within(2, 64)).expect("small");
    outbox.bytes = 1 << 20;
    outbox.durable = dice.percent(40);
    outbox.resend = if dice.percent(60) {
        Resend::InDoubt
    } else {
        Resend::Never
    };
    outbox.in_flight = match dice.percent(20) {
        true => NonZeroU32::new(u32::try_from(dice.within(1, 16)).expect("small")),
        false => None,
    };
    outbox.when_full = if dice.percent(30) {
        WhenFull::DropOldest
    } else {
        WhenFull::Reject
    };
    outbox.ttl = dice
        .percent(20)
        .then(|| Duration::from_secs(dice.within(1, 20)));
    let interval = Duration::from_millis(dice.within(500, 8_000));
    let timeout = Duration::from_millis(dice.within(2_000, 10_000));
    settings.heartbeat = match dice.percent(20) {
        false => Heartbeat::Protocol { interval, timeout },
        true => Heartbeat::Text {
            interval,
            timeout,
            ping: "ping".into(),
            pong: "pong".into(),
            fence: true,
            deliver: false,
        },
    };
    if let Reconnect::Backoff(backoff) = &mut settings.reconnect {
        backoff.min = Duration::from_millis(dice.within(1, 100));
        backoff.initial = backoff.min + Duration::from_millis(dice.within(1, 500));
        backoff.max = backoff.initial + Duration::from_millis(dice.within(1, 5_000));
        backoff.stable_after = Duration::from_millis(dice.within(100, 5_000));
    }
    if dice.percent(20) {
        let messages = u32::try_from(dice.within(5, 50)).expect("small");
        let messages = NonZeroU32::new(messages).expect("not zero");
        let mut rate = RateSettings::new(messages, Duration::from_secs(1));
        if dice.percent(50) {
            let burst = u32::try_from(dice.within(1, messages.get().into())).expect("small");
            rate.burst = NonZeroU32::new(burst).expect("not zero");
        }
        rate.control = dice.percent(50);
        settings.rate = vec![rate];
    }
    settings.close_timeout = Duration::from_millis(dice.within(200, 3_000));
    if dice.percent(30) {
        let number = JsonPointer::new("/n").expect("a pointer");
        settings.sequence = Some(SequenceSettings::new(number));
    }
    if dice.percent(20) {
        settings.rotate_after = Some(Duration::from_secs(dice.within(1, 30)));
    }
    if dice.percent(25) {
        settings.rotation = RotationMode::Replace;
    }
    if dice.percent(50) {
        settings.history.messages = usize::try_from(dice.within(1, 300)).expect("small");
        settings.history.bytes = usize::try_from(dice.within(1, 4_000)).expect("small");
    }
    settings.connect_timeout = Duration::from_secs(5);
    if dice.percent(30) {
        settings.on_open = vec![Opening::Text(Template::literal("login"))];
    }
    settings
}
