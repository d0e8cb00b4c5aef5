//! A log that is away, goes back, or is another one.

use std::sync::atomic::Ordering;

use async_nats::jetstream;
use everwire_cluster::Phase;
use everwire_proto::placement::EndReason;

use crate::{
    node::{LEASE, Node, all_is_held, until},
    server::Server,
};

#[tokio::test]
async fn a_server_that_is_away_for_less_than_a_lease_changes_nothing() {
    let mut server = Server::start("away");
    let [a, b] = ["a", "b"].map(|name| Node::start("away", name, &server));
    all_is_held(&[&a, &b]).await;
    let before = (a.held(), b.held());
    server.stop();
    until("both notice it", || {
        [&a, &b]
            .iter()
            .all(|node| node.status().log.server.is_none())
    })
    .await;
    assert!(a.lease.may_write() && b.lease.may_write());
    server.restart();
    until("both read again", || {
        [&a, &b]
            .iter()
            .all(|node| node.status().log.server.is_some())
    })
    .await;
    // Longer than the leases of before.
    tokio::time::sleep(LEASE).await;
    assert_eq!((a.held(), b.held()), before);
    assert!(a.lease.may_write() && b.lease.may_write());
    assert!(a.told.lock().ends.is_empty() && b.told.lock().ends.is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_for_longer_ends_what_is_held_and_all_is_held_again() {
    let mut server = Server::start("long");
    let a = Node::start("long", "a", &server);
    all_is_held(&[&a]).await;
    let before = a.held();
    server.stop();
    until("the lease has run out", || !a.told.lock().ends.is_empty()).await;
    assert!(!a.lease.may_write());
    assert_eq!(a.told.lock().ends, [EndReason::Lapsed]);
    server.restart();
    all_is_held(&[&a]).await;
    assert!(a.held().iter().all(|(shard, term)| *term > before[shard]));
    assert!(a.lease.may_write());
}

#[tokio::test]
async fn a_log_that_is_deleted_has_gone_back_and_tokens_go_on() {
    let server = Server::start("deleted");
    let a = Node::start("deleted", "a", &server);
    all_is_held(&[&a]).await;
    let before = a.held();
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    context.delete_stream("EVERWIRE_PLACES").await.unwrap();
    until("the node notices it", || !a.told.lock().ends.is_empty()).await;
    assert_eq!(a.told.lock().ends, [EndReason::WentBack]);
    all_is_held(&[&a]).await;
    assert!(a.held().iter().all(|(shard, term)| *term > before[shard]));
    let ended = a.status().ended.unwrap();
    assert_eq!(
        (ended.code, &*ended.text),
        ("cluster_log_went_back", "the log went back")
    );
}

#[tokio::test]
async fn a_record_that_was_deleted_from_the_middle_does_not_stop_the_cluster() {
    let server = Server::start("hole");
    let a = Node::start("hole", "a", &server);
    all_is_held(&[&a]).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let stream = jetstream::new(client)
        .get_stream("EVERWIRE_PLACES")
        .await
        .unwrap();
    stream.delete_message(2).await.unwrap();
    // One that reads from the beginning finds the hole, and takes part all the same.
    let b = Node::start("hole", "b", &server);
    until("b has the snapshot of a, and has joined", || {
        a.status().nodes.len() == 2 && b.status().nodes.len() == 2
    })
    .await;
    assert!(a.told.lock().ends.is_empty(), "{:?}", a.told.lock().ends);
}

/// A file system that was restored, or a power cut that took what was not yet on disk.
#[tokio::test]
async fn a_log_that_is_restored_from_an_earlier_copy_has_gone_back() {
    let mut server = Server::start("restored");
    let a = Node::start("restored", "a", &server);
    until("a has joined", || a.status().boot.is_some()).await;
    let (now, copy) = (
        server.folder().join("jetstream"),
        server.folder().join("copy"),
    );
    server.stop();
    copy_all(&now, &copy);
    server.restart();
    all_is_held(&[&a]).await;
    let before = a.held();
    server.kill();
    std::fs::remove_dir_all(&now).unwrap();
    std::fs::rename(&copy, &now).unwrap();
    server.restart();
    until("the node notices it", || !a.told.lock().ends.is_empty()).await;
    assert_eq!(a.told.lock().ends, [EndReason::WentBack]);
    all_is_held(&[&a]).await;
    assert!(a.held().iter().all(|(shard, term)| *term > before[shard]));
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status();
    assert!(copied.unwrap().success());
}

#[tokio::test]
async fn a_log_without_room_is_told_and_goes_on_when_it_has_room() {
    let server = Server::start("full");
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    let mut config = jetstream::stream::Config {
        name: "EVERWIRE_PLACES".into(),
        subjects: vec!["everwire.places".into()],
        discard: jetstream::stream::DiscardPolicy::New,
        max_messages: 5,
        ..Default::default()
    };
    context.create_stream(config.clone()).await.unwrap();
    let a = Node::start("full", "a", &server);
    until("it is told", || {
        let told = a.told.lock();
        told.texts
            .iter()
            .any(|text| text.contains("maximum messages exceeded"))
    })
    .await;
    // A difference from what the node would make is told, too.
    assert!(!a.status().log.differences.is_empty());
    config.max_messages = -1;
    context.update_stream(config).await.unwrap();
    all_is_held(&[&a]).await;
}

#[tokio::test]
async fn a_record_of_a_newer_version_ends_the_node_that_cannot_read_it() {
    let server = Server::start("newer");
    let a = Node::start("newer", "a", &server);
    until("a has joined", || a.status().boot.is_some()).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    // What is no record of any version is void.
    for record in ["la la la", r#"{"v":0}"#, r#"{"v":9,"sing":{}}"#] {
        let published = context.publish("everwire.places", record.into()).await;
        published.unwrap().await.unwrap();
    }
    until("a has left", || a.status().phase == Phase::Left).await;
    let ended = a.status().ended.unwrap();
    assert_eq!(ended.code, "cluster_newer_version");
    assert!(ended.text.contains("version 9"), "{}", ended.text);
    assert!(!a.lease.may_write());
}

/// What a boot held could write under the lease of the next one.
#[tokio::test]
async fn a_boot_may_not_write_before_all_that_the_last_one_held_is_abandoned() {
    let server = Server::start("hesitates");
    let a = Node::start("hesitates", "a", &server);
    all_is_held(&[&a]).await;
    a.hesitates.store(true, Ordering::SeqCst);
    let first = a.status().boot;
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    context.delete_stream("EVERWIRE_PLACES").await.unwrap();
    until("a has joined anew, and holds all", || {
        let boot = a.status().boot;
        boot.is_some() && boot != first && a.held().len() == 16
    })
    .await;
    assert!(!a.lease.may_write());
    a.cluster.abandoned().await;
    until("it may write", || a.lease.may_write()).await;
}
