//! Detects WebSocket clients that are gone.

use std::time::Duration;

use actix::AsyncContext;
use actix_web_actors::ws::{CloseCode, WebsocketContext};
use tokio::time::Instant;

use super::inbound::{end, reason};

/// The interval of pings.
pub const INTERVAL: Duration = Duration::from_secs(15);
/// How long a client may be silent.
pub const TIMEOUT: Duration = Duration::from_secs(45);

/// When something was last received from a client.
#[derive(Debug)]
pub struct ClientTimeout(Instant);

/// An actor with such a client.
pub trait HasClientTimeout: actix::Actor<Context = WebsocketContext<Self>> {
    fn client_timeout(&mut self) -> &mut ClientTimeout;
}

impl ClientTimeout {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    pub fn heard(&mut self) {
        self.0 = Instant::now();
    }

    /// Pings the client regularly, and disconnects it if it does not answer.
    pub fn watch<A: HasClientTimeout>(ctx: &mut WebsocketContext<A>) {
        ctx.run_interval(INTERVAL, |actor, ctx| {
            if actor.client_timeout().0.elapsed() < TIMEOUT {
                ctx.ping(b"");
            } else {
                end(ctx, Some(reason(CloseCode::Away, "no answer to pings")));
            }
        });
    }
}
