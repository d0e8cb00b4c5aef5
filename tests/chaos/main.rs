//! 200 names behind a network that delays, throttles, cuts and drops, with foreign servers. At the
//! end their records are compared with the sender's events, message by message.
//!
//! ```text
//! EVERWIRE_CHAOS=600 cargo test --test chaos -- --nocapture     ten minutes instead of one
//! ```

#[path = "../support/chaos.rs"]
mod chaos;
mod delivery_audit;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use chaos::{End, Link, Proxy};
use delivery_audit::{Account, DeliveryAudit};
use everwire::{
    ConnectionSettings, Delivery, Handle, Manager, Pattern, Rejected,
    config::{Heartbeat, RateSettings, Resend},
    hub::Kinds,
};
use rand::{Rng, RngExt as _, SeedableRng as _, rngs::StdRng};
use support::{Foreign, Server, TestDir, heard::number, rig::*};
use tokio::time::sleep;

const NAMES: u64 = 200;

/// How long the network misbehaves in an ordinary run, in seconds.
const SECONDS: u64 = 60;

/// The pause between two messages of a name, in milliseconds.
const PAUSE: std::ops::Range<u64> = 100..500;

const HEARTBEAT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(5);
const DIAL: Duration = Duration::from_secs(5);
const BACKOFF: Duration = Duration::from_secs(2);

/// One name in four replaces its socket at this interval.
const ROTATION: Duration = Duration::from_secs(3);

/// One name in four is limited to this many messages a second, so that messages wait while a ping
/// goes out.
const RATE: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// The recovery time once the network works again: a dead socket is detected, a hanging dial is
/// given up, the longest delay passes, and the next dial succeeds. Doubled, for a busy machine.
const RECOVERED: Duration = Duration::from_secs(2 * (1 + 5 + 5 + 2 + 5));

#[tokio::test]
async fn nothing_is_lost_whatever_the_network_does() {
    let seconds = std::env::var("EVERWIRE_CHAOS").map_or(SECONDS, |text| text.parse().unwrap());
    let dir = TestDir::new("chaos");
    let mut dice = StdRng::seed_from_u64(dice_seed());
    let sides = Foreign::ALL.map(|foreign| Side::new(foreign, dir.path(), &mut dice));
    let manager = Manager::spawn(Default::default()).unwrap();
    let delivery = Delivery::default().events(1_000_000).kinds(Kinds::all());
    let audit = DeliveryAudit::keep(manager.subscribe(Pattern::all(), delivery));

    let end = Instant::now() + Duration::from_secs(seconds);
    let senders = (0..NAMES).map(|n| {
        let side = &sides[(n % 2) as usize];
        let name = format!("name-{n:03}");
        let mut settings = settings(&side.proxy.url(&format!("/record/{name}")));
        settings.rotate_after = (n % 8 < 2).then_some(ROTATION);
        let rate = || RateSettings::new(RATE, ms(1_000));
        settings.rate = matches!(n % 8, 2 | 3).then(rate).into_iter().collect();
        let handle = manager.open(&name, settings).unwrap();
        tokio::spawn(send_until(
            end,
            handle,
            StdRng::seed_from_u64(dice.next_u64()),
        ))
    });
    let handles = futures::future::try_join_all(senders.collect::<Vec<_>>())
        .await
        .unwrap();

    // The faults stop: from here on everything has to settle.
    sides.iter().for_each(|side| side.proxy.clear_up());
    all_recover(&manager).await;
    for (handle, accepted) in &handles {
        audit.all_confirmed(handle.name(), *accepted).await;
        let outbox = handle.status().await.unwrap().outbox;
        assert_eq!(
            outbox.messages,
            0,
            "{} keeps what is confirmed",
            handle.name()
        );
    }
    assert!(
        manager
            .statuses(&Pattern::all())
            .await
            .iter()
            .all(|status| status.outbox.messages == 0)
    );
    let losses: u64 = sides.iter().map(|side| side.proxy.ended()).sum();
    let records: Vec<_> = sides.into_iter().map(Side::finish).collect();
    let mut records: BTreeMap<String, Vec<u64>> = records.into_iter().flatten().collect();
    let mut sum = Account::default();
    for (handle, accepted) in &handles {
        let arrived = records.remove(handle.name().as_str()).unwrap_or_default();
        sum += audit.reconcile(handle.name(), *accepted, &arrived);
    }
    let rotations = audit.rotations();
    println!(
        "{seconds} s, {NAMES} names, {losses} links ended by the network, {rotations} rotations"
    );
    println!("{sum}, lost 0");
    assert!(records.is_empty(), "messages of others: {records:?}");
    assert!(
        losses > NAMES / 2 && rotations > NAMES / 4 && sum.resent > 0,
        "little happened"
    );
}

