//! The program as the nodes of a cluster, with a real server of NATS. Leases are as short as they may
//! be, so a cluster holds its first names after some 17 s.

#[expect(dead_code, reason = "only the tests of the bridge use all of it")]
#[path = "../../../everwire-nats/tests/nats_server/support/server.rs"]
mod nats_server;
mod nodes;
#[path = "../service_support/mod.rs"]
mod service_support;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use everwire::testing::Peer;
use nats_server::{Server, until};
use nodes::{LEASE, MARGIN, Names, Node};
use service_support::{cli, http::JSON, stderr};

#[test]
fn a_node_that_is_killed_is_followed_and_gets_its_share_again_when_it_is_back() {
    let server = Server::start("cluster-killed");
    let names = Names::new(30);
    let mut nodes = ["a", "b", "c"].map(|node| Node::start("killed", node, &server, &names));
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("at the beginning");
    let before = names.epochs(&nodes);
    let of_a = nodes[0].names();
    assert!((4..=16).contains(&of_a.len()), "{of_a:?}");

    let [a, ..] = &mut nodes;
    let killed = Instant::now();
    a.kill();
    until("the sockets of the killed node are gone", || {
        of_a.iter().all(|name| names.open(name) == 0)
    });
    // What is missing is told.
    let list = nodes[1].service().get("/v1/connections?limit=1000").json();
    assert_eq!(list["missing_nodes"], serde_json::json!(["a"]), "{list}");
    let output = cli::ask(nodes[1].service(), &["ls"]);
    let told = stderr(&output);
    assert!(told.contains("the node a did not answer"), "{told}");
    names.each_is_open_once("after the kill");
    let took = killed.elapsed();
    assert!(took < LEASE + MARGIN + Duration::from_secs(20), "{took:?}");
    let after = names.epochs(&nodes[1..]);
    for (name, epoch) in &before {
        match of_a.contains(name) {
            true => assert!(after[name] > *epoch, "{name}"),
            false => assert_eq!(after[name], *epoch, "{name} has not moved"),
        }
    }
    nodes[0].restart();
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("after the return");
}

#[test]
fn each_node_answers_for_each_name() {
    let server = Server::start("cluster-anywhere");
    let names = Names::new(12);
    let mut nodes = ["a", "b", "c"].map(|node| Node::start("anywhere", node, &server, &names));
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("at the beginning");
    for node in &nodes {
        let service = node.service();
        let list = service.get("/v1/connections?limit=5").json();
        assert_eq!(list["connections"].as_array().unwrap().len(), 5, "{list}");
        assert_eq!(list["next_cursor"], "n2", "{list}");
        let here = node.names();
        assert!(here.len() < 12, "{here:?}");
        for number in 0..12 {
            let path = format!("/v1/connections/n{number}");
            let status = service.get(&path);
            assert_eq!(status.status, 200, "{}", status.body);
            assert_eq!(status.json()["state"], "open");
            let sent = service.post(&format!("{path}/send?wait=confirmed"), "hello");
            assert_eq!(sent.status, 200, "{}", sent.body);
            assert_eq!(sent.json()["fate"], "confirmed", "{}", sent.body);
        }
        let unknown = service.get("/v1/connections/nobody");
        assert_eq!(unknown.status, 404, "{}", unknown.body);
        let wrong = service.post("/v1/connections/n0/send?wait=wrong", "x");
        assert_eq!(wrong.status, 400, "{}", wrong.body);
    }
    let written: BTreeSet<String> = (0..12).map(|number| format!("n{number}")).collect();
    let told = names.texts(&written);
    assert!(told.iter().all(|texts| *texts == ["hello"; 3]), "{told:?}");

    // A long message, in parts.
    let elsewhere = nodes[0].names();
    let name = written.difference(&elsewhere).next().unwrap();
    let long = "x".repeat(3 << 20);
    let sent = nodes[0].service().post(
        &format!("/v1/connections/{name}/send?wait=confirmed"),
        &long,
    );
    assert_eq!(sent.status, 200, "{}", sent.body);

    // All at once, over any node.
    let closed = nodes[1].service().post("/v1/close?match=n*", "").json();
    assert_eq!(
        (&closed["matched"], &closed["changed"]),
        (&12.into(), &12.into()),
        "{closed}"
    );
    until("all are closed", || {
        (0..12).all(|number| names.open(&format!("n{number}")) == 0)
    });
    let connected = nodes[2].service().post("/v1/connect?match=*", "").json();
    assert_eq!(connected["changed"], 12, "{connected}");
    names.each_is_open_once("at the end");

    // Nodes reload one after the other: for a while two of them would hold it.
    let n0 = nodes.iter_mut().find(|node| node.names().contains("n0"));
    let reloaded = n0.unwrap().reload_with(
        "[connections.n0]\n",
        "[connections.n0]\nplace = { at = 'x' }\n",
    );
    let failed = &reloaded["failed"][0];
    assert_eq!(failed["name"], "n0", "{reloaded}");
    let reason = failed["reason"].as_str().unwrap();
    assert!(
        reason.contains("decides which node has the name"),
        "{reason}"
    );
    names.each_is_open_once("after the reload");
}

