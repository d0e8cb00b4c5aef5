//! The measures: which samples are taken, and what becomes of them.

use std::{cell::RefCell, path::PathBuf, time::Duration};

use crate::{
    pairs::{Rounds, alternate},
    process::{PeerProcess, sample, sample_before},
    store,
    table::{Row, Target},
    wire::{long, short},
};

/// How much is done.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Rounds of each measure.
    pub rounds: usize,
    /// Everything else is divided by this.
    pub less: usize,
}

type Measure = fn(Effort) -> Vec<Row>;

/// All measures by name, in the order of the table.
pub const ALL: &[(&str, Measure)] = &[
    ("idle", idle),
    ("idle-tls", idle_tls),
    ("echo-1", echo_1),
    ("echo-64", echo_64),
    ("echo-4k", echo_4k),
    ("fates", fates),
    ("dial", dial),
    ("encode", encode),
    ("decode", decode),
    ("short", short_messages),
    ("healthy", healthy),
    ("store", store::rows::committed),
    ("store-open", store::rows::opened),
    ("durable", store::rows::through_a_handle),
];

fn idle(effort: Effort) -> Vec<Row> {
    let count = (8000 / effort.less).to_string();
    let fewer = (1000 / effort.less).to_string();
    let memory = |subject: &'static str, count: &str| {
        let peer = PeerProcess::start(&[]).expect("a peer");
        sample(&["idle", subject, &peer.url, count])[0] / 1024.0
    };
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || memory("everwire", &count), &mut || {
            memory("raw", &count)
        }],
    );
    let ezsockets = alternate(
        effort.rounds.min(3),
        &mut [&mut || memory("ezsockets", &fewer)],
    );
    vec![Row {
        what: "memory per idle name, 8,000 names, `ws`",
        series: rounds.of(0),
        target: Target::AtMost(4.0),
        unit: " KiB",
        detail: format!(
            "raw socket {:.2} KiB, ezsockets (1,000) {:.0} KiB",
            rounds.of(1).median(),
            ezsockets.of(0).median()
        ),
    }]
}

fn idle_tls(effort: Effort) -> Vec<Row> {
    let count = (8000 / effort.less).to_string();
    let ca_file = std::env::temp_dir().join(format!("everwire-benches-{}.pem", std::process::id()));
    let ca = ca_file.to_str().expect("a path").to_owned();
    let memory = |subject: &'static str| {
        let peer = PeerProcess::start(&[&ca]).expect("a peer");
        sample(&["idle-tls", subject, &peer.url, &count, &ca])[0] / 1024.0
    };
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || memory("everwire"), &mut || memory("raw")],
    );
    let _removed = std::fs::remove_file(&ca_file as &PathBuf);
    vec![Row {
        what: "memory per idle name, 8,000 names, `wss`",
        series: rounds.of(0),
        target: Target::AtMost(30.0),
        unit: " KiB",
        detail: format!("bare tokio-rustls stream {:.2} KiB", rounds.of(1).median()),
    }]
}

const ECHO: [&str; 6] = [
    "raw",
    "everwire",
    "stream",
    "bare-actor",
    "ezsockets",
    "forgetful",
];

/// CPU per message, in microseconds, of all of them.
fn echoes(effort: Effort, in_flight: usize, size: usize, messages: usize) -> Rounds {
    let peer = PeerProcess::start(&[]).expect("a peer");
    let messages = (messages / effort.less).to_string();
    let (in_flight, size) = (in_flight.to_string(), size.to_string());
    let take = |subject: usize| {
        sample(&[
            "echo",
            ECHO[subject],
            &peer.url,
            &in_flight,
            &size,
            &messages,
        ])[0]
    };
    let mut takes: Vec<_> = (0..ECHO.len())
        .map(|subject| move || take(subject))
        .collect();
    let mut takes: Vec<&mut dyn FnMut() -> f64> = takes
        .iter_mut()
        .map(|take| take as &mut dyn FnMut() -> f64)
        .collect();
    alternate(effort.rounds, &mut takes)
}

fn against_raw(what: &'static str, rounds: &Rounds, target: f64) -> Row {
    let medians = ECHO
        .iter()
        .enumerate()
        .map(|(subject, name)| format!("{name} {:.3} µs", rounds.of(subject).median()));
    Row {
        what,
        series: rounds.ratio(1, 0),
        target: Target::AtMost(target),
        unit: " × raw",
        detail: medians.collect::<Vec<_>>().join(", "),
    }
}

/// What the history has to do with it.
fn without_history(rounds: &Rounds) -> Row {
    Row {
        what: "the same without history",
        series: rounds.ratio(5, 0),
        target: Target::None,
        unit: " × raw",
        detail: "`history.messages = 0`; else a name keeps its last 100".to_owned(),
    }
}

