//! What an idle name holds.

use std::path::PathBuf;

use super::Effort;
use crate::{
    pairs::alternate,
    process::{PeerProcess, sample},
    table::{Row, Target},
};

pub fn idle(effort: Effort) -> Vec<Row> {
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

pub fn idle_tls(effort: Effort) -> Vec<Row> {
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
