//! Whether a WebSocket client is still there.

use std::time::Duration;

use actix::AsyncContext;
use actix_web_actors::ws::{CloseCode, WebsocketContext};
use tokio::time::Instant;

use super::inbound::{end, reason};

/// How often a client is asked.
pub const INTERVAL: Duration = Duration::from_secs(15);
/// How long it may say nothing.
pub const TIMEOUT: Duration = Duration::from_secs(45);

/// When a client was last heard.
#[derive(Debug)]
pub struct Pulse(Instant);

/// An actor that has such a client.
pub trait HasPulse: actix::Actor<Context = WebsocketContext<Self>> {
    fn pulse(&mut self) -> &mut Pulse;
}

impl Pulse {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    pub fn heard(&mut self) {
        self.0 = Instant::now();
    }

    /// Asks now and then, and lets go of a client that does not answer.
    pub fn watch<A: HasPulse>(ctx: &mut WebsocketContext<A>) {
        ctx.run_interval(INTERVAL, |actor, ctx| {
            if actor.pulse().0.elapsed() < TIMEOUT {
                ctx.ping(b"");
            } else {
                end(ctx, Some(reason(CloseCode::Away, "no answer to pings")));
            }
        });
    }
}