#[test]
fn a_process_that_is_killed_and_started_at_once_goes_on_with_what_it_held() {
    let server = Server::start("cluster-restarted");
    let names = Names::new(12);
    let mut nodes = ["a", "b"].map(|node| Node::start("restarted", node, &server, &names));
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("at the beginning");
    let of_a = nodes[0].names();
    let [a, _] = &mut nodes;
    let begin = Instant::now();
    a.kill();
    a.restart();
    names.each_is_open_once("after the restart");
    // No lease had to run out.
    assert!(begin.elapsed() < LEASE, "{:?}", begin.elapsed());
    assert_eq!(a.names(), of_a);
}

#[test]
fn a_node_that_is_frozen_for_longer_than_its_lease_writes_nothing_more_and_joins_anew() {
    let server = Server::start("cluster-frozen");
    let names = Names::new(12);
    let nodes = ["a", "b"].map(|node| Node::start("frozen", node, &server, &names));
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("at the beginning");
    let of_a = nodes[0].names();
    nodes[0].signal("STOP");
    until("b has all", || nodes[1].names().len() == 12);
    let written = names.written(&of_a);
    nodes[0].signal("CONT");
    until("a has ended its boot", || {
        nodes[0].cluster()["ended"]["code"] == "cluster_lease_lapsed"
    });
    names.each_is_open_once("after the freeze");
    // The pings of the old sockets were due: the node has written none of them.
    let later = names.written(&of_a);
    assert_eq!(written, later, "what the frozen node wrote");
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("at the end");
}

#[test]
fn a_name_that_was_closed_by_hand_stays_closed_when_its_node_is_killed() {
    let server = Server::start("cluster-closed");
    let names = Names::new(4);
    let mut nodes = ["a", "b"].map(|node| Node::start("closed", node, &server, &names));
    nodes::have_their_shares(&nodes);
    names.each_is_open_once("at the beginning");
    let holder = usize::from(!nodes[0].names().contains("n0"));
    let closed = nodes[holder].service().post("/v1/connections/n0/close", "");
    assert_eq!(closed.status, 202, "{}", closed.body);
    until("it is closed", || names.open("n0") == 0);
    nodes[holder].kill();
    let other = &nodes[1 - holder];
    until("the other node has all names", || other.names().len() == 4);
    assert_eq!(other.state("n0"), "closed");
    assert_eq!(names.open("n0"), 0);
    let connected = other.service().post("/v1/connections/n0/connect", "");
    assert_eq!(connected.status, 202, "{}", connected.body);
    names.each_is_open_once("after it was connected by hand");
}

#[test]
fn what_callers_have_subscribed_outlives_the_process_of_a_node() {
    let server = Server::start("cluster-subscribed");
    let peer = Peer::spawn_thread().unwrap();
    let url = peer.url("/sink");
    let keys =
        format!("[connections.feed]\nurl = '{url}'\nsubscribe.on = '{{\"on\":\"${{item}}\"}}'\n");
    let mut node = Node::with("subscribed", "a", &server, &keys);
    until("the name is here", || node.names().contains("feed"));
    let path = "/v1/connections/feed/subscriptions/k1";
    let put = node.service().ask("PUT", path, &[JSON], br#"{"item":"x"}"#);
    assert_eq!(put.status, 201, "{}", put.body);
    node.kill();
    node.restart();
    until("the name is here again", || node.names().contains("feed"));
    let held = node
        .service()
        .get("/v1/connections/feed/subscriptions")
        .json();
    assert_eq!(held["subscriptions"][0]["key"], "k1", "{held}");
}
