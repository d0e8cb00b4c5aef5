//! The bridge to NATS: beside a publisher without one, beside a name that is down, and without a server.

use super::Effort;
use crate::{
    nats::Server,
    pairs::{Series, alternate, alternate_all},
    process::{PeerProcess, sample},
    table::{Row, Target},
};

const SOCKETS: usize = 50;
const MESSAGES: usize = 400_000;

/// What comes in over 50 sockets, into a stream.
pub fn inbound(effort: Effort) -> Vec<Row> {
    [64, 185].map(|size| row(effort, size)).into()
}

fn row(effort: Effort, size: usize) -> Row {
    let messages = (MESSAGES / effort.less).to_string();
    let see = |subject: &str| {
        let (server, peer) = (Server::start(), PeerProcess::start(&[]).expect("a peer"));
        let subject = format!("{subject}@{}", server.url);
        let [sockets, size] = [SOCKETS, size].map(|number| number.to_string());
        let arguments = [
            "feed", &subject, &peer.url, "flood", &sockets, &size, &messages,
        ];
        // Messages a second.
        sample(&arguments)[1]
    };
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || see("publisher"), &mut || see("bridge")],
    );
    Row {
        what: format!("messages of {size} B a second through the bridge to NATS, 50 sockets")
            .into(),
        series: rounds.ratio(1, 0),
        target: Target::AtLeast(0.8),
        unit: " × a publisher",
        detail: format!(
            "async-nats alone {:.0}, the bridge {:.0}",
            rounds.of(0).median(),
            rounds.of(1).median()
        ),
    }
}

const WAITING: usize = 100_000;
const REQUESTS: usize = 3000;

/// A name of the queue, beside one that is down with many messages waiting for it.
pub fn neighbour(effort: Effort) -> Vec<Row> {
    let requests = (REQUESTS / effort.less).to_string();
    let peer = PeerProcess::start(&[]).expect("a peer");
    let see = |waiting: usize| {
        let waiting = waiting.to_string();
        sample(&["nats", "neighbour", &peer.url, &waiting, &requests])
    };
    let rounds = alternate_all(
        effort.rounds,
        &mut [&mut || see(0), &mut || see(WAITING / effort.less)],
    );
    let of = |number: usize, subject: usize| rounds[number].of(subject).median();
    vec![Row {
        what: format!(
            "p99 of a request over NATS, beside a name that is down with {WAITING} messages waiting"
        )
        .into(),
        series: rounds[0].ratio(1, 0),
        target: Target::AtMost(1.5),
        unit: " × without them",
        detail: format!(
            "without p99 {:.0} µs, median {:.0} µs; with p99 {:.0} µs, median {:.0} µs; {:.0} of them in memory; \
             the first request, put behind all of them, {:.0} ms",
            of(0, 0),
            of(1, 0),
            of(0, 1),
            of(1, 1),
            of(3, 1),
            of(2, 1) / 1e3
        ),
    }]
}

/// For so long the server is away.
const AWAY: usize = 60;

/// Messages that come in while the server is away.
pub fn away(effort: Effort) -> Vec<Row> {
    let seconds = AWAY / effort.less;
    let peer = PeerProcess::start(&[]).expect("a peer");
    let seen = sample(&["nats", "away", &peer.url, &seconds.to_string()]);
    let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
    let detail = format!(
        "{:.0} messages, {:.0} of them twice in the stream; at most {:.0} messages on disk, {:.0} MiB of them in files \
         of {:.0} MiB; memory grew by {:.0} MiB; nothing on disk {:.1} s after the server's return",
        seen[0],
        seen[3],
        seen[4],
        mebibytes(seen[5]),
        mebibytes(seen[6]),
        mebibytes(seen[7]),
        seen[8]
    );
    let row = |what: &str, number: f64, detail: String| Row {
        what: format!("messages {what}: NATS away for {seconds} s at 10,000 a second").into(),
        series: Series::new(vec![number]),
        target: Target::AtMost(0.0),
        unit: "",
        detail,
    };
    vec![
        row("lost", seen[1], detail),
        row("out of order", seen[2], String::new()),
    ]
}
