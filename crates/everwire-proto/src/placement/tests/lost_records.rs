//! A log that went back, and has lost the claim of a node that still writes and is cut off. In each
//! turn of the world at most one node may write for a name.

use super::world::{LEASE, MARGIN, SHARDS, World};

/// Nodes whose log says all at once, and which take nothing else by chance.
fn world(nodes: u64) -> World {
    let mut world = World::new(5, nodes);
    world.longest_delay = 50;
    for node in &mut world.nodes {
        node.starts_at = 0;
    }
    world
}

fn until(world: &mut World, what: &str, is_so: impl Fn(&World) -> bool) {
    let end = world.now + 3 * (LEASE + MARGIN);
    while !is_so(world) {
        assert!(world.now < end, "{} ms: never {what}", world.now);
        world.turn();
    }
}

fn turns(world: &mut World, time: u64) {
    turns_to(world, world.now + time);
}

fn turns_to(world: &mut World, end: u64) {
    while world.now < end {
        world.turn();
    }
}

fn all_are(node: usize) -> impl Fn(&World) -> bool {
    move |world| (0..SHARDS).all(|shard| world.writer(shard) == Some(node))
}

/// Node 0 holds all and is gone, node 1 has taken all; then the log does not know it, and node 1 is
/// cut off. Returns when node 1 has taken it.
fn taken_and_lost(world: &mut World, goes: impl Fn(&mut World)) {
    world.nodes[1].starts_at = 60_000;
    until(world, "held by node 0", all_are(0));
    // It joins, and is not given anything.
    turns_to(world, 61_000);
    let records = world.log.len();
    goes(world);
    until(world, "held by node 1", all_are(1));
    world.nodes[1].is_cut = true;
    world.go_back_to(records);
}

#[test]
fn a_node_that_has_not_seen_the_claim_waits_after_the_break() {
    let mut world = world(3);
    world.nodes[2].starts_at = 60_000;
    world.nodes[1].starts_at = 60_000;
    until(&mut world, "held by node 0", all_are(0));
    turns_to(&mut world, 60_000);
    world.kill(0, 1_000_000);
    let records = world.log.len() + 4;
    // It joins, and then reads from a replica that is behind.
    turns(&mut world, 2_000);
    world.nodes[2].lags = (200_000, 6_000);
    let some_are = |world: &World| (0..SHARDS).any(|shard| world.writer(shard) == Some(1));
    until(&mut world, "held by node 1", some_are);
    world.nodes[1].is_cut = true;
    world.go_back_to(records);
    world.nodes[2].lags = (0, 0);
    until(&mut world, "held by node 2", all_are(2));
}

#[test]
fn a_lease_that_ran_out_does_not_go_on_where_the_log_forgot_the_suspicion() {
    let mut world = world(2);
    taken_and_lost(&mut world, |world| world.nodes[0].is_cut = true);
    world.nodes[0].is_cut = false;
    until(&mut world, "held by node 0", all_are(0));
}

#[test]
fn a_process_inherits_nothing_when_the_lease_of_its_predecessor_is_over() {
    let mut world = world(2);
    taken_and_lost(&mut world, |world| world.kill(0, 1_000_000));
    world.nodes[0].starts_at = world.now;
    until(&mut world, "held by node 0", all_are(0));
}

#[test]
fn a_process_does_not_inherit_what_its_predecessor_has_begun_to_give() {
    let mut world = world(2);
    world.nodes[1].starts_at = 60_000;
    until(&mut world, "held by node 0", all_are(0));
    turns_to(&mut world, 75_000);
    let records = world.log.len();
    // Some names have crossed, and not all.
    until(&mut world, "half on its way", |world| {
        (0..SHARDS).any(|shard| world.names_of(1, shard) == 1)
    });
    world.nodes[1].is_cut = true;
    world.go_back_to(records);
    world.kill(0, 0);
    turns(&mut world, 2 * LEASE);
}

#[test]
fn a_node_that_finds_no_beginning_begins_with_the_snapshot_of_one_that_lives() {
    let mut world = world(2);
    world.nodes[1].starts_at = 60_000;
    until(&mut world, "held by node 0", all_are(0));
    // Somebody has deleted the first records.
    world.log.entries.drain(..2);
    world.log.first += 2;
    let has_some = |world: &World| (0..SHARDS).any(|shard| world.writer(shard) == Some(1));
    until(&mut world, "shared with node 1", has_some);
}
