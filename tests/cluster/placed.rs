//! Names with the epochs of a token.

use everwire::{
    Fate, Manager, Owner, Rejected, SendError, State,
    manager::{OpenError, Placed},
};

use super::support::rig::*;

fn placed(epoch: u32) -> Placed {
    Placed {
        epoch,
        ..Placed::default()
    }
}

#[tokio::test]
async fn events_and_messages_have_the_epochs_of_the_token_from_the_first_on() {
    let mut rig = Rig::new();
    let acme = Owner::new("acme");
    let at = Placed {
        owner: Some(acme.clone()),
        epoch: 7 << 16,
        is_closed: false,
    };
    let open = |at: Placed| {
        let settings = quick(rig.peer.url("/echo"));
        rig.manager.open_placed("feed", settings, at)
    };
    let feed = open(at.clone()).unwrap();
    assert_eq!(rig.manager.owner("feed"), Some(acme));
    let receipt = feed.send("hello").unwrap();
    assert_eq!(receipt.epoch(), 7 << 16);
    let first = rig.watch.next().await;
    let stamp = first.stamp().unwrap();
    assert_eq!((stamp.epoch, stamp.seq), (7 << 16, 1));
    rig.watch.text("hello").await;

    // The same token again.
    rig.manager.abandon("feed").await.unwrap();
    assert_eq!(open(at.clone()).unwrap().epoch(), (7 << 16) + 1);
    rig.manager.remove("feed").await.unwrap();
    assert_eq!(open(at).unwrap().epoch(), (7 << 16) + 2);
    // A later one.
    rig.manager.abandon("feed").await.unwrap();
    assert_eq!(open(placed((9 << 16) + 4)).unwrap().epoch(), (9 << 16) + 4);
    // Other names have other tokens.
    let settings = quick(rig.peer.url("/echo"));
    let other = rig.manager.open_placed("other", settings, placed(2 << 16));
    assert_eq!(other.unwrap().epoch(), 2 << 16);
}

#[tokio::test]
async fn no_epoch_passes_the_bound_of_the_token() {
    let rig = Rig::new();
    let last = (7 << 16) | 0xffff;
    let open = || {
        let settings = quick(rig.peer.url("/echo"));
        rig.manager.open_placed("feed", settings, placed(last))
    };
    let feed = open().unwrap();
    assert_eq!(feed.epoch(), last);
    assert_eq!(rig.manager.raise_epoch(feed.name(), last), Some(last));
    assert_eq!(feed.epoch(), last);
    rig.manager.abandon("feed").await.unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, OpenError::NoEpochLeft(ref name) if name == "feed"));
    assert!(rig.manager.find("feed").is_none());
    let settings = quick(rig.peer.url("/echo"));
    let next = rig.manager.open_placed("feed", settings, placed(8 << 16));
    assert_eq!(next.unwrap().epoch(), 8 << 16);

    let settings = quick(rig.peer.url("/echo"));
    let other = rig.manager.open_placed("other", settings, placed(7 << 16));
    let other = other.unwrap();
    let raised = rig.manager.raise_epoch(other.name(), (7 << 16) + 6);
    assert_eq!(raised, Some((7 << 16) + 7));
}

#[tokio::test]
async fn a_name_is_closed_by_hand_exactly_if_the_cluster_says_so() {
    let mut rig = Rig::new();
    let open = |is_closed, epoch| {
        let settings = quick(rig.peer.url("/echo"));
        let at = Placed {
            is_closed,
            ..placed(epoch)
        };
        rig.manager.open_placed("feed", settings, at).unwrap()
    };
    let feed = open(true, 1 << 16);
    let refused = feed.send("hello");
    assert!(matches!(
        refused,
        Err(SendError::Rejected(Rejected::Closed))
    ));
    assert_eq!(feed.status().await.unwrap().state, State::Closed);
    assert_eq!(rig.peer.accepted(), 0);
    rig.manager.abandon("feed").await.unwrap();
    open(false, 2 << 16).send("hello").unwrap();
    rig.watch.text("hello").await;
}

#[cfg(feature = "durable")]
mod stored {
    use super::*;
    use crate::support::{SOON, TestDir};

    async fn end(manager: Manager) {
        manager.shutdown(SOON).await;
    }

    #[tokio::test]
    async fn a_durable_name_has_the_epochs_of_its_token_in_each_process() {
        let dir = TestDir::new("placed");
        let url = "ws://127.0.0.1:9/";
        let open = |manager: &Manager, at| manager.open_placed("feed", durable(url), at).unwrap();

        let manager = manager_at(dir.path());
        let feed = open(&manager, placed(3 << 16));
        let receipt = feed.send("kept").unwrap();
        assert_eq!(receipt.fate(Fate::Queued).await, Fate::Queued);
        // Of a token far above: it does not reach the other name.
        let other = manager.open_placed("other", quick(url), placed(900 << 16));
        other.unwrap();
        manager.remove("other").await.unwrap();
        end(manager).await;

        // The same token, and then a later one.
        let manager = manager_at(dir.path());
        let feed = open(&manager, placed(3 << 16));
        assert_eq!(feed.epoch(), (3 << 16) + 1);
        assert_eq!(feed.receipt(1).unwrap().now(), Fate::Queued);
        end(manager).await;
        let manager = manager_at(dir.path());
        assert_eq!(open(&manager, placed(4 << 16)).epoch(), 4 << 16);
        end(manager).await;
    }

    #[tokio::test]
    async fn the_store_is_corrected_where_the_cluster_knows_better() {
        let dir = TestDir::new("placed-closed");
        let url = "ws://127.0.0.1:9/";
        for (token, is_closed) in [(1, true), (2, false), (3, true), (4, false)] {
            let manager = manager_at(dir.path());
            let at = Placed {
                is_closed,
                ..placed(token << 16)
            };
            let feed = manager.open_placed("feed", durable(url), at).unwrap();
            let state = feed.status().await.unwrap().state;
            assert_eq!(state == State::Closed, is_closed, "{state:?}");
            end(manager).await;

            // An opening that asks the store.
            let manager = manager_at(dir.path());
            let feed = manager.open("feed", durable(url)).unwrap();
            let state = feed.status().await.unwrap().state;
            assert_eq!(state == State::Closed, is_closed, "{state:?}");
            end(manager).await;
        }
    }
}
