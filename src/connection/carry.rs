//! Carrying out what the core decided, in order.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use super::{
    Connection, Ending, State, Waiting,
    driver::{Driver, Link, Turn},
};
use crate::{
    core::{Beat, Cause, Effect, Happened, State as LifeState},
    events::{self, Connecting, DropReason, Event, Failed, Retrying},
    transport::{self, DialRequest, Opened},
    wire::{CloseFrame, Opcode},
};

impl Driver {
    /// Carries out all effects. After the incarnation's end none is left.
    pub(super) fn carry_out(&mut self, act: &mut Connection, now: Instant) -> Turn {
        let mut over = false;
        loop {
            for effect in std::mem::take(&mut act.effects) {
                match effect {
                    Effect::Dial => {
                        let dial = dial(act);
                        self.link = Link::Dialing(Box::pin(dial));
                    }
                    Effect::Restart => over = true,
                    Effect::Door(open) => act.gate.with(|inside| inside.outbox.set_open(open)),
                    Effect::Cancel => {
                        let cancelled = act.gate.with(|inside| inside.outbox.cancel());
                        act.tell_dropped(cancelled, DropReason::Cancelled);
                    }
                    Effect::SendClose(frame) => self.send_close(act, frame, now),
                    Effect::Emit(happened) => self.tell(act, happened, now),
                }
            }
            act.show_state(None);
            let Some(text) = act.callback_panic.take() else {
                break;
            };
            // Of a callback that panics at every event only the first takes the socket down; there is none afterwards.
            if !over && act.life.holds_a_link() {
                act.lost(Cause::Panic(text.into()), now);
            } else if act.effects.is_empty() {
                break;
            }
        }
        act.settle_ending();
        if over {
            Turn::Restart
        } else if matches!(act.ending, Ending::Gone) {
            Turn::Gone
        } else {
            Turn::Rest
        }
    }

    /// Our Close frame. A ping goes ahead of it where that tells whether the last messages have arrived.
    fn send_close(&mut self, act: &mut Connection, frame: CloseFrame, now: Instant) {
        let Link::Up(socket) = &mut self.link else {
            return;
        };
        let fence = act.gate.with(|inside| inside.outbox.fence());
        if act.life.may_read()
            && let Some(Beat::Ping(payload)) =
                act.heartbeat.beat(&act.settings.heartbeat, fence, now)
        {
            socket.send_control(Opcode::Ping, Bytes::copy_from_slice(&payload));
        }
        socket.send_close(frame);
    }

    fn tell(&mut self, act: &mut Connection, happened: Happened, now: Instant) {
        match happened {
            Happened::Connecting { attempt } => {
                act.show_state(Some(State::Connecting));
                act.publish(|stamp| Event::Connecting(stamp, Connecting { attempt }));
            }
            Happened::Closed(report) => {
                if matches!(self.link, Link::Up(_)) {
                    act.record.in_doubt += act.gate.with(|inside| inside.outbox.lost());
                }
                act.record.last_close = Some(Box::new(report.clone()));
                act.publish(|stamp| Event::Closed(stamp, Box::new(report)));
            }
            Happened::Error(cause) => {
                let at = act.wall();
                act.record.last_error = Some(Box::new(super::LastError {
                    cause: cause.clone(),
                    at,
                }));
                act.publish(|stamp| Event::Error(stamp, Box::new(cause)));
            }
            Happened::Retrying { delay, cause, rule } => {
                act.show_state(Some(State::Backoff));
                let wait = match act.life.state() {
                    LifeState::Backoff { until } => until.saturating_duration_since(now),
                    _ => delay,
                };
                act.record.retry_at = act.wall().checked_add(wait).ok().map(Box::new);
                act.publish(|stamp| {
                    Event::Retrying(stamp, Box::new(Retrying { delay, cause, rule }))
                });
            }
            Happened::Failed { cause, rule } => {
                act.show_state(Some(State::Failed));
                act.publish(|stamp| Event::Failed(stamp, Box::new(Failed { cause, rule })));
            }
        }
    }
}

/// One dial, begun when the budget allows it.
fn dial(act: &Connection) -> impl Future<Output = Result<Opened, Cause>> + use<> {
    let (urls, number) = (Arc::clone(&act.urls), act.url_number());
    let (settings, commons) = (Arc::clone(&act.settings), Arc::clone(&act.commons));
    async move {
        let url = &urls[number];
        // Boxed, so that a name that waits for its permit does not hold the memory of a handshake: thousands may wait.
        let host = Box::pin(transport::host_key(url)).await?;
        let turn = commons.budget.acquire(&host);
        drop(host);
        let _permit = turn.await;
        Box::pin(transport::dial(DialRequest {
            settings: &settings,
            url,
            tls: &commons.tls,
            resolver: &commons.resolver,
        }))
        .await
    }
}

impl Connection {
    /// Keeps the state that users see, and since when, in step with the core.
    pub(super) fn show_state(&mut self, told: Option<State>) {
        let state = told.unwrap_or(match self.life.state() {
            LifeState::Idle => State::Idle,
            LifeState::Connecting => State::Connecting,
            LifeState::Open { .. } if self.record.ready => State::Open,
            LifeState::Open { .. } => State::Opening,
            LifeState::Closing(_) => State::Closing,
            LifeState::Backoff { .. } => State::Backoff,
            LifeState::Closed => State::Closed,
            LifeState::Failed => State::Failed,
        });
        if state != self.record.shown {
            self.record.shown = state;
            self.record.since = self.wall();
        }
        if state != State::Backoff {
            self.record.retry_at = None;
        }
        if !matches!(state, State::Open | State::Closing) {
            self.record.ready = false;
        }
    }

    /// Answers those who wait for the end, once it is there.
    fn settle_ending(&mut self) {
        if !self.life.is_down() {
            return;
        }
        match std::mem::take(&mut self.ending) {
            Ending::Stays => {}
            Ending::Drains(waiting) => answer(*waiting),
            Ending::Leaves(waiting) => {
                self.publish(Event::Removed);
                self.ending = Ending::Gone;
                answer(*waiting);
            }
            Ending::Gone => self.ending = Ending::Gone,
        }
    }
}

fn answer(waiting: Waiting) {
    for sender in waiting.0 {
        // Who no longer waits need not be told.
        let _gone = sender.send(());
    }
}

impl From<transport::Timings> for events::DialTimings {
    fn from(timings: transport::Timings) -> Self {
        Self {
            dns: timings.dns,
            proxy: timings.proxy,
            tcp: timings.tcp,
            tls: timings.tls,
            upgrade: timings.upgrade,
        }
    }
}
