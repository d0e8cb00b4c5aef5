//! Names that move, because a node joins or drains.

use std::{thread::sleep, time::Duration};

use super::super::Effort;
use crate::{
    cluster::{
        http::{ask_peer, seen, sent},
        node::{Node, Setup},
        stored::{Fates, numbered},
        until,
    },
    nats::Server,
    pairs::Series,
    process::PeerProcess,
    table::{Row, Target},
};

const NAMES: usize = 3000;
/// Rounds at most: each of them waits for leases.
const ROUNDS: usize = 3;

fn setup(server: &Server, peer: &PeerProcess, names: usize) -> Setup {
    Setup {
        servers: vec![server.url.clone()],
        peer: peer.url.clone(),
        names,
        delay: 0,
        micros: 0,
        moves: 1000,
    }
}

/// A fourth node joins.
pub fn join(effort: Effort) -> Vec<Row> {
    let names = NAMES / effort.less;
    let ideal = names as f64 / 4.0;
    let round = |_| {
        let (server, peer) = (Server::start(), PeerProcess::start(&[]).expect("a peer"));
        let setup = setup(&server, &peer, names);
        let [a, b, c] = setup.start(["a", "b", "c"]);
        let before = seen(&peer.url);
        let d = Node::start("d", &setup);
        setup.is_held(&[&a, &b, &c, &d]);
        // Each name that moved was opened once more, and no other one.
        let after = seen(&peer.url);
        (after.opened - before.opened) as f64
    };
    let moved: Vec<f64> = (0..effort.rounds.min(ROUNDS)).map(round).collect();
    let detail = format!(
        "{:.0} of {names} names moved, the ideal share is {ideal:.0}",
        Series::new(moved.clone()).median()
    );
    vec![Row {
        what: "names that move when a fourth node joins".into(),
        series: Series::new(moved.iter().map(|moved| moved / ideal).collect()),
        target: Target::AllAtMost(1.1),
        unit: " × the ideal share",
        detail,
    }]
}

/// Two nodes have so many names, one of them half.
const DRAINED: usize = 2000;
/// Between two messages of a name.
const EVERY: Duration = Duration::from_millis(500);
/// Before and after the drain.
const AROUND: Duration = Duration::from_secs(3);
/// Messages are in the stream when there was no new one for so long.
const STILL: Duration = Duration::from_secs(3);

/// A node with half of the names drains, while the peer sends to all of them.
pub fn drain(effort: Effort) -> Vec<Row> {
    let names = DRAINED / effort.less;
    let rounds: Vec<Drain> = (0..effort.rounds.min(ROUNDS))
        .map(|_| drained(names))
        .collect();
    let series = |of: fn(&Drain) -> f64| Series::new(rounds.iter().map(of).collect());
    let row = |what: &str, of: fn(&Drain) -> f64, detail: String| Row {
        what: format!("messages {what}: a node with {} names drains", names / 2).into(),
        series: series(of),
        target: Target::AllAtMost(0.0),
        unit: "",
        detail,
    };
    let sent = series(|drain| drain.fates.sent as f64).median();
    let moved = series(|drain| drain.moved).median();
    let detail = format!(
        "{sent:.0} sent on {moved:.0} moved and other sockets, by the peer's number of the socket and of the message on \
         it; no socket for {:.0} ms at most, what a peer would have sent then is not counted",
        series(|drain| drain.longest_gap).spread().1
    );
    vec![
        row("lost", |drain| drain.fates.lost as f64, detail),
        row(
            "doubled in the stream",
            |drain| drain.fates.doubled as f64,
            "before a reader drops what came twice".into(),
        ),
        row(
            "out of order",
            |drain| drain.fates.misplaced as f64,
            String::new(),
        ),
    ]
}

struct Drain {
    fates: Fates,
    moved: f64,
    /// In milliseconds.
    longest_gap: f64,
}

fn drained(names: usize) -> Drain {
    let (server, peer) = (Server::start(), PeerProcess::start(&[]).expect("a peer"));
    let setup = Setup {
        micros: EVERY.as_micros() as u64,
        moves: 50,
        ..setup(&server, &peer, names)
    };
    let [_a, b] = setup.start(["a", "b"]);
    sleep(AROUND);
    // Names may have moved already, since the first node that settles takes all there is.
    ask_peer(&peer.url, "/names-fresh");
    let (before, of_before) = (seen(&peer.url), sent(&peer.url));
    b.drain("a");
    until("a has no names", || {
        let cluster = b.cluster()?;
        let nodes = cluster["nodes"].as_array()?;
        let has_none = |node: &serde_json::Value| node["node"] == "a" && node["shards"] == 0;
        nodes.iter().any(has_none).then_some(())
    });
    let after = until("all names are open", || {
        let now = seen(&peer.url);
        (now.open == names as u64 && now.twice == 0).then_some(now)
    });
    sleep(AROUND);
    ask_peer(&peer.url, "/names-quiet");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let read = || runtime.block_on(numbered(&server.url, "EVERWIRE_IN"));
    let mut stored = read();
    loop {
        sleep(STILL);
        let now = read();
        if now.is_some() && now.as_ref().map(Vec::len) == stored.as_ref().map(Vec::len) {
            break;
        }
        stored = now;
    }
    let had_ended = |socket: usize| matches!(of_before.get(socket), Some((_, false)));
    let sent = sent(&peer.url).into_iter().enumerate();
    let sent: Vec<Option<u64>> = sent
        .map(|(socket, (sent, _))| (!had_ended(socket)).then_some(sent))
        .collect();
    Drain {
        fates: Fates::of(&sent, &stored.expect("a stream")),
        moved: (after.opened - before.opened) as f64,
        longest_gap: after.longest_gap as f64 / 1e6,
    }
}
