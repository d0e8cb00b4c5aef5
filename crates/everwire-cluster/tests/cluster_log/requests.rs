//! Requests from node to node.

use std::time::Duration;

use bytes::Bytes;
use everwire_cluster::{AskError, MOST_BYTES};

use crate::{
    node::{Node, until},
    server::Server,
};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_node_answers_another_and_who_is_not_there_is_told() {
    let mut server = Server::start("requests");
    let [a, b] = ["a", "b"].map(|name| Node::start("requests", name, &server));
    let mut asked = b.cluster.requests().unwrap();
    assert!(b.cluster.requests().is_none(), "only the first has them");
    tokio::spawn(async move {
        while let Some(request) = asked.recv().await {
            if request.bytes.is_empty() {
                // It gives no answer.
                continue;
            }
            let mut answer = request.bytes.to_vec();
            answer.reverse();
            let _gone = request.answer.send(answer.into());
        }
    });
    until("both have joined", || a.status().nodes.len() == 2).await;
    let ask = async |node: &str, bytes: Bytes| a.cluster.ask(node, bytes, SOON).await;
    assert_eq!(ask("b", "olleh".into()).await, Ok("hello".into()));
    let long: Bytes = vec![7; 3 << 20].into();
    assert_eq!(ask("b", long.clone()).await, Ok(long));
    let too_long: Bytes = vec![0; MOST_BYTES + 1].into();
    assert_eq!(ask("b", too_long).await, Err(AskError::TooLong));
    assert_eq!(
        ask("nobody", "x".into()).await,
        Err(AskError::NobodyListens)
    );
    let silent = a.cluster.ask("b", Bytes::new(), Duration::from_millis(200));
    assert_eq!(silent.await, Err(AskError::Silent));
    server.kill();
    until("a knows it", || a.status().log.server.is_none()).await;
    let away = async || ask("b", "x".into()).await == Err(AskError::Away);
    while !away().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
