//! The program is killed again and again while messages are on their way out.
//!
//! ```text
//! EVERWIRE_NATS_KILLS=50 cargo test --test nats -- --nocapture kills     10,000 messages, 100 names
//! ```

use std::{collections::BTreeSet, ops::Range, thread, time::Duration};

use everwire::testing::{Peer, Script};

use super::{
    client::Client, connected, nats, nats_server::until, server, service_support::http::Service,
};

/// Of each name.
const MESSAGES: usize = 100;
/// So many messages of a name are on their way at once.
const WINDOW: usize = 128;
const NAMES: usize = 10;
const MANY_NAMES: usize = 100;

#[test]
fn a_program_that_is_killed_again_and_again_loses_nothing() {
    let asked = std::env::var("EVERWIRE_NATS_KILLS").map(|kills| kills.parse().unwrap());
    let (kills, names) = asked.map_or((4, NAMES), |kills: usize| (kills, MANY_NAMES));
    let peer = Peer::spawn_thread().unwrap();
    let server = server("killed");
    let mut keys = nats(&server) + "[defaults]\noutbox = { resend = 'in_doubt' }\n";
    for number in 0..names {
        let path = format!("/n{number}");
        // A quarter of them is so slow that some of their messages are always on their way.
        let rate = if number % 4 == 0 { 300 } else { 1500 };
        peer.script(&path, Script::sink().read_rate(rate));
        keys += &format!("[connections.n{number}]\nurl = '{}'\n", peer.url(&path));
    }
    let mut service = Service::start("nats-killed", &keys);
    connected(&service);
    let mut client = super::client(&server);
    let put = |client: &mut Client, messages: Range<usize>| {
        for message in messages {
            for name in 0..names {
                client.publish(&format!("everwire.out.n{name}"), "", &message.to_string());
            }
        }
        client.flush();
    };
    // A fifth waits at the start; the rest comes all the time, also while the program is down.
    let first = MESSAGES / 5;
    put(&mut client, 0..first);
    let until_then = |part: usize| first + (MESSAGES - first) * part / (3 * kills);
    let mut found_on_their_way = 0;
    for kill in 0..kills {
        let pause = Duration::from_millis(75 + 65 * (kill as u64 % 5));
        put(&mut client, until_then(3 * kill)..until_then(3 * kill + 1));
        thread::sleep(pause);
        put(
            &mut client,
            until_then(3 * kill + 1)..until_then(3 * kill + 2),
        );
        thread::sleep(pause);
        service.kill();
        found_on_their_way += usize::from(left(&mut client) > 0);
        put(
            &mut client,
            until_then(3 * kill + 2)..until_then(3 * kill + 3),
        );
        service = Service::start("nats-killed", &keys);
    }
    until("all have left the queue", || left(&mut client) == 0);
    let seen = Seen::by(&peer, names);
    println!(
        "{} messages through {names} names, {kills} kills, {found_on_their_way} of them with messages left: \
         lost {}, doubled {}, by one kill and name at most {}",
        names * MESSAGES,
        seen.lost,
        seen.doubled,
        seen.most_doubled
    );
    assert_eq!(seen.lost, 0);
    assert!(found_on_their_way >= kills / 2, "the kills came too late");
    service.end();
}

/// What the peer has had.
#[derive(Default)]
struct Seen {
    lost: usize,
    doubled: usize,
    /// The most messages of a name that came again after one kill.
    most_doubled: usize,
}

impl Seen {
    /// Looks at all that was said to each name. Each life of the program has one connection of it.
    fn by(peer: &Peer, names: usize) -> Self {
        let mut seen = Self::default();
        for name in 0..names {
            let (mut had, mut firsts) = (BTreeSet::<usize>::new(), Vec::new());
            for connection in peer.connections_at(&format!("/n{name}")) {
                let texts = connection.texts();
                let numbers: Vec<usize> = texts.iter().map(|text| text.parse().unwrap()).collect();
                // Within a connection none comes twice, and none overtakes another one.
                assert!(numbers.is_sorted_by(|a, b| a < b), "n{name}: {numbers:?}");
                let (doubled, new): (Vec<_>, Vec<_>) =
                    numbers.into_iter().partition(|number| had.contains(number));
                assert!(doubled.len() <= WINDOW, "n{name}: {doubled:?}");
                seen.doubled += doubled.len();
                seen.most_doubled = seen.most_doubled.max(doubled.len());
                had.extend(&new);
                firsts.extend(new);
            }
            assert!(firsts.is_sorted(), "n{name}: {firsts:?}");
            seen.lost += MESSAGES - had.len();
        }
        seen
    }
}

/// How many messages are in the queue.
fn left(client: &mut Client) -> u64 {
    let info = client.request("$JS.API.STREAM.INFO.EVERWIRE_OUT", "");
    info["state"]["messages"].as_u64().unwrap()
}
