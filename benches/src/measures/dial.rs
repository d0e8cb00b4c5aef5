//! The cost of a dial.

use super::Effort;
use crate::{
    pairs::alternate,
    process::{PeerProcess, sample_before},
    table::{Row, Target},
};

pub fn dial(effort: Effort) -> Vec<Row> {
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
        what: "CPU per dial, 8,000 names at once, 64 handshakes in flight".into(),
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