fn dice_seed() -> u64 {
    let seed = std::env::var("EVERWIRE_SEED")
        .map_or_else(|_| rand::random(), |text| text.parse().unwrap());
    println!("EVERWIRE_SEED={seed}");
    seed
}

fn settings(url: &str) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(url).unwrap();
    settings.outbox.resend = Resend::InDoubt;
    settings.connect_timeout = DIAL;
    settings.heartbeat = Heartbeat::Protocol {
        interval: HEARTBEAT,
        timeout: ANSWER,
    };
    with_backoff(&mut settings, |backoff| {
        backoff.min = ms(10);
        backoff.initial = ms(100);
        backoff.max = BACKOFF;
        backoff.stable_after = ms(500);
    });
    settings
}

/// Sends numbered messages, mostly one by one. Returns the number of accepted ones.
async fn send_until(end: Instant, handle: Handle, mut dice: StdRng) -> (Handle, u64) {
    let mut accepted = 0;
    while Instant::now() < end {
        let burst = if dice.random_ratio(1, 40) { 20 } else { 1 };
        for _ in 0..burst {
            match handle.send(message(accepted + 1, &mut dice)) {
                Ok(receipt) => {
                    accepted += 1;
                    assert_eq!(receipt.id(), accepted);
                }
                Err(rejected) => assert_eq!(rejected, Rejected::Full),
            }
        }
        sleep(ms(dice.random_range(PAUSE))).await;
    }
    (handle, accepted)
}

fn message(number: u64, dice: &mut StdRng) -> String {
    let length = match dice.random_ratio(1, 20) {
        true => dice.random_range(0..8_000),
        false => dice.random_range(0..200),
    };
    format!("{number}:{}", "x".repeat(length))
}

async fn all_recover(manager: &Manager) {
    let until = Instant::now() + RECOVERED;
    loop {
        let statuses = manager.statuses(&Pattern::all()).await;
        let down: Vec<_> = statuses.iter().filter(|status| !status.ready).collect();
        if down.is_empty() && statuses.len() as u64 == NAMES {
            return;
        }
        assert!(
            Instant::now() < until,
            "not ready after {RECOVERED:?}: {down:#?}"
        );
        sleep(ms(50)).await;
    }
}

/// A foreign server, the network before it, and the record of received messages.
struct Side {
    proxy: Proxy,
    server: Server,
    record: PathBuf,
}

impl Side {
    fn new(foreign: Foreign, dir: &Path, dice: &mut StdRng) -> Self {
        let record = dir.join(format!("{foreign:?}"));
        let server = foreign.start_recording(&record);
        let mut dice = StdRng::seed_from_u64(dice.next_u64());
        let proxy = Proxy::start(server.port(), move || link(&mut dice));
        Self {
            proxy,
            server,
            record,
        }
    }

    /// The received messages, by name and in order.
    fn finish(self) -> BTreeMap<String, Vec<u64>> {
        drop((self.proxy, self.server));
        let record = fs::read_to_string(&self.record).unwrap();
        let mut names: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for line in record.lines() {
            let (name, text) = line.split_once(' ').expect("a name and a text");
            names.entry(name.to_owned()).or_default().push(number(text));
        }
        names
    }
}

/// The properties of the next link: one in four is good; the others are slow in one way and end in
/// another.
fn link(dice: &mut StdRng) -> Link {
    let mut link = Link::default();
    match dice.random_range(0..4) {
        0 => link.delay = ms(dice.random_range(1..150)),
        1 => link.rate = dice.random_range(2_000..20_000),
        2 => link.piece = dice.random_range(1..64),
        _ => {}
    }
    let bytes = match dice.random_range(0..3) {
        0 => dice.random_range(0..1_000),
        _ => dice.random_range(1_000..40_000),
    };
    link.end = match dice.random_range(0..8) {
        0 => None,
        1 => Some((bytes, End::BlackHole)),
        2 | 3 => Some((bytes, End::SlowClose)),
        _ => Some((bytes, End::Reset)),
    };
    link
}
