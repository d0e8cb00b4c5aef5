//! A client that uses the connection's own socket, with its reconnects, together with other
//! clients.

use actix::{Actor, AsyncContext, StreamHandler};
use actix_http::ws::Codec;
use actix_web::{HttpRequest, HttpResponse, web::Payload};
use actix_web_actors::ws::{self, CloseCode, ProtocolError, WebsocketContext, WsResponseBuilder};
use everwire::{
    Batch, ConnectionSettings, Event, EventKind, Handle, Message, Notice, Overflow, Pattern,
    Rejected, SendError, Update, hub::Kinds, memory::MemoryUse,
};

use super::{
    super::{
        ConnectionSlot,
        batches::Batches,
        client_timeout::{ClientTimeout, HasClientTimeout},
        delivery,
        frames::Frames,
        inbound::{Heard, Inbound, end, reason},
    },
    subprotocols::offers,
};
use crate::service::{
    http::{
        lookup::Found,
        permit::{ToRead, ToSend},
        problem::Problem,
    },
    state::AppState,
};

/// The most messages that may wait for a client.
const MESSAGES: usize = 4096;
/// The most bytes that may wait.
const BYTES: usize = 4 << 20;

/// Admits the client.
pub async fn attach(
    connection: Found<(ToSend, ToRead)>,
    request: &HttpRequest,
    slot: ConnectionSlot,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let Found {
        state,
        name,
        handle,
        settings,
        ..
    } = connection;
    if settings.sessions_only {
        return Err(Rejected::SessionsOnly.into());
    }
    let subprotocol = subprotocol(&state, request, &handle, &settings).await?;
    let limit = settings.max_message;
    let kinds = ["message", "failed", "removed"].iter();
    let kinds = kinds.fold(Kinds::none(), |kinds, kind| {
        kinds.with(kind).unwrap_or(kinds)
    });
    let delivery = delivery(MESSAGES, BYTES, kinds, None).overflow(Overflow::Disconnect);
    let bridge = Bridge {
        told: Some(Batches::new(
            state.manager.subscribe(Pattern::exactly(&name), delivery),
        )),
        handle,
        inbound: Inbound::new(limit, state.manager.charge(MemoryUse::Bodies)),
        client_timeout: ClientTimeout::new(),
        _slot: slot,
    };
    let subprotocols: Vec<_> = subprotocol.iter().map(String::as_str).collect();
    let charge = state.manager.charge(MemoryUse::Bodies);
    let frames = Frames::new(payload, limit, charge).masking_controls();
    WsResponseBuilder::new(bridge, request, frames)
        .protocols(&subprotocols)
        .codec(Codec::new().max_size(limit))
        .start()
        .map_err(|error| Problem::bad_request(error.to_string()))
}

/// The subprotocol of the peer, if it is known and the client offers it. Otherwise the first of the
/// client's that the peer will be offered.
async fn subprotocol(
    state: &AppState,
    request: &HttpRequest,
    handle: &Handle,
    settings: &ConnectionSettings,
) -> Result<Option<String>, Problem> {
    let offers: Vec<_> = offers(request).collect();
    if offers.is_empty() {
        return Ok(None);
    }
    let spoken = state.status(handle).await?.subprotocol;
    let fits = |offer: &&&str| match &spoken {
        Some(spoken) => spoken == **offer,
        None => settings.subprotocols.iter().any(|ours| ours == *offer),
    };
    Ok(offers.iter().find(fits).map(|offer| (*offer).to_owned()))
}

/// A client, and the connection that it uses.
struct Bridge {
    handle: Handle,
    /// The peer's messages, until the actor takes them.
    told: Option<Batches>,
    inbound: Inbound,
    client_timeout: ClientTimeout,
    _slot: ConnectionSlot,
}

type Context = WebsocketContext<Bridge>;

impl Actor for Bridge {
    type Context = Context;

    fn started(&mut self, ctx: &mut Context) {
        ClientTimeout::watch(ctx);
        if let Some(told) = self.told.take() {
            ctx.add_stream(told);
        }
    }
}

impl HasClientTimeout for Bridge {
    fn client_timeout(&mut self) -> &mut ClientTimeout {
        &mut self.client_timeout
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for Bridge {
    fn handle(&mut self, frame: Result<ws::Message, ProtocolError>, ctx: &mut Context) {
        self.client_timeout.heard();
        match self.inbound.hear(frame) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Ping(data)) => ctx.pong(&data),
            Ok(Heard::Message(message)) => {
                // A plain WebSocket client cannot use the receipt.
                if let Err(error) = self.handle.send(message) {
                    let text = error.to_string();
                    end(ctx, Some(reason(code(&error), &text)));
                }
            }
            Ok(Heard::Close(reason)) => end(ctx, reason),
            Err(reason) => end(ctx, Some(reason)),
        }
    }
}

/// The close code for a client whose message cannot be accepted: there is no other way to tell it.
fn code(error: &SendError) -> CloseCode {
    let SendError::Rejected(rejected) = error else {
        return CloseCode::Away;
    };
    match rejected {
        Rejected::Full | Rejected::NoMemory => CloseCode::Again,
        Rejected::Closed => CloseCode::Away,
        Rejected::TooLarge(_) => CloseCode::Size,
        Rejected::NotText => CloseCode::Invalid,
        _ => CloseCode::Error,
    }
}

impl StreamHandler<Batch> for Bridge {
    fn handle(&mut self, batch: Batch, ctx: &mut Context) {
        for update in batch {
            let kind = match update {
                Update::Event(Event { kind, .. }) => kind,
                Update::Notice(Notice::Lagged(_)) => {
                    let text = "too slow: messages of the peer were missed";
                    return end(ctx, Some(reason(CloseCode::Again, text)));
                }
                Update::Notice(_) => continue,
            };
            match kind {
                EventKind::Message(Message::Text(text)) => ctx.text(text),
                EventKind::Message(Message::Binary(bytes)) => ctx.binary(bytes),
                EventKind::Removed => {
                    let text = "the connection was removed";
                    return end(ctx, Some(reason(CloseCode::Away, text)));
                }
                EventKind::Failed(failed) => {
                    let text = format!("given up: {}", failed.cause.text());
                    return end(ctx, Some(reason(CloseCode::Error, &text)));
                }
                _ => {}
            }
        }
    }
}
