//! A panic costs a name its socket, but not its address, its outbox, its numbering or its
//! neighbours.

mod support;

use std::{num::NonZeroU32, time::Duration};

use everwire::{
    CloseMyself, Fate, Handle, Manager, Owner, Pattern, Rejected, SendError, Settings, State,
    config::Heartbeat, connection::Fault, core::OwnerShares, manager::Placed,
};
use support::rig::*;

/// A name on the same arbiter, which must not be affected.
struct Neighbour {
    handle: Handle,
    watch: Watch,
    /// Its first epoch: in a build without a store the number is arbitrary.
    epoch: u32,
}

impl Neighbour {
    async fn new(rig: &Rig) -> Self {
        let settings = quick(rig.peer.url("/echo?neighbour"));
        let mut watch = Watch::new(&rig.manager, "neighbour");
        let handle = rig.manager.open("neighbour", settings).unwrap();
        watch.ready().await;
        let epoch = handle.epoch();
        Self {
            handle,
            watch,
            epoch,
        }
    }

    async fn noticed_nothing(mut self) {
        self.handle.send("are you there?").unwrap();
        self.watch.text("are you there?").await;
        let kinds = ["connecting", "opened", "ready", "message"];
        assert_eq!(
            self.watch.seen().len(),
            kinds.len(),
            "{:#?}",
            self.watch.seen()
        );
        let status = self.handle.status().await.unwrap();
        assert_eq!((status.incarnation, status.epoch), (1, self.epoch));
    }
}

#[tokio::test]
async fn a_panic_in_a_handler_is_a_loss_and_nothing_more() {
    panics_and_lives_on(Fault::Handler).await;
}

#[tokio::test]
async fn a_panic_in_a_timer_is_a_loss_and_nothing_more() {
    panics_and_lives_on(Fault::Timer).await;
}

#[tokio::test]
async fn a_panic_in_the_driver_is_a_loss_and_nothing_more() {
    panics_and_lives_on(Fault::Driver).await;
}

async fn panics_and_lives_on(fault: Fault) {
    let rig = Rig::new();
    let neighbour = Neighbour::new(&rig).await;
    let mut watch = Watch::new(&rig.manager, "feed");
    let feed = rig.open_with("/echo", |settings| {
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(20),
            timeout: ms(10_000),
        };
        with_backoff(settings, always(ms(200)));
    });
    watch.ready().await;
    let epoch = feed.epoch();

    feed.addr().send(fault).await.unwrap();
    assert_eq!(watch.error().await.kind(), "panic");
    assert!(!watch.closed().await.clean);
    assert_eq!(watch.retrying().await.cause.kind(), "panic");
    let kept = feed.send("kept over the panic").unwrap();
    watch.ready().await;
    watch.text("kept over the panic").await;
    assert!(kept.fate(Fate::Written).await.reaches(Fate::Written));

    let status = feed.addr().send(everwire::Snapshot).await.unwrap();
    assert_eq!((status.epoch, status.incarnation), (epoch, 2));
    assert!(
        status
            .last_error
            .unwrap()
            .cause
            .text()
            .contains("asked for")
    );
    neighbour.noticed_nothing().await;
}

#[tokio::test]
async fn a_panic_while_nothing_is_up_keeps_the_name_closed() {
    let rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| settings.enabled = false);
    for fault in [Fault::Handler, Fault::Driver] {
        feed.addr().send(fault).await.unwrap();
    }
    wait_for("the errors", async || {
        let status = feed.status().await.unwrap();
        status.last_error.map(|_| status.state).ok_or(())
    })
    .await;
    assert_eq!(feed.status().await.unwrap().state, State::Idle);
    assert_eq!(rig.peer.accepted(), 0);
    feed.addr()
        .send(CloseMyself::normal())
        .await
        .unwrap()
        .unwrap();
    feed.addr().send(Fault::Handler).await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    rig.let_pass(ms(50)).await;
    assert_eq!(rig.peer.connections_at("/echo").len(), 0);
}

