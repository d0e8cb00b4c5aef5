//! Nodes share what there is.

use std::sync::atomic::Ordering;

use everwire_cluster::Phase;
use everwire_proto::placement::{EndReason, Labels};

use crate::{
    node::{Node, all_is_held, settings, until},
    server::Server,
};

#[tokio::test]
async fn nodes_share_the_shards_and_one_that_leaves_is_followed_at_once() {
    let server = Server::start("shares");
    let [a, b, c] = ["a", "b", "c"].map(|name| Node::start("shares", name, &server));
    all_is_held(&[&a, &b, &c]).await;
    for node in [&a, &b, &c] {
        let held = node.held().len();
        assert!((5..=6).contains(&held), "{held}");
        assert!(node.lease.may_write());
    }
    let status = a.status();
    assert_eq!(
        (status.phase, status.free, status.shards),
        (Phase::Ready, 0, 16)
    );
    let names: Vec<_> = status.nodes.iter().map(|node| &*node.node).collect();
    assert_eq!(names, ["a", "b", "c"]);

    let before = c.held();
    c.cluster.leave(std::time::Duration::from_secs(5)).await;
    assert!(!c.lease.may_write());
    assert_eq!(c.told.lock().ends, [EndReason::Leaving]);
    all_is_held(&[&a, &b]).await;
    // Each that was another's has a higher token.
    for node in [&a, &b] {
        for (shard, term) in node.held() {
            if let Some(earlier) = before.get(&shard) {
                assert!(term > *earlier, "{shard}");
            }
        }
    }
}

#[tokio::test]
async fn a_node_that_comes_later_gets_its_share_and_one_that_drains_gives_all() {
    let server = Server::start("later");
    let a = Node::start("later", "a", &server);
    all_is_held(&[&a]).await;
    let before = a.held();
    let b = Node::start("later", "b", &server);
    until("b has its share", || b.held().len() == 8).await;
    all_is_held(&[&a, &b]).await;
    for (shard, term) in a.held() {
        assert_eq!(before[&shard], term, "what stays has not moved");
    }
    b.cluster.drain("a").await.unwrap();
    until("a has nothing", || a.held().is_empty()).await;
    all_is_held(&[&b]).await;
    assert_eq!(a.status().phase, Phase::Draining);
    let unknown = b.cluster.drain("x").await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        r#"there is no node "x" in the cluster"#
    );
}

#[tokio::test]
async fn a_name_that_is_closed_by_hand_is_closed_for_all_nodes() {
    let server = Server::start("closed");
    let [a, b] = ["a", "b"].map(|name| Node::start("closed", name, &server));
    let name = everwire::ConnectionName::new("feed").unwrap();
    until("both have joined", || {
        a.status().nodes.len() == 2 && b.status().nodes.len() == 2
    })
    .await;
    a.cluster.close(name.clone()).await.unwrap();
    until("b knows it", || b.cluster.is_closed(&name)).await;
    // A second time changes nothing, and is no error.
    b.cluster.close(name.clone()).await.unwrap();
    b.cluster.open(name.clone()).await.unwrap();
    until("a knows it", || !a.cluster.is_closed(&name)).await;
}

#[tokio::test]
async fn names_with_a_place_are_held_by_nodes_that_have_it() {
    let server = Server::start("placed");
    let eu: Labels = [("region", "eu")].into_iter().collect();
    let mut with_eu = settings("b");
    with_eu.labels = eu.clone();
    let a = Node::start("placed", "a", &server);
    let b = Node::with("placed", with_eu, &server);
    a.cluster.wants(eu.clone()).await;
    until("the place is known", || {
        a.cluster.shard_of("feed", &eu).is_some()
    })
    .await;
    until("all is held", || {
        let held = a.held().len() + b.held().len();
        held == 32 && a.status().free == 0
    })
    .await;
    let shard = a.cluster.shard_of("feed", &eu).unwrap();
    let found = a.cluster.find(shard).unwrap();
    assert_eq!((found.node.as_deref(), found.is_here), (Some("b"), false));
    assert_ne!(a.cluster.shard_of("feed", &Labels::default()), Some(shard));
}

#[tokio::test]
async fn a_second_node_of_a_name_and_one_with_other_shards_are_told_so() {
    let server = Server::start("twins");
    let a = Node::start("twins", "a", &server);
    until("a has joined", || a.status().boot.is_some()).await;
    let twin = Node::start("twins-2", "a", &server);
    until("the twin is told", || {
        let told = twin.told.lock();
        told.texts
            .iter()
            .any(|text| text.contains("with this node's name is alive"))
    })
    .await;
    assert_eq!(twin.status().boot, None);
    let mut other = settings("b");
    other.shards = 17;
    let b = Node::with("twins", other, &server);
    until("b has ended", || b.status().phase == Phase::Left).await;
    let ended = b.status().ended.unwrap();
    assert_eq!(ended.code, "cluster_other_shards");
    assert_eq!(
        ended.text,
        "the cluster has 16 shards, this node has 17: set `shards = 16`"
    );
    all_is_held(&[&a]).await;
}

#[tokio::test]
async fn a_node_whose_service_takes_nothing_leaves_and_another_one_holds_all() {
    let server = Server::start("deaf");
    let [a, b] = ["a", "b"].map(|name| Node::start("deaf", name, &server));
    until("both have joined", || a.status().nodes.len() == 2).await;
    a.is_deaf.store(true, Ordering::SeqCst);
    until("a has left", || a.status().phase == Phase::Left).await;
    assert_eq!(a.status().ended.unwrap().code, "cluster_unheard");
    assert!(!a.lease.may_write());
    all_is_held(&[&b]).await;
}
