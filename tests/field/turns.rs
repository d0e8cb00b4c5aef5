//! The order of dials. Reported: hundreds of names have servers that accept TCP and never answer
//! the upgrade. A name of another server, which answers at once, lost its socket and was dialled
//! again after most of a minute instead of after its backoff, and the wait grew with the number of
//! the others. A host that does not answer must not delay the others.

use std::net::TcpListener;

use everwire::State;
use tokio::time::timeout;

use super::support::{SOON, rig::*};

#[tokio::test]
async fn a_name_is_dialled_again_at_once_beside_hundreds_that_accept_and_never_upgrade() {
    let mut rig = Rig::new();
    let feed = rig.open("/drop?messages=1");
    rig.watch.ready().await;
    // The kernel accepts for them.
    let silent: Vec<_> = (0..320)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    for (number, server) in silent.iter().enumerate() {
        let url = format!("ws://{}/", server.local_addr().unwrap());
        let handle = rig
            .manager
            .open(format!("dead-{number}"), quick(url))
            .unwrap();
        wait_for_state(&handle, State::Connecting).await;
    }
    for _ in 0..3 {
        feed.send("and be dropped").unwrap();
        rig.watch.closed().await;
        let again = timeout(SOON, rig.watch.ready()).await;
        assert!(again.is_ok(), "the name waits for those that never answer");
    }
}
