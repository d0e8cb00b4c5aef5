//! Subscribing to the events of names.

use std::sync::Arc;

use super::registry::Manager;
#[cfg(doc)]
use crate::Batch;
use crate::{
    connection::{ProcessContext, SharedOutbox},
    core::{Cursor, Pattern},
    events::Update,
    hub::{Delivered, Delivery, Events, HasHistory, Kinds, Subscriber, SubscriptionGuard, mailbox},
};

impl Manager {
    /// A stream of the events of all names that the pattern selects, including names that are
    /// opened later. Read events one by one, or in [batches](Events::next_batch).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// use everwire::{Delivery, EventKind, Pattern};
    /// use futures::StreamExt;
    ///
    /// let mut events = manager.subscribe(Pattern::all(), Delivery::default());
    /// manager.open("feed", settings)?;
    /// while let Some(update) = events.next().await {
    ///     if let Some(EventKind::Ready) = update.kind() {
    ///         println!("{:?} is up", update.name());
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, pattern: Pattern, delivery: Delivery) -> Events {
        self.0.process.hub.stream(pattern, delivery)
    }

    /// Like [`subscribe`](Self::subscribe), but resumes from the place where a reader has stopped.
    /// First come the events after `since` that are still known
    /// ([`history`](crate::ConnectionSettings::history) keeps messages if it is asked to), then new
    /// events, without a gap in between. If events are missing, the stream begins with
    /// [`Notice::Lagged`](crate::Notice::Lagged). This includes events that were trimmed before the
    /// stream was read. With `None` the stream begins now.
    ///
    /// Across a restart, a reader of messages misses nothing if the history is durable and the
    /// earlier process has [shut down](Self::shutdown). Other events are not kept, and the last
    /// events of a killed process are not known.
    ///
    /// Each event's `cursor` is a place to resume from: all events up to it were delivered.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # use everwire::{Delivery, Pattern, hub::Kinds};
    /// # use futures::StreamExt;
    /// settings.history.messages = 100; // it keeps none unless it is asked to
    /// let feed = manager.open("feed", settings)?;
    /// let delivery = Delivery::default().kinds(Kinds::parse("message")?);
    /// let mut events = manager.resume(Pattern::all(), delivery.clone(), None);
    /// let mut cursor = events.start(); // keep it: it has a text form
    /// feed.send("hello")?; // the peer sends it back
    /// while let Some(update) = events.next().await {
    ///     if let Some((stamp, _)) = update.message() {
    ///         cursor = stamp.cursor;
    ///         break;
    ///     }
    /// }
    /// // Later, from behind that message.
    /// let events = manager.resume(Pattern::all(), delivery, Some(cursor));
    /// # assert_eq!(events.start(), cursor);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&self, pattern: Pattern, delivery: Delivery, since: Option<Cursor>) -> Events {
        let ProcessContext {
            hub, persistence, ..
        } = &*self.0.process;
        let selected = pattern.clone();
        hub.resume(pattern, delivery, since, || {
            // Before the names are listed: a name that is opened in between is then in both, rather
            // than in neither.
            let lost = persistence.last_unopened(&selected);
            let names = self.0.names.read();
            let gates = names.entries.iter().filter_map(|(name, entry)| {
                let outbox: Arc<dyn HasHistory> = Arc::<SharedOutbox>::clone(&entry.outbox);
                selected.matches(name).then_some(outbox)
            });
            (gates.collect(), lost)
        })
    }

    /// Delivers the events of all names that the pattern selects to an actor, until it stops. The
    /// actor is given by its `Addr`, or as a `Recipient`. It handles [`Batch`], or [`Update`] for
    /// single updates.
    ///
    /// `delivery` bounds the events that wait for the actor, as for a stream. At most one batch is
    /// in its mailbox, on top of the mailbox's own capacity. Later events wait and form the next
    /// batch. A batch counts against the bound until the actor has dropped it.
    ///
    /// A batch costs one envelope and one wake-up, whatever its size: use batches for thousands of
    /// messages. Single updates cost an envelope each (two allocations, some hundred nanoseconds),
    /// and one wake-up per batch. They go into the mailbox 128 at a time, from the actor's own
    /// thread.
    ///
    /// ```
    /// # use actix::{Actor, Context, Handler};
    /// # use everwire::{Batch, Delivery, Manager, Pattern, Settings};
    /// struct Printer;
    ///
    /// impl Handler<Batch> for Printer {
    ///     type Result = ();
    ///     fn handle(&mut self, batch: Batch, _ctx: &mut Context<Self>) {
    ///         for update in batch {
    ///             println!("{:?}: {}", update.name(), update.type_name());
    ///         }
    ///     }
    /// }
    /// # impl Actor for Printer {
    /// #     type Context = Context<Self>;
    /// # }
    /// # #[actix::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = Manager::start(Settings::default())?;
    ///
    /// manager.subscribe_actor(Pattern::all(), Printer.start(), Delivery::default());
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_actor<M: Delivered>(
        &self,
        pattern: Pattern,
        subscriber: impl Subscriber<M>,
        delivery: Delivery,
    ) {
        self.0
            .process
            .hub
            .actor(pattern, mailbox(subscriber), delivery);
    }

    /// Calls back with each update of the names that the pattern selects, on that name's arbiter
    /// and in its turn, as soon as a read of its socket is decoded.
    ///
    /// The callback must not block. A panic in it costs the name its socket.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// use everwire::Pattern;
    ///
    /// let (sender, mut kinds) = tokio::sync::mpsc::unbounded_channel();
    /// let guard = manager.on_event(Pattern::all(), move |update| {
    ///     let _nobody_listens = sender.send(update.type_name());
    /// });
    /// manager.open("feed", settings)?;
    /// while let Some(kind) = kinds.recv().await {
    ///     if kind == "connecting" {
    ///         break;
    ///     }
    /// }
    /// drop(guard); // no more calls
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_event(
        &self,
        pattern: Pattern,
        callback: impl Fn(&Update) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.on_event_of(pattern, Kinds::default(), callback)
    }

    /// Like [`on_event`](Self::on_event) for some kinds of events. Other kinds then cost nothing.
    /// Notices are always delivered.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{Pattern, hub::Kinds};
    ///
    /// let kinds = Kinds::parse("failed,closed")?;
    /// let guard = manager.on_event_of(Pattern::all(), kinds, |update| {
    ///     eprintln!("{:?}: {}", update.name(), update.type_name());
    /// });
    /// guard.forever();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_event_of(
        &self,
        pattern: Pattern,
        kinds: Kinds,
        callback: impl Fn(&Update) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.0.process.hub.callback(pattern, kinds, callback)
    }

    /// Calls back with all messages of one read of a name's socket, in order. Other events come as
    /// slices of one.
    ///
    /// Otherwise like [`on_event`](Self::on_event). If the callback panics, it loses the rest of
    /// the slice.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{Pattern, hub::Kinds};
    ///
    /// let kinds = Kinds::parse("message")?;
    /// let guard = manager.on_batch(Pattern::all(), kinds, |updates| {
    ///     let bytes: usize = updates.iter().filter_map(|update| update.message()).map(|(_, message)| message.len()).sum();
    ///     println!("{} messages, {bytes} bytes", updates.len());
    /// });
    /// guard.forever();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_batch(
        &self,
        pattern: Pattern,
        kinds: Kinds,
        callback: impl Fn(&[Update]) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.0.process.hub.slice_callback(pattern, kinds, callback)
    }

    /// How many events slow subscribers of all kinds have missed since the start.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// let missed = manager.missed_events();
    /// if missed > 0 {
    ///     eprintln!("subscribers are too slow: they missed {missed} events");
    /// }
    /// # assert_eq!(missed, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn missed_events(&self) -> u64 {
        self.0.process.hub.missed()
    }
}
