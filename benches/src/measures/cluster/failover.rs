//! A node is killed: when its shards are held again, and when its names are ready.

use std::thread::sleep;

use rand::RngExt as _;

use super::{super::Effort, count};
use crate::{
    cluster::{
        LEASE, MARGIN, TAKES,
        http::seen,
        node::{Node, PLACES, Setup},
        until,
    },
    nats::Server,
    pairs::Series,
    process::{PeerProcess, monotonic},
    table::{Row, Target},
};

const NAMES: usize = 3000;
/// A node renews after this part of its lease.
const RENEWS: f64 = 0.4;

/// One kill, in seconds from it.
struct Kill {
    held: f64,
    ready: f64,
    /// How many names the node had.
    names: f64,
}

/// With handshakes of 10 and of 150 ms. `EVERWIRE_KILLS` is the number of kills for each.
pub fn failover(effort: Effort) -> Vec<Row> {
    let promised = (LEASE + MARGIN + TAKES).as_secs_f64();
    [10, 150]
        .into_iter()
        .flat_map(|delay| {
            let kills = kills(
                count("EVERWIRE_KILLS", effort, 7),
                NAMES / effort.less,
                delay,
            );
            let series = |of: fn(&Kill) -> f64| Series::new(kills.iter().map(of).collect());
            let names = series(|kill| kill.names).median();
            // The model: each of two survivors opens its half, so many at once.
            let model = names / 2.0 / PLACES as f64 * delay as f64 / 1e3;
            let dials = series(|kill| kill.ready - kill.held);
            let (what, kills) = (format!("handshakes of {delay} ms"), kills.len());
            [
                Row {
                    what: format!("kill -9 of one of 3 nodes: every shard is held again, {what}")
                        .into(),
                    series: series(|kill| kill.held),
                    target: Target::AllAtMost(promised),
                    unit: " s",
                    detail: format!(
                        "{kills} kills, {} names, lease + margin {:.1} s",
                        NAMES / effort.less,
                        (LEASE + MARGIN).as_secs_f64()
                    ),
                },
                Row {
                    what: format!("the same: its names are ready, {what}").into(),
                    series: series(|kill| kill.ready),
                    target: Target::AllAtMost(((promised + model) * 1e2).round() / 1e2),
                    unit: " s",
                    detail: format!(
                        "{names:.0} names; behind the shards {:.2} s, the model says {model:.2} s \
                         (half of the names ÷ {PLACES} places × the handshake)",
                        dials.median()
                    ),
                },
            ]
        })
        .collect()
}

fn kills(kills: usize, names: usize, delay: u64) -> Vec<Kill> {
    let (server, peer) = (Server::start(), PeerProcess::start(&[]).expect("a peer"));
    let setup = Setup {
        servers: vec![server.url.clone()],
        peer: peer.url.clone(),
        names,
        delay,
        micros: 0,
        moves: 1000,
    };
    let mut nodes = setup.start(["a", "b", "c"]);
    (0..kills)
        .map(|number| {
            let (victim, others) = nodes[..].split_at_mut(1);
            let seen = kill(&setup, &mut victim[0], others);
            // All shares are as before, for the next kill, which is another node's.
            victim[0].restart();
            nodes.rotate_left(1);
            if number + 1 < kills {
                setup.is_held(&nodes.each_ref());
            }
            seen
        })
        .collect()
}

fn kill(setup: &Setup, victim: &mut Node, others: &[Node]) -> Kill {
    // At any time between two renewals.
    sleep(LEASE.mul_f64(RENEWS * rand::rng().random::<f64>()));
    let before = seen(&setup.peer);
    let begin = monotonic();
    let since = |time: u64| time.saturating_sub(begin) as f64 / 1e9;
    victim.kill();
    let is_held = |node: &Node| {
        let cluster = node.cluster()?;
        let nodes = cluster["nodes"].as_array()?.len();
        (nodes == others.len() && cluster["free"] == 0).then_some(())
    };
    let held = until("every shard is held again", || {
        others
            .iter()
            .all(|node| is_held(node).is_some())
            .then(monotonic)
    });
    let after = until("its names are ready", || {
        let now = seen(&setup.peer);
        (now.open == setup.names as u64).then_some(now)
    });
    assert_eq!(after.twice, 0, "names that are open twice");
    Kill {
        held: since(held),
        ready: since(after.last_opened),
        names: (after.opened - before.opened) as f64,
    }
}
