//! From one process to the next.

use everwire::{
    ConnectionSettings, EventKind, Rejected, State, config::Fsync, store::Store, testing::Peer,
};

use super::{torn::copy_of, *};

/// A peer that notes messages, and a directory.
struct World {
    dir: TestDir,
    peer: Peer,
    heard: Heard,
}

impl World {
    fn new() -> Self {
        let heard = Heard::default();
        let peer = Peer::spawn_thread().unwrap();
        peer.script("/", heard.script());
        let dir = TestDir::new("durable");
        Self { dir, peer, heard }
    }

    fn manager(&self) -> Manager {
        manager_at(self.dir.path())
    }

    fn settings(&self) -> ConnectionSettings {
        durable(self.peer.url("/"))
    }

    fn open(&self, manager: &Manager) -> Handle {
        manager.open("feed", self.settings()).unwrap()
    }
}

#[tokio::test]
async fn what_was_queued_goes_out_in_order_after_a_restart_and_is_told_as_resent() {
    let world = World::new();
    world.peer.stop_listening().await.unwrap();
    let first = world.manager();
    queue(&world.open(&first), 1..=300).await;
    end(first).await;

    world.peer.resume().await.unwrap();
    let second = world.manager();
    let mut watch = watch(&second);
    let feed = world.open(&second);
    for id in 1..=300 {
        let written = watch.sent(Fate::Written).await;
        assert_eq!((written.id, written.resent), (id, true));
    }
    drained(&feed).await;
    assert_eq!(world.heard.numbers(), Vec::from_iter(1..=300));
    let next = queue(&feed, [301]).await;
    assert_eq!(next[0].id(), 301, "ids go on");
    assert_eq!(next[0].fate(Fate::Confirmed).await, Fate::Confirmed);
    end(second).await;

    let third = world.manager();
    let feed = world.open(&third);
    let next = queue(&feed, [302]).await;
    assert_eq!(next[0].fate(Fate::Confirmed).await, Fate::Confirmed);
    assert_eq!(
        world.heard.numbers(),
        Vec::from_iter(1..=302),
        "what is confirmed is not sent again"
    );
}

#[tokio::test]
async fn queued_is_said_only_when_the_message_is_on_disk() {
    let world = World::new();
    world.peer.stop_listening().await.unwrap();
    let manager = world.manager();
    for (name, fsync) in [("always", Fsync::Always), ("interval", Fsync::Interval)] {
        let mut settings = world.settings();
        settings.outbox.fsync = fsync;
        let feed = manager.open(name, settings).unwrap();
        for number in 1..=20 {
            let receipt = feed.send(number.to_string()).unwrap();
            receipt.fate(Fate::Queued).await;
            let copy = copy_of(world.dir.path());
            let (_store, recovered) = Store::open(copy.path()).unwrap();
            let outbox = &recovered.names[feed.name()].outbox;
            assert_eq!(outbox.last().map(|stored| stored.id), Some(number));
        }
    }
}

#[tokio::test]
async fn a_close_by_hand_is_remembered_until_the_next_connect() {
    let world = World::new();
    let first = world.manager();
    let feed = first.open("feed", quick(world.peer.url("/"))).unwrap();
    wait_for_state(&feed, State::Open).await;
    feed.close(1000, "").await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    end(first).await;

    let second = world.manager();
    let feed = second.open("feed", quick(world.peer.url("/"))).unwrap();
    wait_for_state(&feed, State::Closed).await;
    assert_eq!(feed.send("no").unwrap_err(), Rejected::Closed);
    // It would have been dialled before the other one.
    let other = second.open("other", quick(world.peer.url("/"))).unwrap();
    wait_for_state(&other, State::Open).await;
    assert_eq!(world.peer.accepted(), 2);
    feed.connect(None).await.unwrap();
    wait_for_state(&feed, State::Open).await;
    end(second).await;

    let third = world.manager();
    let feed = third.open("feed", quick(world.peer.url("/"))).unwrap();
    wait_for_state(&feed, State::Open).await;
}

