//! The cost of everwire, compared with other clients and with the limit: `cargo run --release [--
//! [--quick] [MEASURE…]]`.
//!
//! Each number is the median of seven rounds in which the subjects take turns, with the smallest
//! and the greatest. Each sample and each peer is a separate process; CPU time is that of the
//! process. `--quick` runs a little of everything once, to see that it works. `soak` runs for an
//! hour or for `--minutes N`; `load` for half a minute, twice.

mod cluster;
mod fanout;
mod feed;
mod language;
mod load;
mod measures;
mod nats;
mod others;
mod ours;
mod pairs;
mod peer;
mod process;
mod raw;
mod samples;
mod soak;
mod store;
mod table;
mod wire;

use std::process::ExitCode;

use measures::{ALL, Effort};
use table::Row;

/// The allocator of the program, for everything that is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let _as_far_as_allowed = rlimit::increase_nofile_limit(u64::MAX);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("peer") => serve(&arguments[1..]),
        Some("sample") => samples::run(&arguments[1..]),
        Some("soak") => return soak(&arguments[1..]),
        Some("load") => return load(&arguments[1..]),
        _ => return print_table(&arguments),
    }
    ExitCode::SUCCESS
}

fn print_table(arguments: &[String]) -> ExitCode {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| *argument != "--quick")
        .collect();
    let selects_any = |wanted: &str| ALL.iter().any(|(name, _)| selects(wanted, name));
    if let Some(unknown) = names.iter().find(|name| !selects_any(name)) {
        let all: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "there is no measure {unknown:?}; there are {}",
            all.join(", ")
        );
        return ExitCode::from(2);
    }
    let effort = match quick {
        true => Effort {
            rounds: 1,
            less: 10,
        },
        false => Effort { rounds: 7, less: 1 },
    };
    Row::print_head();
    for (name, measure) in ALL {
        if names.is_empty() || names.iter().any(|wanted| selects(wanted, name)) {
            measure(effort).iter().for_each(Row::print);
        }
    }
    ExitCode::SUCCESS
}

/// Whether an argument selects a measure: by its name, or, if there is no such measure, by a
/// prefix. So `feed` selects `feed-flood`, `feed-paced` and so on.
fn selects(wanted: &str, name: &str) -> bool {
    let is_name = ALL.iter().any(|(known, _)| *known == wanted);
    let begins = || name.strip_prefix(wanted)?.strip_prefix('-');
    name == wanted || (!is_name && begins().is_some())
}

fn soak(arguments: &[String]) -> ExitCode {
    let minutes = match arguments {
        [] => Some(60),
        [option, minutes] if option == "--minutes" => minutes.parse().ok(),
        _ => None,
    };
    match minutes {
        Some(minutes) => soak::run(minutes),
        None => {
            eprintln!("soak takes no argument, or `--minutes N`");
            ExitCode::from(2)
        }
    }
}

fn load(arguments: &[String]) -> ExitCode {
    match fanout::Load::parse(arguments) {
        Some(load) => fanout::run(load),
        None => {
            eprintln!("load takes `--rate N` and `--seconds N`, or neither");
            ExitCode::from(2)
        }
    }
}

/// Runs the peer until its input ends.
fn serve(arguments: &[String]) {
    process::end_with_stdin();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(peer::run(arguments))
        .expect("a loopback port");
}
