//! Outgoing messages: bounded, in order, with one fate each, whatever happens to the socket.

mod support;

use everwire::{
    EventKind, Fate, Handle, Message, Receipt, Rejected, Send, SendError,
    config::{Heartbeat, WhenFull},
    core::TooLarge,
    events::{DropReason, Dropped},
    testing::{How, Script},
};
use support::{SOON, rig::*};

/// A name that cannot be up yet, because nobody listens.
async fn down(rig: &mut Rig, change: impl FnOnce(&mut everwire::ConnectionSettings)) -> Handle {
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open_with("/echo", |settings| {
        with_backoff(settings, always(ms(20)));
        change(settings);
    });
    rig.watch.retrying().await;
    feed
}

async fn dropped(watch: &mut Watch) -> Dropped {
    watch
        .until("dropped", |update| match update.kind() {
            Some(EventKind::Dropped(dropped)) => Some(*dropped),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_full_outbox_rejects_and_loses_nothing() {
    let mut rig = Rig::new();
    let feed = down(&mut rig, |settings| settings.outbox.messages = 3).await;
    let kept: Vec<_> = ["a", "b", "c"].map(|text| feed.send(text).unwrap()).into();
    assert_eq!(feed.send("d").unwrap_err(), Rejected::Full);
    assert_eq!(
        feed.addr()
            .send(Send::text("d"))
            .await
            .unwrap()
            .unwrap_err(),
        Rejected::Full
    );
    assert_eq!(kept.iter().map(Receipt::id).collect::<Vec<_>>(), [1, 2, 3]);
    rig.peer.resume().await.unwrap();
    for text in ["a", "b", "c"] {
        assert_eq!(rig.watch.message().await, Message::text(text));
    }
    rig.echoes(&feed, "room again").await;
}

#[tokio::test]
async fn the_bytes_of_an_outbox_are_bounded_too() {
    let mut rig = Rig::new();
    let feed = down(&mut rig, |settings| settings.outbox.bytes = 10).await;
    feed.send("123456").unwrap();
    assert_eq!(feed.send("12345").unwrap_err(), Rejected::Full);
    feed.send("1234").unwrap();
    let status = feed.status().await.unwrap().outbox;
    assert_eq!((status.messages, status.bytes), (2, 10));
}

#[tokio::test]
async fn a_message_that_can_never_go_out_is_refused_at_once() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| settings.max_message = 100);
    rig.watch.ready().await;
    let too_large = TooLarge {
        len: 101,
        limit: 100,
    };
    let error = feed.send("x".repeat(101)).unwrap_err();
    assert_eq!(error, Rejected::TooLarge(too_large));
    assert_eq!(
        error.to_string(),
        "the message has 101 bytes, at most 100 are allowed"
    );
    let error = feed.connect(Some(vec![0; 101].into())).await.unwrap_err();
    assert_eq!(error, Rejected::TooLarge(too_large));
    rig.echoes(&feed, &"x".repeat(100)).await;
    assert_eq!(rig.peer.accepted(), 1);
}

#[tokio::test]
async fn drop_oldest_evicts_and_tells() {
    let mut rig = Rig::new();
    let feed = down(&mut rig, |settings| {
        settings.outbox.messages = 2;
        settings.outbox.when_full = WhenFull::DropOldest;
    })
    .await;
    let first = feed.send("a").unwrap();
    let waiting = tokio::spawn({
        let first = first.clone();
        async move { first.fate(Fate::Written).await }
    });
    for text in ["b", "c", "d"] {
        feed.send(text).unwrap();
    }
    assert_eq!(waiting.await.unwrap(), Fate::Evicted);
    assert_eq!(first.now(), Fate::Evicted);
    let mut evicted = 0;
    while evicted < 2 {
        let dropped = dropped(&mut rig.watch).await;
        assert_eq!(dropped.reason, DropReason::Evicted);
        evicted += dropped.count;
    }
    assert_eq!(evicted, 2);
    assert_eq!(feed.status().await.unwrap().outbox.dropped, 2);
    rig.peer.resume().await.unwrap();
    for text in ["c", "d"] {
        assert_eq!(rig.watch.message().await, Message::text(text));
    }
}

#[tokio::test]
async fn what_waits_too_long_expires_and_tells_though_the_name_is_down() {
    let mut rig = Rig::new();
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open_with("/echo", |settings| {
        settings.outbox.ttl = Some(ms(50));
        with_backoff(settings, always(SOON * 100));
    });
    rig.watch.retrying().await;
    let receipt = feed.send("stale").unwrap();
    assert_eq!(receipt.now(), Fate::Queued);
    assert_eq!(receipt.fate(Fate::Written).await, Fate::Expired);
    let told = dropped(&mut rig.watch).await;
    assert_eq!(
        told,
        Dropped {
            count: 1,
            reason: DropReason::Expired
        }
    );
    rig.peer.resume().await.unwrap();
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    rig.echoes(&feed, "fresh").await;
    assert_eq!(rig.peer.connections().last().unwrap().texts(), ["fresh"]);
}

#[tokio::test]
async fn a_receipt_outlives_the_restarts_between_its_message_and_the_wire() {
    let mut rig = Rig::new();
    let feed = down(&mut rig, |settings| {
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(20),
            timeout: ms(10_000),
        };
    })
    .await;
    let receipt = feed
        .addr()
        .send(Send::text("patience"))
        .await
        .unwrap()
        .unwrap();
    for _ in 0..3 {
        rig.watch.retrying().await;
    }
    assert_eq!(receipt.now(), Fate::Queued);
    rig.peer.resume().await.unwrap();
    assert!(receipt.fate(Fate::Written).await.reaches(Fate::Written));
    assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
    assert!(feed.status().await.unwrap().incarnation > 3);
}

