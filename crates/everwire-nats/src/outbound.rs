//! What waits in the work queue, on its way out through names.

mod answers;
mod content;
mod deliveries;
mod link;
mod receipts;
mod replies;
mod sender;
mod unfinished;
mod verdict;
mod ways;

use std::{sync::Arc, time::Duration};

use everwire::{
    Manager,
    config::{NatsOutSettings, NatsSettings},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use self::{link::OutLink, sender::Sender};
use crate::{report::Observer, status::Shared};

const TICK: Duration = Duration::from_millis(100);

/// What the bridge is told.
#[derive(Debug)]
pub(crate) enum OutOrder {
    /// The names are about to be closed: messages that are cancelled from now on stay in the queue.
    Ending,
    /// Acknowledge what has been confirmed until then, and end.
    Stop(Instant, oneshot::Sender<()>),
}

/// Sends messages until it is stopped.
pub(crate) struct Outbound {
    link: OutLink,
    sender: Sender,
    status: Shared,
}

impl Outbound {
    /// Takes messages from the queue. `consumer` names this process's place in it: one that starts
    /// again under the same name takes over from itself.
    pub fn new(
        manager: Manager,
        nats: Arc<NatsSettings>,
        settings: NatsOutSettings,
        consumer: String,
        status: Shared,
        observer: Observer,
    ) -> Self {
        let published = nats.inbound.as_ref().map(|inbound| inbound.subject.clone());
        let own_subjects = published.into_iter().chain([settings.subject.clone()]);
        let sender = Sender::new(
            manager,
            settings.clone(),
            own_subjects.collect(),
            observer.clone(),
        );
        Self {
            link: link::link(nats, settings, consumer, status.clone(), observer),
            sender,
            status,
        }
    }

    /// Runs until it is told to stop.
    pub async fn run(mut self, mut orders: mpsc::Receiver<OutOrder>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                change = link::next(&mut self.link) => self.sender.changed(change, &mut self.link),
                settled = self.sender.settled() => self.sender.end(settled, &mut self.link),
                _ = ticks.tick() => {
                    self.sender.tick();
                    self.sender.show(&self.status);
                }
                order = orders.recv() => match order {
                    Some(OutOrder::Ending) => self.sender.ending(),
                    Some(OutOrder::Stop(until, answer)) => {
                        self.stop(until).await;
                        // The caller may be gone.
                        let _heard = answer.send(());
                        return;
                    }
                    None => return,
                },
            }
            self.sender.pump(&mut self.link);
        }
    }

    /// Acknowledges what is confirmed.
    async fn stop(&mut self, until: Instant) {
        self.sender.ending();
        while let Some(settled) = futures::FutureExt::now_or_never(self.sender.settled()) {
            self.sender.end(settled, &mut self.link);
        }
        while self.sender.has_unfinished(&mut self.link) && Instant::now() < until {
            tokio::select! {
                change = link::next(&mut self.link) => self.sender.changed(change, &mut self.link),
                () = tokio::time::sleep_until(until) => {}
            }
        }
        self.sender.show(&self.status);
    }
}
