//! Many clients of a running service, on request: `cargo run --release -- load [--rate N] [--seconds N]`.
//!
//! The service is the program itself, in a separate process, and so is the peer of its names. 50
//! clients read `/v1/events` and 50 `/v1/ws`. Each asks for half of the names by pattern, and one
//! never reads. All others must receive each event of their names once and in order, which is
//! checked by `seq` of each name and by `cursor` over all names.

mod client;
mod heard;
mod service;
mod wire;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use futures::future::join_all;

use self::{
    client::{Client, Room, Stream},
    heard::Heard,
    service::{Service, Watched},
};
use crate::process::{PeerProcess, cpu, cpu_of, peak_of};

/// Clients of each kind.
const CLIENTS: usize = 50;
/// Names are `g0-0` to `g9-4`.
const GROUPS: usize = 10;
const NAMES_OF_GROUP: usize = 5;
const NAMES: usize = GROUPS * NAMES_OF_GROUP;
/// The number of groups that a client asks for.
const ASKED: usize = GROUPS / 2;

/// The time limit for events that should happen at once.
const SOON: Duration = Duration::from_secs(20);
/// The silence before memory is measured for the last time.
const QUIET: Duration = Duration::from_secs(3);
/// The most memory of the service, above that at the start.
const MEMORY: u64 = 32 << 20;

/// The parameters of a run.
#[derive(Clone, Copy)]
pub struct Load {
    /// Deliveries a second, to all clients that read.
    pub rate: u64,
    pub seconds: u64,
}

impl Load {
    /// From the arguments; `None` for others.
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let mut load = Self {
            rate: 101_000,
            seconds: 30,
        };
        for option in arguments.chunks(2) {
            let number = option.get(1)?.parse().ok().filter(|number| *number > 0)?;
            match option[0].as_str() {
                "--rate" => load.rate = number,
                "--seconds" => load.seconds = number,
                _ => return None,
            }
        }
        Some(load)
    }

    /// The time between two messages of a name: each is delivered to half of the clients.
    fn interval(&self) -> Duration {
        let readers = 2 * CLIENTS as u64 - 1;
        let per_round = readers * NAMES as u64 / 2;
        Duration::from_secs(1) * u32::try_from(per_round).unwrap_or(u32::MAX)
            / u32::try_from(self.rate).unwrap_or(u32::MAX)
    }

    fn messages(&self) -> u64 {
        (Duration::from_secs(self.seconds).as_nanos() / self.interval().as_nanos()) as u64
    }
}

/// Runs it twice, once with each kind of client that does not read, and prints a line for each.
/// Fails if something was lost.
pub fn run(load: Load) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "| does not read | deliveries a second | lost | twice | lagged | delay: median, 99 %, greatest | memory at the start, peak, end | \
         cores: service, peer, clients | what the silent client was told |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut fits = true;
    for silent in [Stream::Sse, Stream::WebSocket] {
        let outcome = runtime.block_on(measure(load, silent));
        outcome.print();
        fits &= outcome.fits(load);
    }
    match fits {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("it is not as it must be");
            ExitCode::FAILURE
        }
    }
}

async fn measure(load: Load, silent: Stream) -> Outcome {
    let peer = PeerProcess::start(&[]).expect("a peer");
    let interval = load.interval().as_micros();
    let url = format!(
        "{}/ticks?count={}&micros={interval}",
        peer.url,
        load.messages()
    );
    let names = (0..NAMES).map(|n| format!("g{}-{}", n / NAMES_OF_GROUP, n % NAMES_OF_GROUP));
    let service = Service::start(names, &url);
    let (mut clients, mut stuck) = (Vec::new(), None);
    for stream in [Stream::Sse, Stream::WebSocket] {
        for n in 0..CLIENTS {
            let groups = (0..ASKED).map(|next| format!("g{}-*", (n + next) % GROUPS));
            let pattern = groups.collect::<Vec<_>>().join(",");
            let is_silent = stream == silent && n == 0;
            let room = if is_silent { Room::Little } else { Room::Usual };
            let client = Client::open(&service.address, stream, &pattern, room).await;
            let client = client.expect("a client");
            match is_silent {
                true => stuck = Some(client),
                false => clients.push(client),
            }
        }
    }
    let mut stuck = stuck.expect("one that does not read");

    let watched = Watched::start(service.id());
    let pids = [service.id(), peer.id()];
    let (used, ours, begun) = (pids.map(cpu_of), cpu(), Instant::now());
    service.connect_all().await.expect("an answer");
    let expected = load.messages() * (ASKED * NAMES_OF_GROUP) as u64;
    let until = begun + Duration::from_secs(load.seconds) + SOON;
    let heard = join_all(
        clients
            .iter_mut()
            .map(|client| client.read(expected, until)),
    )
    .await;
    let took = begun.elapsed().as_secs_f64();
    let cores = [
        (cpu_of(pids[0]) - used[0]).as_secs_f64() / took,
        (cpu_of(pids[1]) - used[1]).as_secs_f64() / took,
        (cpu() - ours).as_secs_f64() / took,
    ];
    tokio::time::sleep(QUIET).await;
    let (start, peak, end) = watched.end();
    let told = stuck.told(expected, Instant::now() + SOON).await;
    let mut all = Heard::default();
    heard.into_iter().for_each(|heard| all.add(heard));
    Outcome {
        silent,
        expected: expected * clients.len() as u64,
        all,
        memory: [start, peak.max(peak_of(service.id())), end],
        cores,
        told,
    }
}

/// The result of a run.
struct Outcome {
    silent: Stream,
    expected: u64,
    all: Heard,
    memory: [u64; 3],
    cores: [f64; 3],
    told: String,
}

impl Outcome {
    fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.all.messages) + self.all.lost
    }

    fn fits(&self, load: Load) -> bool {
        let all = &self.all;
        // The interval is in whole microseconds, and the first and last messages are delayed.
        all.rate() >= 0.98 * load.rate as f64
            && self.lost() == 0
            && (all.twice, all.lagged, all.missed) == (0, 0, 0)
            && self.memory[1] < self.memory[0] + MEMORY
    }

    fn print(&self) {
        let [start, peak, end] = self.memory.map(|bytes| bytes as f64 / f64::from(1 << 20));
        let [service, peer, clients] = self.cores;
        let all = &self.all;
        let [median, most, greatest] = all.delays();
        println!(
            "| {} | {:.0} | {} | {} | {} clients, {} events | {median:.1} ms, {most:.1} ms, {greatest:.1} ms | {start:.1} MiB, {peak:.1} MiB, {end:.1} MiB | \
             {service:.2}, {peer:.2}, {clients:.2} | {} |",
            self.silent,
            all.rate(),
            self.lost(),
            all.twice,
            all.lagged,
            all.missed,
            self.told
        );
    }
}
