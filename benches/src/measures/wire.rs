//! The codec on its own, in memory.

use super::Effort;
use crate::{
    pairs::{Rounds, alternate},
    table::{Row, Target},
    wire::{long, short},
};

pub fn encode(effort: Effort) -> Vec<Row> {
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || long::memcpy().as_secs_f64(), &mut || {
            long::encode().as_secs_f64()
        }],
    );
    vec![Row {
        what: "wire: encoding 1 MiB".into(),
        series: rounds.ratio(0, 1),
        target: Target::AtLeast(0.5),
        unit: " × memcpy",
        detail: gigabytes(&rounds, &["memcpy", "encode"]),
    }]
}

pub fn decode(effort: Effort) -> Vec<Row> {
    let row = |what: &'static str, text: String, target| {
        let rounds = alternate(
            effort.rounds,
            &mut [&mut || long::check(&text).as_secs_f64(), &mut || {
                long::decode(&text).as_secs_f64()
            }],
        );
        Row {
            what: what.into(),
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
            what: "the same as it is read, 64 KiB at a time".into(),
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

pub fn short_messages(effort: Effort) -> Vec<Row> {
    use short::Codec::{Everwire, Fastwebsockets, TokioWebsockets, Tungstenite, Yawc};
    let row = |what: &'static str, time: fn(short::Codec) -> f64| {
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
            what: what.into(),
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
