//! Named connections on one arbiter: a handle sends, and a subscriber with a pattern answers each
//! message with the next.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use everwire::{
    ConnectionName, ConnectionSettings, Delivery, Fate, Handle, Manager, Message, Overflow,
    Pattern, Receipt, config::Heartbeat,
};
use futures::StreamExt;
use tokio::sync::mpsc;

use crate::{
    load::{Load, SOCKETS},
    ours::{dialogues::Dialogues, manager},
    process::cpu,
};

/// The behaviour of the names.
#[derive(Clone)]
pub struct Conduct {
    pub asked: Asked,
    /// Whether they keep their last [`HISTORY`] messages, like the names of the program.
    pub has_history: bool,
    pub dialogues: Dialogues,
    /// The message that they send.
    pub message: Message,
}

impl Conduct {
    /// Bytes without a meaning.
    pub fn plain(asked: Asked, size: usize) -> Self {
        Self {
            asked,
            has_history: true,
            dialogues: Dialogues::default(),
            message: Message::binary(vec![7; size]),
        }
    }
}

/// The number of messages in the history of a name.
const HISTORY: usize = 100;

/// Who waits for the fates of messages.
#[derive(Clone, Copy, PartialEq)]
pub enum Asked {
    /// Nobody, and fates are not available: no heartbeat confirms messages.
    Unknowable,
    /// Nobody.
    Never,
    /// The sender of each message waits until it is confirmed.
    Always,
}

/// One name, and how many messages it still has to send and receive.
struct Client {
    handle: Handle,
    left_to_send: AtomicI64,
    left_to_hear: AtomicI64,
    receipts: Option<mpsc::UnboundedSender<Receipt>>,
}

impl Client {
    /// Answers a message. Returns whether it was the last one.
    fn heard(&self, answer: &Message) -> bool {
        if self.left_to_send.fetch_sub(1, Ordering::Relaxed) > 0 {
            let receipt = self.handle.send(answer.clone()).expect("room");
            if let Some(receipts) = &self.receipts {
                receipts.send(receipt).expect("somebody who waits");
            }
        }
        self.left_to_hear.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// They are named by their index: `n0`, `n1`, …
type Clients = Vec<Client>;

fn place(name: &ConnectionName) -> usize {
    name.as_str()[1..].parse().expect("a number")
}

/// The subscriber is a callback that runs in the turn of the receiving name.
pub async fn callback(url: &str, load: Load, conduct: Conduct) -> Duration {
    let manager = manager(1);
    let (receipts, mut waiting) = mpsc::unbounded_channel::<Receipt>();
    let receipts = (conduct.asked == Asked::Always).then_some(receipts);
    tokio::spawn(async move {
        while let Some(receipt) = waiting.recv().await {
            assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
        }
    });
    let clients: Arc<OnceLock<Clients>> = Arc::default();
    let (done, mut is_done) = mpsc::unbounded_channel();
    let message = conduct.message.clone();
    let (known, answer) = (Arc::clone(&clients), message.clone());
    let _subscription = manager.on_event(Pattern::all(), move |update| {
        // Messages that a name sends by itself are echoed, too.
        if let Some((stamp, message)) = update.message()
            && message.len() == answer.len()
            && known.get().expect("clients")[place(&stamp.name)].heard(&answer)
        {
            done.send(()).expect("a listener");
        }
    });
    let clients = clients.get_or_init(|| open(&manager, url, load, &conduct, receipts.as_ref()));
    all_ready(clients).await;
    let before = cpu();
    begin(clients, &message, load);
    for _ in 0..SOCKETS {
        is_done.recv().await.expect("the last message");
    }
    cpu() - before
}

/// The subscriber is a stream in another thread than the arbiter.
pub async fn stream(url: &str, load: Load) -> Duration {
    let manager = manager(1);
    let delivery = Delivery::default().overflow(Overflow::Pause).events(8192);
    let mut events = manager.subscribe(Pattern::all(), delivery);
    let conduct = Conduct::plain(Asked::Never, load.size);
    let message = conduct.message.clone();
    let clients = open(&manager, url, load, &conduct, None);
    all_ready(&clients).await;
    let before = cpu();
    begin(&clients, &message, load);
    let mut busy = SOCKETS;
    while busy > 0 {
        let update = events.next().await.expect("events");
        if let Some((stamp, _)) = update.message()
            && clients[place(&stamp.name)].heard(&message)
        {
            busy -= 1;
        }
    }
    cpu() - before
}

fn open(
    manager: &Manager,
    url: &str,
    load: Load,
    conduct: &Conduct,
    receipts: Option<&mpsc::UnboundedSender<Receipt>>,
) -> Clients {
    let client = |n| {
        let mut settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
        if conduct.asked == Asked::Unknowable {
            settings.heartbeat = Heartbeat::Off;
        }
        if conduct.has_history {
            settings.history.messages = HISTORY;
            // Enough for this number of 4 KiB messages.
            settings.history.bytes = 1 << 20;
        }
        conduct.dialogues.put_into(&mut settings);
        let handle = manager.open(format!("n{n}"), settings).expect("a name");
        Client {
            left_to_send: AtomicI64::new((load.each() - load.in_flight) as i64),
            left_to_hear: AtomicI64::new(load.each() as i64),
            receipts: receipts.cloned(),
            handle,
        }
    };
    (0..SOCKETS).map(client).collect()
}

async fn all_ready(clients: &Clients) {
    for client in clients {
        while !client.handle.status().await.expect("a name").ready {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn begin(clients: &Clients, message: &Message, load: Load) {
    for client in clients {
        for _ in 0..load.in_flight {
            client.handle.send(message.clone()).expect("room");
        }
    }
}
