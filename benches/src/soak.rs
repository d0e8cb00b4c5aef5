//! A long run with churn, on request: `cargo run --release -- soak [--minutes N]`.
//!
//! Names are opened, send, are dropped by their peer, closed by hand, connected again and removed.
//! After each tenth of the time, all are removed, and the process is idle for a while. It must then
//! hold no more than at the start.

use std::{
    process::ExitCode,
    thread::sleep,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Handle, Manager, Pattern, Settings,
    config::{Backoff, Reconnect, Resend},
};
use rand::RngExt as _;

use crate::{
    process::{Held, PeerProcess},
    store::Scratch,
};

const NAMES: usize = 300;
const TENTHS: u32 = 10;

/// The number of operations that are started together.
const AT_ONCE: u64 = 200;

/// How long the process is idle before and during a measurement.
const QUIET: Duration = Duration::from_secs(3);

/// An allocator keeps some memory, and the store's log keeps its length.
const SLACK: u64 = 8 << 20;

/// Runs for this number of minutes, and prints the resources after each tenth. Fails if something
/// grows.
pub fn run(minutes: u64) -> ExitCode {
    let peer = PeerProcess::start(&[]).expect("a peer");
    let scratch = Scratch::new();
    let mut settings = Settings::default();
    scratch.path().clone_into(&mut settings.service.state_dir);
    let manager = Manager::spawn(settings).expect("a manager");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "| after | operations | memory | descriptors | threads | wake-ups a second | state_dir |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut start = None;
    let mut grows = false;
    // The first tenth is not counted: it creates what stays, such as threads and buffers.
    for tenth in 0..=TENTHS {
        let time = match tenth {
            0 => Duration::from_secs(20),
            _ => Duration::from_secs(minutes * 60) / TENTHS,
        };
        let operations = runtime.block_on(churn(&manager, &peer.url, time));
        sleep(QUIET);
        let held = Held::over(QUIET, scratch.path());
        println!("| {tenth}/{TENTHS} | {operations} | {held} |");
        let start = start.get_or_insert(held);
        grows |= held.exceeds(start, SLACK);
    }
    match grows {
        false => ExitCode::SUCCESS,
        true => {
            eprintln!("something has grown");
            ExitCode::FAILURE
        }
    }
}

/// Random operations for this time, then the removal of all names. Returns the number of
/// operations.
async fn churn(manager: &Manager, url: &str, time: Duration) -> u64 {
    let end = Instant::now() + time;
    let (mut operations, mut next) = (0, 0);
    while Instant::now() < end {
        let handles = manager.list(&Pattern::all());
        let at_once = (0..AT_ONCE).map(|n| operate(manager, &handles, url, next + n));
        futures::future::join_all(at_once).await;
        next += AT_ONCE;
        operations += AT_ONCE;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let removed = manager.list(&Pattern::all());
    let removed = removed.iter().map(|handle| manager.remove(handle.name()));
    futures::future::join_all(removed).await;
    operations
}

/// One random operation. It may be refused if the name was just closed or removed.
async fn operate(manager: &Manager, handles: &[Handle], url: &str, number: u64) {
    let mut dice = rand::rng();
    let any = (!handles.is_empty()).then(|| &handles[dice.random_range(0..handles.len())]);
    match (dice.random_range(0..100), any) {
        (0..10, _) | (_, None) if handles.len() < NAMES => {
            let settings = settings(url, number);
            let _handle = manager
                .open(format!("name-{number}"), settings)
                .expect("a new name");
        }
        (10..14, Some(handle)) => drop(handle.close(1000, "").await),
        (14..20, Some(handle)) => drop(handle.connect(None).await),
        (20..24, Some(handle)) => drop(manager.remove(handle.name()).await),
        (24..26, Some(handle)) => drop(handle.status().await),
        (_, Some(handle)) => drop(handle.send("x".repeat(dice.random_range(0..500)))),
        (_, None) => {}
    }
}

/// Some names are dropped repeatedly, some are durable, some replace their socket every other
/// second.
fn settings(url: &str, number: u64) -> ConnectionSettings {
    let path = if number.is_multiple_of(3) {
        "/flap"
    } else {
        "/echo"
    };
    let mut settings = ConnectionSettings::new(format!("{url}{path}")).expect("a URL");
    settings.outbox.durable = number.is_multiple_of(5);
    settings.outbox.resend = if number.is_multiple_of(2) {
        Resend::InDoubt
    } else {
        Resend::Never
    };
    settings.rotate_after = number.is_multiple_of(7).then_some(Duration::from_secs(2));
    settings.close_timeout = Duration::from_millis(500);
    let mut backoff = Backoff::default();
    backoff.max = Duration::from_secs(1);
    settings.reconnect = Reconnect::Backoff(backoff);
    settings
}