#[tokio::test]
async fn a_close_by_hand_keeps_durable_messages_for_the_next_connect() {
    let world = World::new();
    world.peer.stop_listening().await.unwrap();
    let first = world.manager();
    let feed = world.open(&first);
    queue(&feed, 1..=3).await;
    feed.close(1000, "").await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    end(first).await;

    world.peer.resume().await.unwrap();
    let second = world.manager();
    let feed = world.open(&second);
    wait_for_state(&feed, State::Closed).await;
    assert_eq!(feed.status().await.unwrap().outbox.messages, 3);
    feed.connect(None).await.unwrap();
    world.heard.wait_for(3).await;
    assert_eq!(world.heard.numbers(), [1, 2, 3]);
}

#[tokio::test]
async fn removing_a_name_forgets_its_messages_for_good() {
    let world = World::new();
    world.peer.stop_listening().await.unwrap();
    let first = world.manager();
    let receipts = queue(&world.open(&first), 1..=3).await;
    first.remove("feed").await.unwrap();
    for receipt in receipts {
        assert_eq!(receipt.now(), Fate::Cancelled);
    }
    end(first).await;

    world.peer.resume().await.unwrap();
    let second = world.manager();
    let feed = world.open(&second);
    let next = queue(&feed, [4]).await;
    assert_eq!(next[0].fate(Fate::Confirmed).await, Fate::Confirmed);
    assert_eq!(world.heard.numbers(), [4]);
}

#[tokio::test]
async fn each_process_is_another_epoch_of_its_names() {
    let world = World::new();
    for epoch in 1..=3 {
        let manager = world.manager();
        let mut watch = watch(&manager);
        let feed = manager.open("feed", quick(world.peer.url("/"))).unwrap();
        assert_eq!(feed.status().await.unwrap().epoch, epoch);
        let stamp = watch
            .until("ready", |update| {
                let stamp = update.stamp().cloned();
                stamp.filter(|_| update.kind() == Some(&EventKind::Ready))
            })
            .await;
        assert_eq!(stamp.epoch, epoch);
        end(manager).await;
    }
}

#[tokio::test]
async fn a_name_that_was_removed_and_came_again_gets_no_epoch_twice() {
    let mut world = World::new();
    let manager = world.manager();
    let mut last = 0;
    let begin = async |manager: &Manager, last: &mut u32| {
        let feed = manager.open("feed", quick(world.peer.url("/"))).unwrap();
        let epoch = feed.status().await.unwrap().epoch;
        assert!(epoch > *last, "{epoch} after {last}");
        *last = epoch;
    };
    for _ in 1..=3 {
        begin(&manager, &mut last).await;
        manager.remove("feed").await.unwrap();
    }
    begin(&manager, &mut last).await;
    let killed = copy_of(world.dir.path());
    end(manager).await;
    world.dir = killed;
    begin(&world.manager(), &mut last).await;
}

#[tokio::test]
async fn of_two_who_remove_a_name_neither_removes_what_was_opened_anew() {
    let world = World::new();
    let manager = world.manager();
    for _ in 0..20 {
        let open = || manager.open("feed", quick(world.peer.url("/")));
        open().unwrap();
        let removals = [(); 2].map(|()| {
            let manager = manager.clone();
            tokio::spawn(async move { manager.remove("feed").await })
        });
        // Both have begun when this one finds the name free.
        let free = async {
            loop {
                tokio::task::yield_now().await;
                if let Ok(feed) = open() {
                    break feed;
                }
            }
        };
        let again = tokio::time::timeout(SOON, free).await.unwrap();
        for removal in removals {
            removal.await.unwrap().unwrap();
        }
        assert!(manager.find("feed").is_some(), "what was opened anew");
        assert!(again.status().await.is_ok());
        manager.remove("feed").await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_is_killed_as_soon_as_it_has_begun_has_taken_its_epochs_with_it() {
    let mut world = World::new();
    let mut last = 0;
    for _ in 1..=3 {
        let manager = world.manager();
        let epoch = world.open(&manager).status().await.unwrap().epoch;
        // Nothing was written since the start.
        let killed = copy_of(world.dir.path());
        assert!(epoch > last, "{epoch} after {last}");
        last = epoch;
        end(manager).await;
        world.dir = killed;
    }
}

#[tokio::test]
async fn without_anything_to_keep_the_directory_is_not_touched() {
    let world = World::new();
    let dir = world.dir.path().join("state");
    let manager = try_manager_at(&dir, |_| {}).unwrap();
    let feed = manager.open("feed", quick(world.peer.url("/"))).unwrap();
    wait_for_state(&feed, State::Open).await;
    end(manager).await;
    assert!(!dir.exists());
}
