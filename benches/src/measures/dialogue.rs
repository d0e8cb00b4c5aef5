//! The cost of declared conversations.

use super::Effort;
use crate::{
    language::{login as logins, pointers as texts, pointers::Wanted},
    ours::dialogues::KEYS,
    pairs::{Rounds, alternate},
    process::{PeerProcess, sample, sample_of},
    table::{Row, Target},
};

/// The dialogues: the name for a sample, the name in the table, and the target against the first.
const ECHOES: [(&str, &str, Target); 7] = [
    ("none", "no dialogue", Target::None),
    (
        "one-rule",
        "one rule that does not match",
        Target::AtMost(1.15),
    ),
    (
        "ten-rules",
        "ten rules that do not match",
        Target::AtMost(1.6),
    ),
    (
        "captures",
        "a capture of every message",
        Target::AtMost(2.0),
    ),
    ("sequence", "the peer's numbers (`sequence`)", Target::None),
    ("sequence+ten-rules", "these, and ten rules", Target::None),
    (
        "sequence+captures",
        "these, and a capture of every message",
        Target::None,
    ),
];

/// A build of these benches without dialogues. If set, it takes its turns, too.
const BEFORE: &str = "EVERWIRE_BENCHES_BEFORE";

/// CPU per message of 64 bytes, 50 sockets, 64 in flight.
pub fn echoes(effort: Effort) -> Vec<Row> {
    let peer = PeerProcess::start(&[]).expect("a peer");
    let messages = (1_500_000 / effort.less).to_string();
    let arguments = |subject| ["dialogue", subject, &peer.url, "64", "64", &messages];
    let take = |subject| move || sample(&arguments(subject))[0];
    let before = std::env::var(BEFORE).ok();
    let mut takes: Vec<Box<dyn FnMut() -> f64>> = Vec::new();
    for (subject, ..) in ECHOES {
        takes.push(Box::new(take(subject)));
    }
    if let Some(before) = &before {
        takes.push(Box::new(move || sample_of(before, &arguments("none"))[0]));
    }
    let mut takes: Vec<&mut dyn FnMut() -> f64> =
        takes.iter_mut().map(|take| &mut **take as _).collect();
    let rounds = alternate(effort.rounds, &mut takes);
    let row = |subject: usize, to: usize, what: &str, target, unit| Row {
        what: format!("CPU per echo, 64 B, 64 in flight: {what}").into(),
        series: rounds.ratio(subject, to),
        target,
        unit,
        detail: format!(
            "{:.3} µs to {:.3}",
            rounds.of(subject).median(),
            rounds.of(to).median()
        ),
    };
    let mut rows = Vec::new();
    if before.is_some() {
        let unit = " × before there were dialogues";
        rows.push(row(
            0,
            ECHOES.len(),
            ECHOES[0].1,
            Target::AtMost(1.02),
            unit,
        ));
    }
    for (subject, (_, what, target)) in ECHOES.iter().enumerate().skip(1) {
        rows.push(row(subject, 0, what, *target, " × no dialogue"));
    }
    rows
}

/// A message that belongs to one of a thousand keys, against the same name without routes; and the
/// memory of a key.
pub fn subscriptions(effort: Effort) -> Vec<Row> {
    let peer = PeerProcess::start(&[]).expect("a peer");
    let messages = (1_500_000 / effort.less).to_string();
    let echo = |subject| sample(&["dialogue", subject, &peer.url, "64", "64", &messages])[0];
    let routed = alternate(
        effort.rounds,
        &mut [&mut || echo("keys"), &mut || echo("routed")],
    );
    let count = (80 / effort.less).max(8).to_string();
    let memory = |subject: &'static str| {
        let peer = PeerProcess::start(&[]).expect("a peer");
        sample(&["idle-dialogue", subject, &peer.url, &count])[0] / 1024.0 / KEYS as f64
    };
    let held = alternate(
        effort.rounds,
        &mut [&mut || memory("none"), &mut || memory("routed")],
    );
    vec![
        Row {
            what: "CPU per echo, 64 B, 64 in flight: a message of one of 1,000 keys".into(),
            series: routed.ratio(1, 0),
            target: Target::AtMost(1.3),
            unit: " × 1,000 keys without route",
            detail: micros(&routed, ["without route", "with it"]),
        },
        Row {
            what: "memory per subscription, its text with it".into(),
            series: held.difference(1, &[0]),
            target: Target::AtMost(0.5),
            unit: " KiB",
            detail: format!("{:.2} KiB", held.of(1).median()),
        },
    ]
}

