//! How a program hears what happens to names.

use std::sync::Arc;

use actix::Recipient;

use super::registry::Manager;
use crate::{
    connection::{ProcessContext, SharedOutbox, forward},
    core::{Cursor, Pattern},
    events::Event,
    hub::{Delivery, Events, HasHistory, SubscriptionGuard},
};

impl Manager {
    /// The events of all names that the pattern selects, those that are opened later included.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// use everwire::{Delivery, Event, Pattern};
    /// use futures::StreamExt;
    ///
    /// let mut events = manager.subscribe(Pattern::all(), Delivery::default());
    /// manager.open("feed", settings)?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::Ready(stamp) = event {
    ///         println!("{} is up", stamp.name);
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

    /// The same, from where a reader has stopped: first what has happened behind `since`, as far as it is still known
    /// ([`history`](crate::ConnectionSettings::history) keeps messages, if it is asked to), then what happens, without a hole in between. Where something is missing the stream begins with
    /// [`Event::Lagged`]; so is told what has given way before the stream came to read it. With `None` it begins now.
    ///
    /// Across a restart nothing is missing for who reads messages alone, of names whose history is durable, if the process before
    /// has [shut down](Self::shutdown): other events are not kept, and what a process that was killed had heard last is not known.
    ///
    /// Of such a stream each event's `cursor` is a place to resume from: all events up to it were told.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # use everwire::{Delivery, Event, Pattern, hub::Kinds};
    /// # use futures::StreamExt;
    /// settings.history.messages = 100; // it keeps none unless it is asked to
    /// let feed = manager.open("feed", settings)?;
    /// let delivery = Delivery::default().kinds(Kinds::parse("message")?);
    /// let mut events = manager.resume(Pattern::all(), delivery, None);
    /// let mut cursor = events.start(); // keep it: it has a text form
    /// feed.send("hello")?; // the peer sends it back
    /// while let Some(event) = events.next().await {
    ///     if let Event::Message(stamp, _) = event {
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
            // Before the names are listed: one that is opened in between is in both, not in neither.
            let lost = persistence.last_unopened(&selected);
            let names = self.0.names.read();
            let gates = names.entries.iter().filter_map(|(name, entry)| {
                let outbox: Arc<dyn HasHistory> = Arc::<SharedOutbox>::clone(&entry.outbox);
                selected.matches(name).then_some(outbox)
            });
            (gates.collect(), lost)
        })
    }

    /// Hands the events of all names that the pattern selects to an actor, until it stops. The actor is given by its `Addr`, or as a
    /// `Recipient`.
    ///
    /// ```
    /// # use actix::{Actor, Context, Handler};
    /// # use everwire::{Delivery, Event, Manager, Pattern, Settings};
    /// struct Printer;
    ///
    /// impl Handler<Event> for Printer {
    ///     type Result = ();
    ///     fn handle(&mut self, event: Event, _ctx: &mut Context<Self>) {
    ///         println!("{:?}: {}", event.name(), event.kind());
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
    pub fn subscribe_actor(
        &self,
        pattern: Pattern,
        recipient: impl Into<Recipient<Event>>,
        delivery: Delivery,
    ) {
        let events = self.subscribe(pattern, delivery);
        let arbiter = self.0.arbiters.get(self.0.arbiters.next());
        // An arbiter that has stopped carries no name either: there is nothing left to hear.
        let _stopped = arbiter.spawn(forward(events, recipient.into()));
    }

    /// Calls back at each event of the names that the pattern selects, on that name's arbiter and in its turn.
    ///
    /// It must not block. A panic in it costs the name its socket, as a panic of its own would.
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
    /// let guard = manager.on_event(Pattern::all(), move |event| {
    ///     let _nobody_listens = sender.send(event.kind());
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
        callback: impl Fn(&Event) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.0.process.hub.callback(pattern, callback)
    }

    /// How many events subscribers of all kinds missed because they were too slow, since the start.
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
