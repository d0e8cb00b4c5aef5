//! Feeds: updates in batches, and to actors.

mod support;

use std::{
    sync::{Arc, mpsc},
    thread,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Supervised, Supervisor, System};
use everwire::{
    Batch, Delivery, Handle, Notice, Overflow, Pattern, Update, events::Lagged, hub::Kinds,
    testing::Script,
};
use parking_lot::Mutex;
use support::{SOON, rig::*};

/// What an actor does with its messages.
#[derive(Clone, Copy, PartialEq)]
enum Conduct {
    Reads,
    /// Keeps all batches until it is told to release them.
    Holds,
    /// Restarts at each message, under its supervisor.
    Restarts,
}

/// Notes the received messages, and the number of lags.
struct Listener {
    heard: mpsc::Sender<Heard>,
    conduct: Conduct,
    held: Vec<Batch>,
    /// Updates that came before any other task of its arbiter ran.
    in_a_row: Arc<Mutex<(usize, usize)>>,
}

#[derive(Debug, PartialEq)]
enum Heard {
    /// A number of messages at once.
    Messages(usize),
    Lagged(Option<u64>),
    Restarting,
}

struct LetGo;

impl actix::Message for LetGo {
    type Result = ();
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let in_a_row = Arc::clone(&self.in_a_row);
        // It runs when the arbiter polls its other tasks.
        ctx.spawn(actix::fut::wrap_future(async move {
            loop {
                in_a_row.lock().0 = 0;
                tokio::task::yield_now().await;
            }
        }));
    }
}

impl Supervised for Listener {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.heard.send(Heard::Restarting).unwrap();
    }
}

impl Listener {
    fn hear(&self, update: &Update) -> usize {
        if let Update::Notice(Notice::Lagged(Lagged { missed, .. })) = update {
            self.heard.send(Heard::Lagged(*missed)).unwrap();
        }
        usize::from(update.message().is_some())
    }
}

impl Handler<Batch> for Listener {
    type Result = ();

    fn handle(&mut self, batch: Batch, ctx: &mut Context<Self>) {
        assert!(!batch.is_empty());
        let messages = batch.iter().map(|update| self.hear(&update)).sum();
        self.heard.send(Heard::Messages(messages)).unwrap();
        match self.conduct {
            Conduct::Reads => {}
            Conduct::Holds => self.held.push(batch),
            Conduct::Restarts => actix::ActorContext::stop(ctx),
        }
    }
}

impl Handler<Update> for Listener {
    type Result = ();

    fn handle(&mut self, update: Update, ctx: &mut Context<Self>) {
        {
            let mut in_a_row = self.in_a_row.lock();
            in_a_row.0 += 1;
            in_a_row.1 = in_a_row.1.max(in_a_row.0);
        }
        let messages = self.hear(&update);
        self.heard.send(Heard::Messages(messages)).unwrap();
        if self.conduct == Conduct::Restarts {
            actix::ActorContext::stop(ctx);
        }
    }
}

impl Handler<LetGo> for Listener {
    type Result = ();

    fn handle(&mut self, _: LetGo, _: &mut Context<Self>) {
        self.held.clear();
    }
}

/// An actor in a system of its own.
struct Outside {
    addr: Addr<Listener>,
    heard: mpsc::Receiver<Heard>,
    in_a_row: Arc<Mutex<(usize, usize)>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Outside {
    fn start(conduct: Conduct) -> Self {
        let (sender, heard) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let in_a_row = Arc::default();
        let listener = Listener {
            heard: sender,
            conduct,
            held: Vec::new(),
            in_a_row: Arc::clone(&in_a_row),
        };
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
                let addr = match conduct {
                    Conduct::Restarts => Supervisor::start(|_| listener),
                    Conduct::Reads | Conduct::Holds => listener.start(),
                };
                tell.send((addr, stop)).unwrap();
                let _stopped = stopped.await;
            });
        });
        let (addr, stop) = told.recv_timeout(SOON).unwrap();
        Self {
            addr,
            heard,
            in_a_row,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Waits until it has received this many messages. Returns how many were missed meanwhile.
    fn hears(&self, messages: usize) -> u64 {
        let (mut heard, mut missed) = (0, 0);
        while heard + missed < messages {
            match self.heard.recv_timeout(SOON).unwrap() {
                Heard::Messages(messages) => heard += messages,
                Heard::Lagged(more) => missed += more.unwrap() as usize,
                Heard::Restarting => {}
            }
        }
        assert_eq!(heard + missed, messages);
        missed as u64
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking());
        }
    }
}

/// Only messages: the small bound is not for other events.
fn messages(events: usize) -> Delivery {
    let kinds = Kinds::parse("message").unwrap();
    Delivery::default().events(events).kinds(kinds)
}

/// A name whose messages come as fast as they are taken.
fn flood(rig: &Rig, count: u64) -> Handle {
    let script = Script::echo().message_flood("x", count);
    rig.peer.script("/flood", script);
    rig.open("/flood")
}

fn subscribe(rig: &Rig, outside: &Outside, by_the_batch: bool, delivery: Delivery) {
    let (all, addr) = (Pattern::all(), outside.addr.clone());
    match by_the_batch {
        true => rig.manager.subscribe_actor::<Batch>(all, addr, delivery),
        false => rig.manager.subscribe_actor::<Update>(all, addr, delivery),
    }
}