/// A name with a thousand subscriptions, a hundred in a message, from its dial until it is ready:
/// the time beyond a name without subscriptions, and beyond the round trips of as many raw messages
/// that are written at once.
pub fn ready(effort: Effort) -> Vec<Row> {
    let peer = PeerProcess::start(&[]).expect("a peer");
    let count = (200 / effort.less).to_string();
    let time = |subject| sample(&["ready", subject, &peer.url, &count])[0];
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || time("raw"), &mut || time("none"), &mut || {
            time("acked")
        }],
    );
    let [raw, without, with] = [0, 1, 2].map(|subject| rounds.of(subject).median());
    vec![Row {
        what: "1,000 subscriptions of one name, batches of 100: from 101 to ready".into(),
        series: rounds.difference(2, &[0, 1]),
        target: Target::AtMost(20.0),
        unit: " ms over the round trips",
        detail: format!(
            "from the opening {with:.2} ms, without subscriptions {without:.2}, the round trips by raw TCP {raw:.2}"
        ),
    }]
}

/// Twelve pointers in one pass, against one pointer.
pub fn pointers(effort: Effort) -> Vec<Row> {
    let row = |what: &str, wanted: Wanted| {
        let rounds = alternate(
            effort.rounds,
            &mut [&mut || wanted.one(), &mut || wanted.twelve()],
        );
        Row {
            what: format!(
                "twelve pointers into {what} of {} B, in one pass",
                wanted.len()
            )
            .into(),
            series: rounds.ratio(1, 0),
            target: Target::AtMost(1.1),
            unit: " × one pointer",
            detail: micros(&rounds, ["one", "twelve"]),
        }
    };
    vec![
        row("a chat message", texts::chat()),
        row("the levels of an order book", texts::book()),
    ]
}

/// A signed login, against its signature.
pub fn login(effort: Effort) -> Vec<Row> {
    let rounds = alternate(effort.rounds, &mut [&mut logins::hash, &mut logins::text]);
    vec![Row {
        what: "a login's text with one HMAC".into(),
        series: rounds.ratio(1, 0),
        target: Target::AtMost(2.0),
        unit: " × the HMAC",
        detail: micros(&rounds, ["HMAC", "login"]),
    }]
}

/// The memory of a name for a script and ten rules that it shares with others.
pub fn idle(effort: Effort) -> Vec<Row> {
    let count = (8000 / effort.less).to_string();
    let memory = |subject: &'static str| {
        let peer = PeerProcess::start(&[]).expect("a peer");
        sample(&["idle-dialogue", subject, &peer.url, &count])[0] / 1024.0
    };
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || memory("none"), &mut || memory("script+ten-rules")],
    );
    vec![Row {
        what: "memory of a script and ten rules per idle name, 8,000 names that share them".into(),
        series: rounds.difference(1, &[0]),
        target: Target::AtMost(0.3),
        unit: " KiB",
        detail: format!(
            "{:.2} KiB with them, {:.2} without",
            rounds.of(1).median(),
            rounds.of(0).median()
        ),
    }]
}

fn micros(rounds: &Rounds, names: [&str; 2]) -> String {
    let [first, second] = [0, 1].map(|subject| rounds.of(subject).median());
    format!("{} {first:.3} µs, {} {second:.3} µs", names[0], names[1])
}
