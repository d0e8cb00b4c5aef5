//! One sample, in this process: prints its numbers.

use std::{path::PathBuf, time::Duration};

use tokio::net::TcpStream;
use tokio_rustls::{client::TlsStream, rustls::pki_types::ServerName};

use everwire::{Message, config::Fsync, store::Sync};

use crate::{
    cluster, feed,
    load::Load,
    nats, others,
    ours::{
        self,
        dialogues::{BATCH, Dialogues, KEYS, SUBSCRIBING, TICK},
        durable::Keeping,
        echo::{Asked, Conduct},
        healthy::Others,
    },
    peer,
    process::{self, resident},
    raw, store,
};

/// Runs `NAME SUBJECT URL …`.
///
/// # Panics
///
/// If there is no such sample, or if anything fails.
pub fn run(arguments: &[String]) {
    if let [name, subject, rest @ ..] = arguments
        && name == "store"
    {
        return store(subject, rest);
    }
    let [name, subject, url, rest @ ..] = arguments else {
        panic!("no sample: {arguments:?}");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let count = || rest[0].parse().expect("a number");
    match (name.as_str(), subject.as_str()) {
        ("echo", "bare-actor") => {
            let load = Load::parse(rest);
            let used = actix::System::new().block_on(others::bare_actor::echo(url, load));
            print_per(used, load.messages);
        }
        ("echo", _) => {
            let load = Load::parse(rest);
            let ours = |asked, has_history| {
                let plain = Conduct::plain(asked, load.size);
                ours::echo::callback(
                    url,
                    load,
                    Conduct {
                        has_history,
                        ..plain
                    },
                )
            };
            let used = runtime.block_on(async {
                match subject.as_str() {
                    "raw" => raw::echo(url, load, false).await,
                    "keeping" => raw::echo(url, load, true).await,
                    "everwire" => ours(Asked::Never, true).await,
                    "forgetful" => ours(Asked::Never, false).await,
                    "unknowable" => ours(Asked::Unknowable, true).await,
                    "confirmed" => ours(Asked::Always, true).await,
                    "stream" => ours::echo::stream(url, load).await,
                    _ => others::ezsockets::echo(url, load).await,
                }
            });
            print_per(used, load.messages);
        }
        ("dialogue", _) => {
            let load = Load::parse(rest);
            let conduct = Conduct {
                asked: Asked::Never,
                has_history: false,
                dialogues: Dialogues::parse(subject),
                message: Message::text(TICK),
            };
            let used = runtime.block_on(ours::echo::callback(url, load, conduct));
            print_per(used, load.messages);
        }
        ("idle-dialogue", _) => {
            let dialogues = Dialogues::parse(subject);
            println!(
                "{}",
                runtime.block_on(ours::idle(url, count(), None, dialogues))
            );
        }
        ("idle", _) => println!(
            "{}",
            runtime.block_on(async {
                match subject.as_str() {
                    "raw" => raw::idle(url, count()).await,
                    "everwire" => ours::idle(url, count(), None, Dialogues::default()).await,
                    _ => others::ezsockets::idle(url, count()).await,
                }
            })
        ),
        ("idle-tls", _) => println!(
            "{}",
            runtime.block_on(async {
                match subject.as_str() {
                    "everwire" => {
                        let ca_file = Some(PathBuf::from(&rest[1]));
                        ours::idle(url, count(), ca_file, Dialogues::default()).await
                    }
                    _ => idle_tls(url, count(), &rest[1]).await,
                }
            })
        ),
        ("histories", _) => {
            let time = Duration::from_secs(rest[1].parse().expect("seconds"));
            let seen = runtime.block_on(ours::histories::held(url, count(), time));
            println!(
                "{} {} {} {} {} {}",
                seen.most, seen.last, seen.limit, seen.inflow, seen.wanted, seen.resident
            );
        }
        ("dial", _) => {
            let (used, _took) = runtime.block_on(async {
                match subject.as_str() {
                    "raw" => raw::dial(url, count()).await,
                    "everwire" => ours::dial(url, count()).await,
                    _ => others::ezsockets::dial(url, count()).await,
                }
            });
            print_per(used, count());
        }
        ("durable", "append") => print_per(store::grouped::append(count()), count()),
        ("durable", _) => {
            let keeping = match subject.as_str() {
                "always" => Keeping::Disk(Fsync::Always),
                "interval" => Keeping::Disk(Fsync::Interval),
                _ => Keeping::Memory,
            };
            let took = runtime.block_on(ours::durable::written(url, keeping, count()));
            print_per(took, count());
        }
        ("feed", _) => println!("{}", feed::sample(subject, url, rest, &runtime)),
        ("cluster", _) => {
            let seen = cluster::races::run(count());
            println!(
                "{} {} {} {}",
                seen.held, seen.two_holders, seen.two_tokens, seen.lost_claims
            );
        }
        ("nats", "neighbour") => {
            let requests = rest[1].parse().expect("a number");
            let seen = nats::neighbour::round_trips(url, count(), requests);
            let seen = runtime.block_on(seen);
            let micros = |time: Duration| time.as_secs_f64() * 1e6;
            println!(
                "{} {} {} {}",
                micros(seen.p99),
                micros(seen.median),
                micros(seen.behind),
                seen.held
            );
        }
        ("nats", _) => {
            let away = Duration::from_secs(count() as u64);
            println!("{}", runtime.block_on(nats::away::outage(url, away)));
        }
        ("requests", _) => {
            let rounds = rest[1].parse().expect("rounds");
            let mut all = runtime.block_on(async {
                match subject.as_str() {
                    "raw" => raw::round_trips(url, 64, count(), rounds).await,
                    _ => ours::requests::round_trips(url, count(), rounds).await,
                }
            });
            all.sort_unstable();
            let p99 = all[all.len() * 99 / 100];
            println!("{}", p99.as_secs_f64() * 1e6);
        }
        ("ready", _) => {
            let times = runtime.block_on(async {
                match subject.as_str() {
                    "raw" => {
                        let at_once = KEYS / BATCH;
                        let all = raw::round_trips(url, SUBSCRIBING, at_once, count()).await;
                        // The last one of each round.
                        all.chunks(at_once)
                            .map(|round| round[at_once - 1])
                            .collect()
                    }
                    _ => ours::ready_times(url, count(), Dialogues::parse(subject)).await,
                }
            });
            println!("{}", median(times).as_secs_f64() * 1e3);
        }
        ("healthy", _) => {
            let time = Duration::from_secs(rest[1].parse().expect("seconds"));
            let echo = format!("{url}/echo");
            let others = Others {
                url: &rest[0],
                count: 2000,
                max_backoff: (subject == "within-a-second").then_some(Duration::from_secs(1)),
            };
            let seen = runtime.block_on(ours::healthy::round_trips(&echo, others, time));
            let micros = |time: Duration| time.as_secs_f64() * 1e6;
            println!(
                "{} {} {}",
                micros(seen.p99),
                micros(seen.median),
                seen.losses
            );
        }
        _ => panic!("no sample: {arguments:?}"),
    }
    process::wait_for_end_of_input();
    // Without cleaning up, which is not measured.
    std::process::exit(0);
}

/// A sample of the store: it has no peer.
fn store(subject: &str, rest: &[String]) {
    let numbers: Vec<u64> = rest.iter().map(|n| n.parse().expect("a number")).collect();
    let groups = || store::Groups {
        count: numbers[0],
        messages: numbers[1],
        names: numbers[2],
    };
    let cost = match subject {
        "append" => store::append(groups()),
        "overwrite" => store::overwrite(groups()),
        "commit" => store::commit(groups(), Sync::Always, false),
        "commit-drop" => store::commit(groups(), Sync::Always, true),
        "lazy" => store::commit(groups(), Sync::Lazy, false),
        "open" => return println!("{}", store::open(numbers[0])),
        _ => panic!("no sample of the store: {subject}"),
    };
    println!("{} {} {}", cost.wall, cost.cpu, cost.bytes);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn print_per(used: Duration, count: usize) {
    println!("{}", used.as_secs_f64() * 1e6 / count as f64);
}

/// Idle TLS streams: the memory of each, in bytes.
async fn idle_tls(url: &str, count: usize, ca_file: &str) -> f64 {
    let connector = peer::connector(ca_file);
    let address = url.trim_start_matches("wss://");
    let before = resident();
    let mut streams: Vec<TlsStream<TcpStream>> = Vec::new();
    for _ in 0..count {
        let socket = TcpStream::connect(address).await.expect("a socket");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let mut stream = connector.connect(name, socket).await.expect("a TLS stream");
        peer::upgrade_raw(&mut stream).await.expect("an upgrade");
        streams.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    (resident() - before) as f64 / count as f64
}
