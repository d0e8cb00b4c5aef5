//! The log of a cluster: how much is written at rest, and what the death of its leader does.

use std::{thread::sleep, time::Instant};

use super::{super::Effort, count};
use crate::{
    cluster::{LEASE, MARGIN, http::seen, node::Setup, servers::Three, until},
    nats::Server,
    pairs::Series,
    process::{PeerProcess, sample},
    table::{Row, Target},
};

const NAMES: usize = 300;
const NODES: usize = 3;
/// The rest is looked at for so many leases.
const LEASES: u32 = 20;

fn setup(servers: Vec<String>, peer: &PeerProcess) -> Setup {
    Setup {
        servers,
        peer: peer.url.clone(),
        names: NAMES,
        delay: 0,
        micros: 0,
        moves: 1000,
    }
}

/// Records per second while nothing happens.
pub fn rest(effort: Effort) -> Vec<Row> {
    let (server, peer) = (Server::start(), PeerProcess::start(&[]).expect("a peer"));
    let [a, _b, _c] = setup(vec![server.url.clone()], &peer).start(["a", "b", "c"]);
    let leases = LEASES / effort.less as u32;
    let (begin, before) = (Instant::now(), until("a node answers", || a.records()));
    sleep(LEASE * leases);
    let records = until("a node answers", || a.records()) - before;
    let rate = records as f64 / begin.elapsed().as_secs_f64();
    vec![Row {
        what: "records per second at rest, 3 nodes".into(),
        series: Series::new(vec![rate]),
        target: Target::AtMost((NODES as f64 * 3.0 / LEASE.as_secs_f64() * 1e2).floor() / 1e2),
        unit: "",
        detail: format!(
            "{records} records in {leases} leases of {:.1} s: {:.2} per node and lease",
            LEASE.as_secs_f64(),
            rate * LEASE.as_secs_f64() / NODES as f64
        ),
    }]
}

/// The server that leads the log is killed. `EVERWIRE_LEADERS` is how often.
pub fn leader(effort: Effort) -> Vec<Row> {
    let (mut servers, peer) = (Three::start(), PeerProcess::start(&[]).expect("a peer"));
    let nodes = setup(servers.urls(), &peer).start(["a", "b", "c"]);
    let kills = count("EVERWIRE_LEADERS", effort, 3);
    let (mut closed, mut leaderless) = (Vec::new(), Vec::new());
    for _ in 0..kills {
        servers.are_whole();
        let before = seen(&peer.url);
        let (killed, begin) = (servers.kill_leader(), Instant::now());
        until("another one leads", || {
            servers.leader().filter(|leader| *leader != killed)
        });
        leaderless.push(begin.elapsed().as_secs_f64());
        // Leases of before would have run out, and others would have taken their names.
        sleep((LEASE + 2 * MARGIN).saturating_sub(begin.elapsed()));
        closed.push((seen(&peer.url).ended - before.ended) as f64);
        servers.restart(killed);
    }
    let leaderless = Series::new(leaderless);
    let (least, most) = leaderless.spread();
    drop(nodes);
    vec![Row {
        what: "sockets closed: the leader of three NATS servers is killed".into(),
        series: Series::new(closed),
        target: Target::AllAtMost(0.0),
        unit: "",
        detail: format!(
            "{kills} kills, {NAMES} names on 3 nodes; another server led after {least:.1} to {most:.1} s"
        ),
    }]
}

/// Rounds of races.
const ROUNDS: usize = 10;

/// Nodes start at once, and the leader is killed amid their claims. `EVERWIRE_RACES` is the number of
/// rounds.
pub fn races(effort: Effort) -> Vec<Row> {
    let rounds = count("EVERWIRE_RACES", effort, ROUNDS);
    let seen = sample(&["cluster", "races", "-", &rounds.to_string()]);
    let row = |what: &str, number: f64, detail: String| Row {
        what: format!("{what}: 5 nodes claim at once, the leader of three is killed").into(),
        series: Series::new(vec![number]),
        target: Target::AllAtMost(0.0),
        unit: "",
        detail,
    };
    vec![
        row(
            "shards that two were told to hold",
            seen[1],
            format!(
                "{rounds} rounds, {:.0} shards told, {:.0} claims lost against an earlier one in the log",
                seen[0], seen[3]
            ),
        ),
        row("tokens that two were told", seen[2], String::new()),
    ]
}