fn stream_variant(what: &'static str, rounds: &Rounds) -> Row {
    Row {
        what,
        series: rounds.ratio(2, 0),
        target: Target::None,
        unit: " × raw",
        detail: "the subscriber is a stream, read in another thread".to_owned(),
    }
}

fn echo_1(effort: Effort) -> Vec<Row> {
    let rounds = echoes(effort, 1, 64, 200_000);
    vec![
        against_raw("CPU per echo, 64 B, 50 sockets, 1 in flight", &rounds, 1.15),
        without_history(&rounds),
        stream_variant("the same by a stream", &rounds),
    ]
}

fn echo_64(effort: Effort) -> Vec<Row> {
    let rounds = echoes(effort, 64, 64, 1_500_000);
    vec![
        against_raw("CPU per echo, 64 B, 50 sockets, 64 in flight", &rounds, 6.0),
        Row {
            what: "the same, against ezsockets",
            series: rounds.ratio(1, 4),
            target: Target::AtMost(0.25),
            unit: " × ezsockets",
            detail: String::new(),
        },
        stream_variant("the same by a stream", &rounds),
    ]
}

fn echo_4k(effort: Effort) -> Vec<Row> {
    let rounds = echoes(effort, 8, 4096, 200_000);
    vec![
        against_raw(
            "CPU per echo, 4 KiB, 50 sockets, 8 in flight",
            &rounds,
            1.25,
        ),
        without_history(&rounds),
        stream_variant("the same by a stream", &rounds),
    ]
}

/// What it costs that fates can be asked for, and that they are.
fn fates(effort: Effort) -> Vec<Row> {
    const SUBJECTS: [&str; 3] = ["unknowable", "everwire", "confirmed"];
    let peer = PeerProcess::start(&[]).expect("a peer");
    let messages = (1_500_000 / effort.less).to_string();
    let take = |subject: &str| sample(&["echo", subject, &peer.url, "64", "64", &messages])[0];
    let [mut unknowable, mut never, mut always] = SUBJECTS.map(|subject| move || take(subject));
    let rounds = alternate(
        effort.rounds,
        &mut [&mut unknowable, &mut never, &mut always],
    );
    let row = |what, subject, detail| Row {
        what,
        series: rounds.ratio(subject, 0),
        target: Target::None,
        unit: " × without fates",
        detail,
    };
    vec![
        row(
            "CPU per echo, 64 in flight, nobody asks for fates",
            1,
            format!("without fates {:.3} µs", rounds.of(0).median()),
        ),
        row(
            "the same, each sender waits for `confirmed`",
            2,
            "in another thread, by a channel of receipts".to_owned(),
        ),
    ]
}

fn dial(effort: Effort) -> Vec<Row> {
    let count = (8000 / effort.less).to_string();
    let fewer = (1000 / effort.less).to_string();
    let cost = |subject: &'static str, count: &str| {
        let peer = PeerProcess::start(&[]).expect("a peer");
        let url = peer.url.clone();
        sample_before(&["dial", subject, &url, count], peer)[0]
    };
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || cost("everwire", &count), &mut || {
            cost("raw", &count)
        }],
    );
    let ezsockets = alternate(
        effort.rounds.min(3),
        &mut [&mut || cost("ezsockets", &fewer)],
    );
    vec![Row {
        what: "CPU per dial, 8,000 names at once, 64 handshakes in flight",
        series: rounds.ratio(0, 1),
        target: Target::AtMost(1.5),
        unit: " × raw",
        detail: format!(
            "everwire {:.1} µs, raw TCP + upgrade {:.1} µs, ezsockets (1,000) {:.1} µs",
            rounds.of(0).median(),
            rounds.of(1).median(),
            ezsockets.of(0).median()
        ),
    }]
}

fn encode(effort: Effort) -> Vec<Row> {
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || long::memcpy().as_secs_f64(), &mut || {
            long::encode().as_secs_f64()
        }],
    );
    vec![Row {
        what: "wire: encoding 1 MiB",
        series: rounds.ratio(0, 1),
        target: Target::AtLeast(0.5),
        unit: " × memcpy",
        detail: gigabytes(&rounds, &["memcpy", "encode"]),
    }]
}