#[tokio::test]
async fn what_was_written_and_never_confirmed_is_in_doubt_after_a_loss() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let receipt = feed.send("perhaps").unwrap();
    assert_eq!(receipt.fate(Fate::Written).await, Fate::Written);
    rig.peer.kick_all(How::Reset);
    assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::InDoubt);
    assert_eq!(feed.status().await.unwrap().outbox.in_doubt, 1);
    rig.watch.ready().await;
    rig.echoes(&feed, "and on").await;
    // "resend" is off: a message in doubt is not sent twice.
    assert_eq!(rig.peer.connections().last().unwrap().texts(), ["and on"]);
}

#[tokio::test]
async fn what_a_silent_peer_never_took_is_not_in_doubt_but_goes_to_the_next_socket() {
    let mut rig = Rig::new();
    rig.peer
        .script_each("/once", [Script::sink().end(How::Freeze), Script::sink()]);
    let feed = rig.open_with("/once", |settings| settings.outbox.bytes = 64 << 20);
    rig.watch.ready().await;
    let receipts: Vec<_> = (0..4)
        .map(|_| feed.send(vec![7; 12 << 20]).unwrap())
        .collect();
    rig.peer.kick_all(How::Reset);
    rig.watch.ready().await;
    let last = receipts.last().unwrap().fate(Fate::Written).await;
    assert_eq!(last, Fate::Written);
    let (doubted, written): (Vec<Fate>, Vec<Fate>) = receipts
        .iter()
        .map(Receipt::now)
        .partition(|fate| *fate == Fate::InDoubt);
    assert!(
        written.iter().all(|fate| *fate == Fate::Written),
        "{written:?}"
    );
    let whole = (written.len() as u64) * (12 << 20);
    rig.peer
        .wait_until("all that is not in doubt", SOON, |peer| {
            peer.connections()
                .last()
                .is_some_and(|log| log.byte_count == whole)
        })
        .await
        .unwrap();
    assert!(doubted.len() < 4);
}

#[tokio::test]
async fn a_close_by_hand_cancels_what_waits_behind_a_dead_server() {
    let mut rig = Rig::new();
    let feed = down(&mut rig, |_| {}).await;
    let receipt = feed.send("never").unwrap();
    feed.close(1000, "").await.unwrap();
    assert_eq!(receipt.fate(Fate::Written).await, Fate::Cancelled);
    let told = dropped(&mut rig.watch).await;
    assert_eq!(
        told,
        Dropped {
            count: 1,
            reason: DropReason::Cancelled
        }
    );
    assert_eq!(feed.send("closed").unwrap_err(), Rejected::Closed);
}

