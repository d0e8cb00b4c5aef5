//! Dials over the simulated network.

use std::rc::Rc;

use bytes::Bytes;
use everwire_proto::dialogue::{Call, Response, Unanswered};
use futures::future::LocalBoxFuture;
use tokio::{
    io::BufWriter,
    select,
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

use super::World;
use crate::{
    connection::{
        dialer::{CallOutcome, Dial, DialTarget, Dialer, Preparation},
        simulation::{
            dialogue::handed_over,
            keys::Routing,
            network::{Cut, Quality, link},
            peer::{Manners, serve},
            plan::Dice,
            talk::Talk,
            witness::port_of,
        },
    },
    core::{Cause, Phase},
    transport::{Before, CallFor, DialError, Opened, Secrets, Stream, Timings},
};

impl World {
    /// Performs dials and calls for the name, while the name waits for them.
    pub(super) async fn serve_dials(self: Rc<Self>, mut asked: mpsc::UnboundedReceiver<Outgoing>) {
        while let Some(outgoing) = asked.recv().await {
            match outgoing {
                Outgoing::Dial(from, outcome) => {
                    let dial = self.clone().dial(from);
                    let dial = async { dial.await.map_err(DialError::from) };
                    self.spawn(tell(dial, outcome));
                }
                Outgoing::Call(call, answer) => {
                    let called = self.clone().called(&call);
                    self.spawn(tell(called, answer));
                }
            }
        }
    }

    /// The outcome of a dial. `from`: the socket that the peer has handed over.
    fn dial(self: Rc<Self>, from: Option<usize>) -> LocalBoxFuture<'static, Result<Opened, Cause>> {
        let mut dice = self.dice();
        Box::pin(async move {
            sleep(dice.millis(self.plan.latency)).await;
            let troubled = self.is_troubled();
            if troubled && dice.percent(self.plan.dial_failures) {
                if dice.percent(20) {
                    sleep(self.plan.settings.connect_timeout).await;
                    return Err(Cause::ConnectTimeout(Phase::Tcp));
                }
                return Err(Cause::Refused("refused".into()));
            }
            let quality = match troubled {
                true => self.quality(&mut dice),
                false => Quality::clean(Instant::now()),
            };
            let (client, server) = link(quality, &mut dice);
            // The peer adds the socket to its list before it answers the upgrade.
            let numbers = self.broadcast.borrow_mut().join();
            let socket = self.talks.borrow_mut().open();
            let asks = self.plan.moods.is_some_and(|moods| moods.requests);
            let is_paced = asks || !self.plan.settings.rate.is_empty();
            let talk = |moods| {
                let talks = self.talks.clone();
                Talk::new(talks, moods, socket, !troubled, is_paced)
                    .with_keys(self.keys.clone(), from)
            };
            let routing = self.keys.as_ref().map(|keys| keys.borrow().moods.routing);
            self.spawn(serve(
                server,
                self.log.clone(),
                numbers,
                Manners {
                    trouble_until: self.trouble_until,
                    dies_after: self.plan.dies_after,
                    answer_lag: self.plan.answer_lag,
                    routing: routing.unwrap_or(Routing::None),
                },
                self.plan.moods.map(talk),
                dice.fork(),
            ));
            Ok(opened(client, self.plan.held_back, port_of(socket)))
        })
    }

    fn quality(&self, dice: &mut Dice) -> Quality {
        let cut = |dice: &mut Dice| {
            let after = match dice.percent(50) {
                true => dice.within(0, 400),
                false => dice.within(0, 40_000),
            };
            match dice.percent(self.plan.cuts) {
                false => Cut::None,
                true if dice.percent(25) => Cut::BlackHole { after },
                true => Cut::End { after },
            }
        };
        Quality {
            latency: self.plan.latency,
            piece: usize::try_from(dice.within(1, 2_000))
                .expect("small")
                .max(dice.within(1, 100) as usize),
            window: usize::try_from(dice.within(1, 8_000)).expect("small"),
            slow_until: self.trouble_until,
            out: cut(dice),
            back: cut(dice),
        }
    }
}

/// A dial or call that the name requests, with the channel for its result.
pub(super) enum Outgoing {
    /// `None`: at the usual URL.
    Dial(Option<usize>, oneshot::Sender<Result<Opened, DialError>>),
    Call(Box<Call>, oneshot::Sender<Result<Response, Unanswered>>),
}

/// Runs the work while the receiver waits. If the name has given up, the result is dropped.
async fn tell<T>(done: impl Future<Output = T>, mut told: oneshot::Sender<T>) {
    let done = select! {
        done = done => done,
        () = told.closed() => return,
    };
    let _given_up = told.send(done);
}

/// Sends dials and calls to the simulated world.
pub(super) struct SimulatedDialer(pub mpsc::UnboundedSender<Outgoing>);

impl Dialer for SimulatedDialer {
    fn dial(&self, target: DialTarget, _: Option<Box<Before>>) -> Dial {
        let world = self.0.clone();
        let from = handed_over(&target.urls[target.number].to_string());
        Box::pin(async move {
            let (outcome, dialled) = oneshot::channel();
            let dial = Outgoing::Dial(from, outcome);
            world.send(dial).expect("the world outlives its names");
            dialled.await.expect("the world answers")
        })
    }

    fn call(&self, call: Call, _: CallFor) -> CallOutcome {
        let (answer, answered) = oneshot::channel();
        // Immediately: the call's number is drawn, and a later call may arrive first.
        let call = Outgoing::Call(Box::new(call), answer);
        self.0.send(call).expect("the world outlives its names");
        Box::pin(async move { answered.await.expect("the world answers") })
    }

    fn prepare(&self, _: DialTarget, _: Box<Before>) -> Preparation {
        unreachable!("no plan has anything to be done before a dial")
    }
}

fn opened(client: tokio::io::DuplexStream, held_back: usize, port: u16) -> Opened {
    Opened {
        stream: Stream::Memory(Box::new(BufWriter::with_capacity(held_back, client))),
        leftover: Bytes::new(),
        subprotocol: None,
        compression: None,
        peer: ([127, 0, 0, 1], port).into(),
        timings: Timings::default(),
        tls: None,
        secrets: Secrets::default(),
        prepared: None,
    }
}