fn decode(effort: Effort) -> Vec<Row> {
    let row = |what, text: String, target| {
        let rounds = alternate(
            effort.rounds,
            &mut [&mut || long::check(&text).as_secs_f64(), &mut || {
                long::decode(&text).as_secs_f64()
            }],
        );
        Row {
            what,
            series: rounds.ratio(0, 1),
            target,
            unit: " × the checker",
            detail: gigabytes(&rounds, &["simdutf8", "decode"]),
        }
    };
    let text = long::text(false);
    let reads = alternate(
        effort.rounds,
        &mut [
            &mut || long::copy_and_check(&text).as_secs_f64(),
            &mut || long::decode_reads(&text).as_secs_f64(),
        ],
    );
    vec![
        row(
            "wire: decoding 1 MiB of ASCII text",
            long::text(true),
            Target::AtLeast(0.8),
        ),
        row(
            "wire: decoding 1 MiB of mixed text",
            long::text(false),
            Target::AtLeast(0.8),
        ),
        Row {
            what: "the same as it is read, 64 KiB at a time",
            series: reads.ratio(0, 1),
            target: Target::AtLeast(0.8),
            unit: " × copy and check",
            detail: gigabytes(&reads, &["memcpy + simdutf8", "decode"]),
        },
    ]
}

/// 200 rounds of 1 MiB each.
fn gigabytes(rounds: &Rounds, names: &[&str]) -> String {
    let speed = |(subject, name): (usize, &&str)| {
        let speed = 200.0 * f64::from(1 << 20) / 1e9 / rounds.of(subject).median();
        format!("{name} {speed:.1} GB/s")
    };
    names
        .iter()
        .enumerate()
        .map(speed)
        .collect::<Vec<_>>()
        .join(", ")
}

fn short_messages(effort: Effort) -> Vec<Row> {
    use short::Codec::{Everwire, Fastwebsockets, TokioWebsockets, Tungstenite, Yawc};
    let row = |what, time: fn(short::Codec) -> f64| {
        let rounds = alternate(
            effort.rounds,
            &mut [
                &mut || time(Everwire),
                &mut || time(Tungstenite),
                &mut || time(Fastwebsockets),
                &mut || time(TokioWebsockets),
                &mut || time(Yawc),
            ],
        );
        let medians: Vec<f64> = (0..5).map(|subject| rounds.of(subject).median()).collect();
        let best = (1..5)
            .min_by(|&a, &b| medians[a].total_cmp(&medians[b]))
            .unwrap_or(1);
        Row {
            what,
            series: rounds.ratio(0, best),
            target: Target::Below(1.0),
            unit: " × the best peer",
            detail: format!(
                "everwire {:.1} ns, tungstenite {:.1}, fastwebsockets {:.1}, tokio-websockets {:.1}, yawc {:.1}",
                medians[0], medians[1], medians[2], medians[3], medians[4]
            ),
        }
    };
    vec![
        row("wire: reading a 64 B text message", short::read),
        row("wire: writing a 64 B message", short::write),
    ]
}

fn healthy(effort: Effort) -> Vec<Row> {
    let seconds = (6 / effort.less as u64).max(1);
    let (peer, others) = (PeerProcess::start(&[]), PeerProcess::start(&[]));
    let (peer, others) = (peer.expect("a peer"), others.expect("a peer"));
    let see = |subject: &str, path: &str, seconds: u64| {
        let others = format!("{}{path}", others.url);
        sample(&["healthy", subject, &peer.url, &others, &seconds.to_string()])
    };
    let losses = RefCell::new([0.0; 2]);
    let flapping = |subject: &str, number: usize| {
        let seen = see(subject, "/flap", seconds);
        losses.borrow_mut()[number] = seen[2];
        seen[0]
    };
    // The others flap in a process of their own, before and as long as these are measured.
    let beside = || {
        std::thread::scope(|scope| {
            scope.spawn(|| see("within-a-second", "/flap", seconds + 4));
            std::thread::sleep(Duration::from_millis(1500));
            see("within-a-second", "/echo", seconds)[0]
        })
    };
    let rounds = alternate(
        effort.rounds,
        &mut [
            &mut || see("by-default", "/echo", seconds)[0],
            &mut || flapping("by-default", 0),
            &mut || flapping("within-a-second", 1),
            &mut || beside(),
        ],
    );
    let losses = losses.into_inner();
    let row = |what, subject: usize, target, detail: &str| Row {
        what,
        series: rounds.ratio(subject, 0),
        target,
        unit: " × quiet",
        detail: format!(
            "quiet {:.0} µs, this {:.0} µs, {detail}",
            rounds.of(0).median(),
            rounds.of(subject).median()
        ),
    };
    let told = |losses: f64| format!("{losses:.0} losses a second");
    vec![
        row(
            "p99 round trip while 2,000 others flap on the same arbiter, by the default backoff",
            1,
            Target::AtMost(3.0),
            &told(losses[0]),
        ),
        row(
            "the same, and all dial again within a second",
            2,
            Target::AtMost(3.0),
            &told(losses[1]),
        ),
        row(
            "the same, and the others flap in another process",
            3,
            Target::None,
            "nothing is shared but the two cores: what the machine does by itself",
        ),
    ]
}