#[tokio::test]
async fn messages_keep_their_order_over_reconnects() {
    const ROUND: u32 = 600;
    const COUNT: u32 = 4 * ROUND;
    let mut rig = Rig::new();
    let feed = rig.open_with("/sink", |settings| {
        settings.outbox.messages = COUNT as usize
    });
    rig.watch.ready().await;
    let mut receipts = Vec::new();
    for number in 0..COUNT {
        receipts.push(feed.send(number.to_string()).unwrap());
        let round = number / ROUND;
        if round < 3 && number % ROUND == ROUND / 2 {
            // In the middle of the stream: some are written, some wait, some arrive while the
            // socket is down.
            receipts.last().unwrap().fate(Fate::Written).await;
            rig.peer.kick_all(How::Reset);
        }
        if round < 3 && number % ROUND == ROUND - 1 {
            let next = u64::from(round) + 2;
            rig.peer
                .wait_until("the next socket", SOON, |peer| peer.accepted() == next)
                .await
                .unwrap();
        }
    }
    let last = receipts.last().unwrap().fate(Fate::Written).await;
    assert_eq!(last, Fate::Written);
    feed.close(1000, "").await.unwrap();
    rig.peer
        .wait_until("the end of all sockets", SOON, |peer| {
            peer.connections().iter().all(|log| log.end.is_some())
        })
        .await
        .unwrap();
    let logs = rig.peer.connections();
    assert_eq!(logs.len(), 4);
    let arrived: Vec<u32> = logs
        .iter()
        .flat_map(|log| {
            log.texts()
                .into_iter()
                .map(|text| text.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect();
    assert!(arrived.is_sorted_by(|a, b| a < b), "out of order or twice");
    let lost: Vec<u32> = (0..COUNT)
        .filter(|number| arrived.binary_search(number).is_err())
        .collect();
    for number in &lost {
        assert_eq!(
            receipts[*number as usize].now(),
            Fate::InDoubt,
            "{number} is lost"
        );
    }
}

#[tokio::test]
async fn sends_from_many_threads_are_admitted_in_call_order_of_each() {
    let mut rig = Rig::new();
    let feed = rig.open("/sink");
    rig.watch.ready().await;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let feed = feed.clone();
            scope.spawn(move || {
                (0..200).for_each(|n| drop(feed.send(format!("{thread}:{n}")).unwrap()))
            });
        }
    });
    let log = rig
        .peer
        .wait_for("/sink", SOON, |log| log.message_count == 800)
        .await
        .unwrap();
    for thread in 0..4 {
        let prefix = format!("{thread}:");
        let texts = log.texts();
        let of_thread = texts.iter().filter_map(|text| text.strip_prefix(&prefix));
        let expected: Vec<_> = (0..200).map(|n| n.to_string()).collect();
        assert_eq!(of_thread.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_slow_reader_gets_everything_and_the_outbox_bounds_what_waits() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/slow?rate=400000", |settings| {
        settings.outbox.bytes = 1 << 20;
    });
    rig.watch.ready().await;
    let mut sent = 0u64;
    loop {
        match feed.send(vec![7; 100_000]) {
            Ok(_) => sent += 1,
            Err(SendError::Rejected(Rejected::Full)) => break,
            Err(other) => panic!("{other}"),
        }
        if sent.is_multiple_of(8) {
            tokio::task::yield_now().await;
        }
        assert!(sent < 10_000, "the outbox never filled");
    }
    assert!(feed.status().await.unwrap().outbox.bytes <= 1 << 20);
    assert!(sent >= 10);
}

#[tokio::test]
async fn an_earlier_message_is_found_by_its_id() {
    let mut rig = Rig::new();
    let feed = down(&mut rig, |_| {}).await;
    let id = feed.send("kept").unwrap().id();
    assert_eq!(feed.fate(id), Some(Fate::Queued));
    assert!(feed.fate(0).is_none() && feed.fate(id + 1).is_none());
    rig.peer.resume().await.unwrap();
    let receipt = feed.receipt(id).unwrap();
    assert_eq!(receipt.id(), id);
    assert!(receipt.fate(Fate::Written).await.reaches(Fate::Written));
}
