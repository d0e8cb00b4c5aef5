//! The effect of flapping names on others.

use std::{cell::RefCell, time::Duration};

use super::Effort;
use crate::{
    pairs::alternate,
    process::{PeerProcess, sample},
    table::{Row, Target},
};

pub fn healthy(effort: Effort) -> Vec<Row> {
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
    // The flapping names are in a separate process, before and during the measurement.
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
    let row = |what: &'static str, subject: usize, target, detail: &str| Row {
        what: what.into(),
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