#[tokio::test]
async fn a_panic_in_a_subscribers_callback_is_a_loss_of_that_name_only() {
    let rig = Rig::new();
    let neighbour = Neighbour::new(&rig).await;
    let _guard = rig.manager.on_event(Pattern::all(), |update| {
        if let Some((_, message)) = update.message() {
            assert!(
                message.as_text() != Some("boom"),
                "a callback that was asked to panic"
            );
        }
    });
    let mut watch = Watch::new(&rig.manager, "feed");
    let feed = rig.open("/echo");
    watch.ready().await;
    feed.send("boom").unwrap();
    assert_eq!(watch.error().await.kind(), "panic");
    watch.ready().await;
    feed.send("calm").unwrap();
    watch.text("calm").await;
    // The other subscribers received the message nevertheless.
    assert!(
        watch
            .seen()
            .iter()
            .any(|event| event.contains(r#""text":"boom""#))
    );
    neighbour.noticed_nothing().await;
}

#[tokio::test]
async fn a_callback_that_panics_at_every_event_stops_no_other_subscriber() {
    let mut rig = Rig::new();
    let guard = rig
        .manager
        .on_event(Pattern::all(), |_| panic!("a callback that always panics"));
    let feed = rig.open("/echo");
    for _ in 0..3 {
        assert_eq!(rig.watch.retrying().await.cause.kind(), "panic");
    }
    drop(guard);
    rig.watch.ready().await;
    rig.echoes(&feed, "calm").await;
}

#[tokio::test]
async fn a_dead_actor_is_respawned_with_the_next_epoch_and_its_outbox() {
    let rig = Rig::new();
    let neighbour = Neighbour::new(&rig).await;
    let mut watch = Watch::new(&rig.manager, "feed");
    let feed = rig.open("/echo");
    watch.ready().await;
    rig.peer.stop_listening().await.unwrap();
    rig.peer.kick("/echo", everwire::testing::How::Fin);
    watch.retrying().await;
    let kept = feed.send("kept over the death").unwrap();

    let second = feed.epoch() + 1;
    feed.addr().do_send(Fault::Death);
    let first = watch
        .until("the second epoch", |update| {
            let stamp = update.stamp();
            stamp.filter(|stamp| stamp.epoch == second).cloned()
        })
        .await;
    assert_eq!(first.seq, 1);
    rig.peer.resume().await.unwrap();
    watch.ready().await;
    watch.text("kept over the death").await;
    assert!(kept.now().reaches(Fate::Written));
    feed.send("the old handle sends on").unwrap();
    watch.text("the old handle sends on").await;
    let status = rig.manager.find("feed").unwrap().status().await.unwrap();
    assert_eq!(status.epoch, second);
    let _moved_on = neighbour;
}

#[tokio::test]
async fn a_placed_name_that_dies_in_its_last_epoch_stays_dead() {
    let mut rig = Rig::new();
    let last = (7 << 16) | 0xffff;
    let mut placed = Placed::default();
    placed.epoch = last - 1;
    let settings = quick(rig.peer.url("/echo"));
    let feed = rig.manager.open_placed("feed", settings, placed).unwrap();
    rig.watch.ready().await;
    feed.addr().do_send(Fault::Death);
    rig.watch.ready().await;
    assert_eq!(feed.epoch(), last);
    rig.echoes(&feed, "alive").await;

    let feed = rig.manager.find("feed").unwrap();
    feed.addr().do_send(Fault::Death);
    wait_for("a name that accepts nothing", async || {
        match feed.send("late") {
            Err(SendError::Rejected(Rejected::Closed)) => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(feed.epoch(), last);
    // Another token brings it back.
    rig.manager.abandon("feed").await.unwrap();
    let settings = quick(rig.peer.url("/echo"));
    let mut placed = Placed::default();
    placed.epoch = 8 << 16;
    let feed = rig.manager.open_placed("feed", settings, placed).unwrap();
    rig.echoes(&feed, "alive again").await;
}

#[tokio::test]
async fn an_actor_that_dies_in_a_dial_gives_its_owners_place_back_and_keeps_its_owner() {
    let rig = Rig::new();
    let acme = Owner::new("acme");
    let mut settings = Settings::default();
    settings.service.max_handshakes = NonZeroU32::new(2).unwrap();
    let manager = Manager::spawn(settings).unwrap();
    // It has one place of two.
    manager.set_owner_shares(OwnerShares::of_tokens([(acme.clone(), false)]));
    let open = |name: &str, path: &str| {
        let mut settings = quick(rig.peer.url(path));
        settings.connect_timeout = Duration::from_secs(300);
        manager.open_owned(name, settings, acme.clone()).unwrap()
    };
    let dies = open("dies", "/never");
    wait_for("its dial", async || match rig.peer.accepted() {
        0 => Err("nobody came"),
        _ => Ok(()),
    })
    .await;
    let waits = open("waits", "/echo");
    wait_for_state(&waits, State::Connecting).await;
    dies.addr().do_send(Fault::Death);
    wait_for_state(&waits, State::Open).await;
    assert_eq!(manager.owner("dies"), Some(acme));
}

#[tokio::test]
async fn the_death_of_an_actor_is_not_noticed_next_door() {
    let mut rig = Rig::new();
    let neighbour = Neighbour::new(&rig).await;
    let feed = rig.open("/echo?feed");
    let mut watch = Watch::new(&rig.manager, "feed");
    let second = feed.epoch() + 1;
    feed.addr().do_send(Fault::Death);
    watch
        .until("the second epoch", |update| {
            let stamp = update.stamp();
            stamp.filter(|stamp| stamp.epoch == second).cloned()
        })
        .await;
    rig.watch.ready().await;
    neighbour.noticed_nothing().await;
}

#[tokio::test]
async fn a_name_that_was_closed_by_hand_stays_closed_over_a_death() {
    let rig = Rig::new();
    let feed = rig.open("/echo");
    feed.close(1000, "").await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    let dials = rig.peer.connections_at("/echo").len();
    let second = feed.epoch() + 1;
    feed.addr().do_send(Fault::Death);
    let feed = wait_for("the second epoch", async || {
        let feed = rig.manager.find("feed").unwrap();
        let epoch = feed.status().await.map(|status| status.epoch);
        if epoch == Ok(second) {
            Ok(feed)
        } else {
            Err(epoch)
        }
    })
    .await;
    rig.let_pass(ms(50)).await;
    assert_eq!(rig.peer.connections_at("/echo").len(), dials);
    assert_eq!(feed.send("no").unwrap_err(), Rejected::Closed);
    assert_eq!(feed.status().await.unwrap().state, State::Closed);
}

#[tokio::test]
async fn a_name_that_was_connected_by_hand_comes_back_from_a_death_with_its_data() {
    let rig = Rig::new();
    let mut settings = everwire::ConnectionSettings::new(rig.peer.url("/echo")).unwrap();
    settings.enabled = false;
    let feed = rig.manager.open("feed", settings).unwrap();
    feed.connect(Some("opening".into())).await.unwrap();
    let heard = |log: &everwire::testing::ConnectionLog| log.texts() == ["opening"];
    rig.peer
        .wait_for("/echo", support::SOON, heard)
        .await
        .unwrap();
    feed.addr().do_send(Fault::Death);
    wait_for("the data on a second socket", async || {
        let logs = rig.peer.connections_at("/echo");
        match logs.get(1) {
            Some(log) if log.texts() == ["opening"] => Ok(()),
            _ => Err(logs.len()),
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_dies_again_and_again_is_left_dead_and_says_so() {
    let rig = Rig::new();
    let feed = rig.open("/echo");
    let first = feed.epoch();
    for epoch in first + 1..=first + 5 {
        rig.manager
            .find("feed")
            .unwrap()
            .addr()
            .do_send(Fault::Death);
        wait_for("the next epoch", async || {
            let status = rig.manager.find("feed").unwrap().status().await;
            let now = status.map(|status| status.epoch);
            if now == Ok(epoch) { Ok(()) } else { Err(now) }
        })
        .await;
    }
    rig.manager
        .find("feed")
        .unwrap()
        .addr()
        .do_send(Fault::Death);
    wait_for("a closed door", async || match feed.send("anybody?") {
        Err(SendError::Rejected(Rejected::Closed)) => Ok(()),
        other => Err(other),
    })
    .await;
    assert!(rig.manager.find("feed").unwrap().status().await.is_err());
    rig.manager.remove("feed").await.unwrap();
    assert!(rig.manager.find("feed").is_none());
}

/// The death of the actor begins another epoch, and the outbox outlives it: an id that a client
/// kept still names the same message.
#[tokio::test]
async fn over_a_respawn_an_id_keeps_its_meaning_under_the_old_epoch_and_the_new() {
    let manager = one_arbiter();
    let mut settings = quick("ws://127.0.0.1:1/");
    settings.enabled = false;
    let feed = manager.open("feed", settings).unwrap();
    let old = feed.send("one").unwrap();
    let epoch = feed.epoch();
    assert_eq!((old.id(), old.epoch()), (1, epoch));
    feed.addr().do_send(Fault::Death);
    wait_for("the next life", async || match feed.epoch() {
        now if now > epoch => Ok(()),
        now => Err(now),
    })
    .await;
    let feed = manager.find("feed").unwrap();
    assert_eq!(feed.status().await.unwrap().epoch, feed.epoch());
    let new = feed.send("two").unwrap();
    assert_eq!((new.id(), new.epoch()), (2, epoch + 1));
    for asked in [epoch, epoch + 1] {
        let receipt = feed.receipt_in(asked, 1).unwrap();
        assert_eq!((receipt.epoch(), receipt.now()), (epoch, Fate::Queued));
    }
    assert!(feed.receipt_in(epoch, 2).is_none(), "nobody was told that");
    assert!(feed.receipt_in(epoch + 2, 1).is_none());
    assert!(feed.receipt_in(epoch - 1, 1).is_none());
    assert_eq!(feed.receipt_in(epoch + 1, 2).unwrap().now(), Fate::Queued);
    assert!(feed.receipt_in(epoch + 1, 3).is_none());
}
