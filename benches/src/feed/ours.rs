//! everwire: a name for each socket, all on one arbiter, and one subscriber with a pattern.

use std::sync::{Arc, Mutex};

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context, Handler};
use everwire::{
    Batch, ConnectionSettings, Delivery, EventKind, Events, Manager, Notice, Overflow, Pattern,
    Update,
    config::SequenceSettings,
    core::JsonPointer,
    hub::{Kinds, SubscriptionGuard},
};
use futures::StreamExt;
use tokio::sync::oneshot;

use super::{Load, Meter, Mode, Outcome, Peer};
use crate::{ours::manager, peer::feed::POINTER};

/// The number of subscribers in samples with several.
const MANY: usize = 10;
/// The number of subscribers whose patterns select other names.
const STRANGERS: usize = 1000;

/// How the subscriber receives, and where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Called in the turn of the name.
    Callback,
    /// The same, with all messages of a read.
    Slice,
    /// A task that reads a stream update by update.
    Stream,
    /// The same, with all waiting updates at once.
    StreamBatches,
    /// An actor that is sent each update.
    Actor,
    /// The same, with all waiting updates at once.
    ActorBatches,
}

/// The parameters of a sample.
#[derive(Clone, Copy)]
pub struct Asked {
    reader: Reader,
    /// On the arbiter of the names; otherwise in the main thread.
    is_same: bool,
    is_sequence: bool,
    has_history: bool,
    readers: usize,
    /// The number of subscribers of other names.
    strangers: usize,
}

impl Asked {
    /// Parses `callback`, `slice`, `stream`, `stream-batches`, `actor` or `actor-batches`, with any
    /// of these suffixes: `+same` (the reader is on the arbiter of the names), `+sequence` (the
    /// names check sequence numbers), `+history` (they keep some messages), `+ten` (ten readers),
    /// `+strangers` (a thousand more subscribers with other names). `None` if it is something else.
    pub fn parse(subject: &str) -> Option<Self> {
        let (reader, more) = subject.split_once('+').unwrap_or((subject, ""));
        let mut asked = Self {
            reader: match reader {
                "callback" => Reader::Callback,
                "slice" => Reader::Slice,
                "stream" => Reader::Stream,
                "stream-batches" => Reader::StreamBatches,
                "actor" => Reader::Actor,
                "actor-batches" => Reader::ActorBatches,
                _ => return None,
            },
            is_same: false,
            is_sequence: false,
            has_history: false,
            readers: 1,
            strangers: 0,
        };
        for more in more.split('+').filter(|more| !more.is_empty()) {
            match more {
                "same" => asked.is_same = true,
                "sequence" => asked.is_sequence = true,
                "history" => asked.has_history = true,
                "ten" => asked.readers = MANY,
                "strangers" => asked.strangers = STRANGERS,
                other => panic!("no such thing: {other}"),
            }
        }
        Some(asked)
    }

    /// Whether its actors are in this thread.
    pub fn needs_system(self) -> bool {
        let is_actor = matches!(self.reader, Reader::Actor | Reader::ActorBatches);
        is_actor && !self.is_same
    }
}

/// Receives the messages of the names.
pub async fn sample(peer: &Peer<'_>, asked: Asked) -> Outcome {
    let manager = manager(1);
    let meter = peer.load.meter(asked.readers);
    let arbiter = match asked.is_same {
        true => Some(arbiter(&manager, peer).await),
        false => None,
    };
    let guards: Vec<_> = (0..asked.readers)
        .map(|_| subscribe(&manager, asked.reader, &peer.load, arbiter.as_ref(), &meter))
        .collect();
    let strangers: Vec<_> = (0..asked.strangers)
        .map(|n| Pattern::new(format!("other-{n}.*")).expect("a pattern"))
        .map(|pattern| manager.on_event(pattern, |update| panic!("of nobody's: {update:?}")))
        .collect();
    let settings = settings(peer, &peer.load.path(asked.is_sequence), Some(asked));
    for n in 0..peer.load.sockets {
        manager
            .open(format!("n{n}"), settings.clone())
            .expect("a name");
    }
    let outcome = peer.measure(&meter).await;
    assert_eq!(manager.missed_events(), 0);
    drop((guards, strangers));
    outcome
}

