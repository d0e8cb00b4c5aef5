//! The cost of a message and its answer.

use super::Effort;
use crate::{
    pairs::{Rounds, alternate},
    process::{PeerProcess, sample},
    table::{Row, Target},
};

const ECHO: [&str; 7] = [
    "raw",
    "everwire",
    "stream",
    "bare-actor",
    "ezsockets",
    "forgetful",
    "keeping",
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
        what: what.into(),
        series: rounds.ratio(1, 0),
        target: Target::AtMost(target),
        unit: " × raw",
        detail: medians.collect::<Vec<_>>().join(", "),
    }
}

/// The cost of the history.
fn without_history(rounds: &Rounds) -> Row {
    Row {
        what: "the same without history".into(),
        series: rounds.ratio(5, 0),
        target: Target::None,
        unit: " × raw",
        detail: "`history.messages = 0`, as a Rust program has it; the row above keeps its last 100, as the names of `everwire run` do".to_owned(),
    }
}

/// The cost of keeping as many messages without everwire.
fn against_keeping(rounds: &Rounds) -> Row {
    Row {
        what: "the same, against raw TCP that keeps as much".into(),
        series: rounds.ratio(1, 6),
        target: Target::None,
        unit: " × raw that keeps",
        detail: "it copies each message to where the last 100 of its socket are".to_owned(),
    }
}

fn stream_variant(what: &'static str, rounds: &Rounds) -> Row {
    Row {
        what: what.into(),
        series: rounds.ratio(2, 0),
        target: Target::None,
        unit: " × raw",
        detail: "the subscriber is a stream, read in another thread".to_owned(),
    }
}

pub fn echo_1(effort: Effort) -> Vec<Row> {
    let rounds = echoes(effort, 1, 64, 200_000);
    vec![
        against_raw("CPU per echo, 64 B, 50 sockets, 1 in flight", &rounds, 1.15),
        without_history(&rounds),
        against_keeping(&rounds),
        stream_variant("the same by a stream", &rounds),
    ]
}

pub fn echo_64(effort: Effort) -> Vec<Row> {
    let rounds = echoes(effort, 64, 64, 1_500_000);
    vec![
        against_raw("CPU per echo, 64 B, 50 sockets, 64 in flight", &rounds, 6.0),
        Row {
            what: "the same, against ezsockets".into(),
            series: rounds.ratio(1, 4),
            target: Target::AtMost(0.25),
            unit: " × ezsockets",
            detail: String::new(),
        },
        stream_variant("the same by a stream", &rounds),
    ]
}

pub fn echo_4k(effort: Effort) -> Vec<Row> {
    let rounds = echoes(effort, 8, 4096, 200_000);
    vec![
        against_raw(
            "CPU per echo, 4 KiB, 50 sockets, 8 in flight",
            &rounds,
            1.25,
        ),
        without_history(&rounds),
        against_keeping(&rounds),
        stream_variant("the same by a stream", &rounds),
    ]
}

/// The cost of fates: if nobody asks for them, and if senders wait for them.
pub fn fates(effort: Effort) -> Vec<Row> {
    const SUBJECTS: [&str; 3] = ["unknowable", "everwire", "confirmed"];
    let peer = PeerProcess::start(&[]).expect("a peer");
    let messages = (1_500_000 / effort.less).to_string();
    let take = |subject: &str| sample(&["echo", subject, &peer.url, "64", "64", &messages])[0];
    let [mut unknowable, mut never, mut always] = SUBJECTS.map(|subject| move || take(subject));
    let rounds = alternate(
        effort.rounds,
        &mut [&mut unknowable, &mut never, &mut always],
    );
    let row = |what: &'static str, subject, detail| Row {
        what: what.into(),
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
