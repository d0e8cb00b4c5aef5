//! Random lives of whole clusters.
//!
//! `EVERWIRE_SEED=7` runs one life and prints what its nodes do, `EVERWIRE_SEEDS=10000` so many.

use super::world::{LEASE, MARGIN, World};

/// The trouble lasts so long.
const TROUBLE: u64 = 110_000;
/// After the log answers, all shards are held again within this time, by clocks that are 2 % slow.
const HELD_AGAIN: u64 = (LEASE + MARGIN) * 102 / 100 + 2_000;

/// How often what happens, in 10,000 turns.
struct Trouble {
    kills: u64,
    stops: u64,
    cuts: u64,
    away: u64,
    back: u64,
    leaders: u64,
    jumps: u64,
    orders: u64,
    lags: u64,
    disasters: u64,
}

fn live(seed: u64, traces: bool) {
    let mut world = World::new(seed, 1 + seed % 4);
    world.traces = traces;
    let often = |world: &mut World, most: u64| match world.random.below(3) {
        0 => 0,
        _ => world.random.below(most),
    };
    let trouble = Trouble {
        kills: often(&mut world, 40),
        stops: often(&mut world, 40),
        cuts: often(&mut world, 60),
        away: often(&mut world, 20),
        back: often(&mut world, 20),
        leaders: often(&mut world, 60),
        jumps: often(&mut world, 20),
        orders: often(&mut world, 30),
        lags: often(&mut world, 40),
        disasters: often(&mut world, 40),
    };
    world.lost = world.random.below(150);
    world.doubled = world.random.below(200);
    world.longest_delay = [200, 1_000, 8_000][usize::try_from(world.random.below(3)).unwrap()];
    let mut log_answers_at = 0;
    while world.now < TROUBLE {
        disturb(&mut world, &trouble, &mut log_answers_at);
        world.turn();
    }
    calm(&mut world);
}

fn disturb(world: &mut World, trouble: &Trouble, log_answers_at: &mut u64) {
    if world.log.is_away && world.now >= *log_answers_at {
        world.log.is_away = false;
        world.log.broken = world.now;
    }
    let happens = |world: &mut World, often: u64| world.random.below(10_000) < often;
    for node in 0..world.nodes.len() {
        if happens(world, trouble.kills) {
            let away = if world.random.permille(500) {
                500
            } else {
                30_000
            };
            let away = world.random.between(100, away);
            match world.random.below(8) {
                0 => world.reboot(node, away),
                1 => {
                    world.kill(node, away);
                    world.lose_state(node);
                }
                2 => world.leave(node, away),
                _ => world.kill(node, away),
            }
        }
        if happens(world, trouble.stops) {
            world.nodes[node].stopped_until = world.now + world.random.between(200, 40_000);
        }
        if happens(world, trouble.cuts) {
            world.nodes[node].is_cut ^= true;
        }
        if happens(world, trouble.cuts) {
            world.nodes[node].is_cut_from_nodes ^= true;
        }
        if happens(world, trouble.jumps) {
            let by = i64::try_from(world.random.below(120_000)).unwrap() - 60_000;
            world.jump(node, by);
        }
        if happens(world, trouble.orders) {
            world.drain(node);
        }
        if happens(world, trouble.lags) {
            let until = world.now + world.random.between(1_000, 40_000);
            world.nodes[node].lags = (until, world.random.between(500, 40_000));
        }
    }
    if happens(world, trouble.orders) && world.nodes.len() < 6 {
        let of = usize::try_from(world.random.below(world.nodes.len() as u64)).unwrap();
        world.add_twin(of);
    }
    if happens(world, trouble.disasters) {
        world.disaster();
    }
    if happens(world, trouble.leaders) {
        world.log.broken = world.now;
    }
    if happens(world, trouble.back) {
        let most = if world.random.permille(200) {
            world.log.len()
        } else {
            12
        };
        let records = world.random.below(most + 1);
        world.go_back(records);
    }
    if happens(world, trouble.away) && !world.log.is_away {
        world.log.is_away = true;
        *log_answers_at = world.now + world.random.between(500, 40_000);
    }
}

/// All answers again, and what was on its way has come. Then there is one more trouble, and each name
/// has a writer again in time.
fn calm(world: &mut World) {
    (world.lost, world.doubled, world.longest_delay) = (0, 0, 50);
    (world.log.is_away, world.log.broken) = (false, world.now);
    world.end_twins();
    for node in 0..world.nodes.len() {
        let node = &mut world.nodes[node];
        (node.is_cut, node.is_cut_from_nodes, node.stopped_until) = (false, false, 0);
        node.lags = (0, 0);
    }
    turns(world, 61_000);
    // Boots that drain are started anew.
    for node in 0..world.nodes.len() {
        world.kill(node, 0);
    }
    turns(world, 2 * HELD_AGAIN);
    assert!(
        world.is_whole(),
        "{} ms: not held after the trouble",
        world.now
    );
    match world.random.below(4) {
        0 if world
            .nodes
            .iter()
            .filter(|node| node.starts_at < u64::MAX)
            .count()
            > 1 =>
        {
            world.kill(0, 1_000_000)
        }
        1 => world.go_back(9),
        2 => world.log.broken = world.now,
        _ => {
            world.log.is_away = true;
            let away = world.random.between(100, 60_000);
            turns(world, away);
            (world.log.is_away, world.log.broken) = (false, world.now);
        }
    }
    turns(world, HELD_AGAIN);
    assert!(
        world.is_whole() || world.moves(),
        "{} ms: not held again in time",
        world.now
    );
    stays(world);
}

fn turns(world: &mut World, time: u64) {
    let until = world.now + time;
    while world.now < until {
        world.turn();
    }
}

/// Names stay held, but for those that move break before make.
fn stays(world: &mut World) {
    let (until, mut whole_at) = (world.now + 2 * LEASE, world.now);
    while world.now < until {
        world.turn();
        if world.is_whole() || world.moves() {
            whole_at = world.now;
        }
        assert!(world.now < whole_at + 300, "{} ms: lost again", world.now);
    }
}

#[test]
fn nobody_writes_beside_another_and_all_is_held_again() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text: String| text.parse().unwrap())
    };
    if let Some(seed) = number("EVERWIRE_SEED") {
        return live(seed, true);
    }
    let seeds: u64 = number("EVERWIRE_SEEDS").unwrap_or(300);
    // Each thread has its own lives.
    let threads = 2;
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let lives =
            (0..threads).map(|first| scope.spawn(move || first_to_fail(first, threads, seeds)));
        let lives: Vec<_> = lives.collect();
        lives
            .into_iter()
            .filter_map(|lives| lives.join().unwrap())
            .collect()
    });
    assert!(failed.is_empty(), "replay them: EVERWIRE_SEED={failed:?}");
    println!("{seeds} lives of a cluster");
}

fn first_to_fail(first: u64, step: u64, seeds: u64) -> Option<u64> {
    let mut seeds = (first..seeds).step_by(usize::try_from(step).unwrap());
    seeds.find(|seed| std::panic::catch_unwind(|| live(*seed, false)).is_err())
}
