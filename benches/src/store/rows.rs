//! The results of the store's samples, as lines of the table.

use std::cell::RefCell;

use crate::{
    measures::Effort,
    pairs::alternate,
    process::{PeerProcess, sample},
    table::{Row, Target},
};

/// The cost of groups of 64 messages of 64 bytes, each group synced before the next.
pub fn committed(effort: Effort) -> Vec<Row> {
    let count = (2000 / effort.less).to_string();
    let last = RefCell::new([[0.0; 2]; 5]);
    let take = |subject: usize, words: &[&str]| {
        let [wall, cpu, bytes] = sample(words)[..] else {
            panic!("three numbers");
        };
        last.borrow_mut()[subject] = [cpu, bytes];
        wall
    };
    let rounds = alternate(
        effort.rounds,
        &mut [
            &mut || take(0, &["store", "append", &count, "64", "1"]),
            &mut || take(1, &["store", "commit", &count, "64", "1"]),
            &mut || take(2, &["store", "commit-drop", &count, "64", "1"]),
            &mut || take(3, &["store", "commit-drop", &count, "64", "64"]),
            &mut || take(4, &["store", "overwrite", &count, "64", "1"]),
        ],
    );
    let last = last.into_inner();
    let speed = |subject| 1e6 / rounds.of(subject).median();
    let row = |what: &'static str, subject: usize, to: usize, unit| Row {
        what: what.into(),
        series: rounds.ratio(subject, to),
        target: Target::None,
        unit,
        detail: format!(
            "messages/s: append {:.0}, overwrite {:.0}, store {:.0}; {:.1} µs of CPU and {:.0} B written for each",
            speed(0),
            speed(4),
            speed(subject),
            last[subject][0],
            last[subject][1],
        ),
    };
    vec![
        row(
            "store: time per message, groups of 64 × 64 B, synced",
            1,
            0,
            " × append",
        ),
        row("the same, against writing over", 1, 4, " × overwrite"),
        row(
            "the same, and the group before is dropped",
            2,
            0,
            " × append",
        ),
        row("the same, of 64 names", 3, 0, " × append"),
        lazy(effort),
    ]
}

fn lazy(effort: Effort) -> Row {
    let count = (200 / effort.less).to_string();
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || sample(&["store", "lazy", &count, "1000", "1"])[1]],
    );
    Row {
        what: "store: CPU per message, groups of 1,000 × 64 B, not synced".into(),
        series: rounds.of(0),
        target: Target::None,
        unit: " µs",
        detail: String::new(),
    }
}

/// The time to read the waiting messages.
pub fn opened(effort: Effort) -> Vec<Row> {
    let count = (100_000 / effort.less).to_string();
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || sample(&["store", "open", &count])[0]],
    );
    vec![Row {
        what: "store: opening it, 100,000 messages of 64 B in 100 names".into(),
        series: rounds.of(0),
        target: Target::None,
        unit: " ms",
        detail: String::new(),
    }]
}

/// Messages through the handle of one name: the time of each until the kernel has it.
pub fn through_a_handle(effort: Effort) -> Vec<Row> {
    let many = (3_000_000 / effort.less).to_string();
    let fewer = (1_000_000 / effort.less).to_string();
    let peer = PeerProcess::start(&[]).expect("a peer");
    let take = |subject: &str, count: &str| sample(&["durable", subject, &peer.url, count])[0];
    let rounds = alternate(
        effort.rounds,
        &mut [
            &mut || take("memory", &many),
            &mut || take("always", &fewer),
            &mut || take("interval", &fewer),
            &mut || take("append", &fewer),
        ],
    );
    let speed = |subject| 1e6 / rounds.of(subject).median();
    let detail = format!(
        "messages/s: in memory {:.0}, durable {:.0}, durable by interval {:.0}, append {:.0}",
        speed(0),
        speed(1),
        speed(2),
        speed(3)
    );
    let row = |what: &'static str, subject, to, unit| Row {
        what: what.into(),
        series: rounds.ratio(subject, to),
        target: Target::None,
        unit,
        detail: detail.clone(),
    };
    vec![
        row(
            "time per message through a `Handle`, 64 B, 1,024 in flight, durable",
            1,
            3,
            " × append",
        ),
        row("the same, against in memory", 1, 0, " × in memory"),
        row("the same by `fsync = \"interval\"`", 2, 0, " × in memory"),
    ]
}
