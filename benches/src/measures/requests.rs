//! The time of requests that are made at once.

use super::Effort;
use crate::{
    pairs::alternate,
    process::{PeerProcess, sample},
    table::{Row, Target},
};

pub fn requests(effort: Effort) -> Vec<Row> {
    let rounds = (2_000 / effort.less).max(10);
    let peer = PeerProcess::start(&[]).expect("a peer");
    let see = |subject: &str| sample(&["requests", subject, &peer.url, "100", &rounds.to_string()]);
    let seen = alternate(
        effort.rounds,
        &mut [&mut || see("raw")[0], &mut || see("everwire")[0]],
    );
    vec![Row {
        what: "p99 of 100 requests at once, each with its own number".into(),
        series: seen.ratio(1, 0),
        target: Target::AtMost(2.0),
        unit: " × the round trip",
        detail: format!(
            "100 frames at once by raw TCP {:.0} µs, requests {:.0} µs",
            seen.of(0).median(),
            seen.of(1).median()
        ),
    }]
}
