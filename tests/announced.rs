//! A frame that announces more than the available memory. It runs alone, since it measures the
//! memory of its process.

mod support;

use everwire::{EventKind, testing::Ended};
use support::{SOON, rig::*};

#[tokio::test]
async fn a_frame_of_one_tebibyte_is_refused_on_its_header_and_memory_stays_flat() {
    let mut rig = Rig::new();
    // One round first, so that one-time allocations do not count.
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    rig.manager.remove("feed").await.unwrap();
    drop(feed);
    let before = resident_bytes();

    let _feed = rig.open("/announce?bytes=1099511627776&pour=268435456");
    for _ in 0..3 {
        let error = rig
            .watch
            .until("the violation", |update| match update.kind() {
                Some(EventKind::Error(report)) => Some(report.cause.clone()),
                _ => None,
            })
            .await;
        assert_eq!(error.kind(), "protocol");
        assert_eq!(rig.watch.closed().await.code, 1009);
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 24 << 20, "grown by {grown} bytes");

    let refused = |log: &everwire::testing::ConnectionLog| {
        log.close
            .as_ref()
            .is_some_and(|close| close.code == Some(1009))
    };
    let log = rig.peer.wait_for("/announce", SOON, refused).await.unwrap();
    assert!(!matches!(log.ended(), Some(Ended::Violation(_))));
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