fn settings(peer: &Peer<'_>, path: &str, asked: Option<Asked>) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(format!("{}{path}", peer.url)).expect("a URL");
    settings.tls.ca_file = peer.ca_file.map(Into::into);
    if let Some(asked) = asked {
        if asked.is_sequence {
            let pointer = JsonPointer::new(POINTER).expect("a pointer");
            settings.sequence = Some(SequenceSettings::new(pointer));
        }
        if asked.has_history {
            (settings.history.messages, settings.history.bytes) = (100, 256 << 10);
        }
    }
    settings
}

/// The arbiter of all names, found by a callback that runs in the turn of a temporary name.
async fn arbiter(manager: &Manager, peer: &Peer<'_>) -> ArbiterHandle {
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let guard = manager.on_event(Pattern::all(), move |_| {
        if let Some(tell) = tell.lock().expect("a sender").take() {
            let _heard = tell.send(Arbiter::current());
        }
    });
    let scout = manager
        .open("scout", settings(peer, "/echo", None))
        .expect("a name");
    let arbiter = told.await.expect("an arbiter");
    drop(guard);
    manager.remove(scout.name()).await.expect("a name");
    arbiter
}

/// Nothing may be lost. In a flood, the sockets wait for the reader.
fn delivery(load: &Load) -> Delivery {
    Delivery {
        events: 65_536,
        bytes: 64 << 20,
        overflow: match load.mode {
            Mode::Flood => Overflow::Pause,
            Mode::Paced | Mode::Spread => Overflow::Drop,
        },
        ..Delivery::default()
    }
}

fn subscribe(
    manager: &Manager,
    reader: Reader,
    load: &Load,
    arbiter: Option<&ArbiterHandle>,
    meter: &Arc<Meter>,
) -> Option<SubscriptionGuard> {
    let (all, delivery, meter) = (Pattern::all(), delivery(load), Arc::clone(meter));
    match reader {
        Reader::Callback => {
            let hear = move |update: &Update| hear(update, &meter);
            return Some(manager.on_event(all, hear));
        }
        Reader::Slice => {
            let hear_all = move |updates: &[Update]| {
                updates.iter().for_each(|update| hear(update, &meter));
            };
            return Some(manager.on_batch(all, Kinds::default(), hear_all));
        }
        Reader::Stream => spawn(arbiter, read(manager.subscribe(all, delivery), meter)),
        Reader::StreamBatches => {
            spawn(
                arbiter,
                read_batches(manager.subscribe(all, delivery), meter),
            );
        }
        Reader::Actor => {
            manager.subscribe_actor::<Update>(all, listener(arbiter, meter), delivery);
        }
        Reader::ActorBatches => {
            manager.subscribe_actor::<Batch>(all, listener(arbiter, meter), delivery);
        }
    }
    None
}

fn spawn(arbiter: Option<&ArbiterHandle>, reading: impl Future<Output = ()> + Send + 'static) {
    match arbiter {
        Some(arbiter) => assert!(arbiter.spawn(reading), "the arbiter has ended"),
        None => drop(tokio::spawn(reading)),
    }
}

fn listener(arbiter: Option<&ArbiterHandle>, meter: Arc<Meter>) -> Addr<Listener> {
    match arbiter {
        Some(arbiter) => Listener::start_in_arbiter(arbiter, |_| Listener(meter)),
        None => Listener(meter).start(),
    }
}

async fn read(mut events: Events, meter: Arc<Meter>) {
    while let Some(update) = events.next().await {
        hear(&update, &meter);
    }
}

async fn read_batches(mut events: Events, meter: Arc<Meter>) {
    while let Some(batch) = events.next_batch().await {
        batch.into_iter().for_each(|update| hear(&update, &meter));
    }
}

struct Listener(Arc<Meter>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Update> for Listener {
    type Result = ();

    fn handle(&mut self, update: Update, _ctx: &mut Context<Self>) {
        hear(&update, &self.0);
    }
}

impl Handler<Batch> for Listener {
    type Result = ();

    fn handle(&mut self, batch: Batch, _ctx: &mut Context<Self>) {
        batch.into_iter().for_each(|update| hear(&update, &self.0));
    }
}

fn hear(update: &Update, meter: &Meter) {
    match (update.message(), update.kind(), update) {
        (Some((_, message)), ..) => meter.hear(message.payload()),
        (_, Some(EventKind::Error(_) | EventKind::Gap(_)), _)
        | (_, _, Update::Notice(Notice::Lagged(_))) => panic!("{update:?}"),
        _ => {}
    }
}