#[tokio::test]
async fn an_actor_that_has_names_wait_hears_every_message_once() {
    for by_the_batch in [true, false] {
        let rig = Rig::new();
        let outside = Outside::start(Conduct::Reads);
        let delivery = messages(300).overflow(Overflow::Pause);
        subscribe(&rig, &outside, by_the_batch, delivery);
        let _feed = flood(&rig, 20_000);
        assert_eq!(outside.hears(20_000), 0);
        assert!(outside.heard.try_recv().is_err());
    }
}

#[tokio::test]
async fn single_updates_come_a_hundred_at_a_time_and_others_have_their_turn_between() {
    let rig = Rig::new();
    let outside = Outside::start(Conduct::Reads);
    let delivery = messages(50_000).overflow(Overflow::Pause);
    subscribe(&rig, &outside, false, delivery);
    let _feed = flood(&rig, 20_000);
    outside.hears(20_000);
    let (_, most) = *outside.in_a_row.lock();
    // actix's own limit, if enabled, is 256.
    assert!(most <= 255, "{most} in a row");
}

#[tokio::test]
async fn a_batch_that_an_actor_holds_keeps_others_from_its_mailbox_until_it_lets_go() {
    let mut rig = Rig::new();
    let outside = Outside::start(Conduct::Holds);
    subscribe(&rig, &outside, true, messages(1000));
    let feed = rig.open("/echo");
    rig.echoes(&feed, "first").await;
    assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Messages(1)));
    for text in ["second", "third", "fourth"] {
        rig.echoes(&feed, text).await;
    }
    // All earlier events are handled when this is answered.
    outside.addr.send(LetGo).await.unwrap();
    assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Messages(3)));
    assert!(outside.heard.try_recv().is_err());
}

#[tokio::test]
async fn an_actor_that_holds_what_may_wait_misses_what_follows_and_is_told_how_much() {
    let mut rig = Rig::new();
    let outside = Outside::start(Conduct::Holds);
    subscribe(&rig, &outside, true, messages(1));
    let feed = rig.open("/echo");
    rig.echoes(&feed, "first").await;
    assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Messages(1)));
    for text in ["second", "third", "fourth"] {
        rig.echoes(&feed, text).await;
    }
    outside.addr.send(LetGo).await.unwrap();
    assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Lagged(Some(2))));
    assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Messages(1)));
}

#[tokio::test]
async fn an_actor_whose_supervisor_restarts_it_stays_subscribed() {
    for by_the_batch in [true, false] {
        let mut rig = Rig::new();
        let outside = Outside::start(Conduct::Restarts);
        let delivery = messages(100).overflow(Overflow::Pause);
        subscribe(&rig, &outside, by_the_batch, delivery);
        let feed = rig.open("/echo");
        for text in ["one", "two", "three"] {
            rig.echoes(&feed, text).await;
            assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Messages(1)));
            assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Restarting));
        }
    }
}

#[tokio::test]
async fn an_actor_that_has_stopped_keeps_no_name_waiting() {
    for by_the_batch in [true, false] {
        let mut rig = Rig::new();
        let outside = Outside::start(Conduct::Reads);
        let delivery = messages(10).overflow(Overflow::Pause);
        subscribe(&rig, &outside, by_the_batch, delivery);
        let feed = rig.open("/echo");
        rig.echoes(&feed, "hello").await;
        assert_eq!(outside.heard.recv_timeout(SOON), Ok(Heard::Messages(1)));
        drop(outside);
        for n in 0..40 {
            rig.echoes(&feed, &n.to_string()).await;
        }
        assert_eq!(feed.status().await.unwrap().subscribers, 1);
    }
}

#[tokio::test]
async fn many_names_have_their_turns_in_a_batch_and_each_keeps_its_order() {
    let rig = Rig::new();
    let delivery = messages(100_000).overflow(Overflow::Pause);
    let mut events = rig.manager.subscribe(Pattern::all(), delivery);
    rig.peer
        .script("/flood", Script::echo().message_flood("x", 500));
    for n in 0..20 {
        let settings = quick(rig.peer.url("/flood"));
        rig.manager.open(format!("n{n}"), settings).unwrap();
    }
    let mut last = std::collections::HashMap::new();
    let (mut heard, mut batches) = (0, 0);
    while heard < 20 * 500 {
        let batch = tokio::time::timeout(SOON, events.next_batch())
            .await
            .unwrap();
        batches += 1;
        for update in batch.unwrap() {
            let (stamp, _) = update.message().expect("a message");
            let before = last.insert(stamp.name.clone(), stamp.seq);
            assert!(
                before.is_none_or(|before| before + 1 == stamp.seq),
                "{stamp:?}"
            );
            heard += 1;
        }
    }
    assert!(batches < heard / 2, "{batches} batches");
}

#[tokio::test]
async fn a_callback_takes_what_a_read_brought_as_a_slice() {
    let rig = Rig::new();
    let slices = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&slices);
    let kinds = Kinds::parse("message").unwrap();
    let _guard = rig.manager.on_batch(Pattern::all(), kinds, move |updates| {
        let first = updates[0].stamp().unwrap().seq;
        assert!(
            (first..)
                .zip(updates)
                .all(|(seq, update)| update.stamp().unwrap().seq == seq)
        );
        seen.lock().push(updates.len());
    });
    let _feed = flood(&rig, 5000);
    wait_for("all messages", async || {
        let heard: usize = slices.lock().iter().sum();
        if heard == 5000 { Ok(()) } else { Err(heard) }
    })
    .await;
    let slices = slices.lock();
    assert!(slices.len() < 2500, "{} slices", slices.len());
}
