//! The memory of an idle name.

use std::{cell::RefCell, path::PathBuf};

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
        what: "memory per idle name, 8,000 names, `ws`".into(),
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
        what: "memory per idle name, 8,000 names, `wss`".into(),
        series: rounds.of(0),
        target: Target::AtMost(30.0),
        unit: " KiB",
        detail: format!("bare tokio-rustls stream {:.2} KiB", rounds.of(1).median()),
    }]
}

/// The memory of histories that together want more than the limit.
pub fn histories(effort: Effort) -> Vec<Row> {
    let (count, seconds) = (10_000 / effort.less, (20 / effort.less).max(4));
    let details = RefCell::new(String::new());
    let mut take = || {
        let peer = PeerProcess::start(&[]).expect("a peer");
        let (count, seconds) = (count.to_string(), seconds.to_string());
        let seen = sample(&["histories", "everwire", &peer.url, &count, &seconds]);
        let [most, last, limit, inflow, wanted, resident] = seen[..] else {
            panic!("six numbers: {seen:?}");
        };
        let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
        *details.borrow_mut() = format!(
            "of {:.0} MiB they held {:.0} at most and {:.0} in the end, while {:.0} came in within a second; \
             without a bound they would hold {:.0}; the process grew by {:.0} MiB",
            mebibytes(limit),
            mebibytes(most),
            mebibytes(last),
            mebibytes(inflow),
            mebibytes(wanted),
            mebibytes(resident)
        );
        most / (limit + inflow)
    };
    let rounds = alternate(effort.rounds.min(3), &mut [&mut take]);
    vec![Row {
        what: "histories of 10,000 names that want more than `history_bytes`".into(),
        series: rounds.of(0),
        target: Target::AtMost(1.0),
        unit: " × the bound and one second",
        detail: details.into_inner(),
    }]
}
