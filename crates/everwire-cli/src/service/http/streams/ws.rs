//! The downstream WebSocket: many subscriptions and sends over one connection.

use std::{borrow::Cow, collections::HashMap};

use actix::{Actor, ActorFutureExt, AsyncContext, SpawnHandle, StreamHandler, WrapFuture};
use actix_http::ws::Codec;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use actix_web_actors::ws::{self, CloseCode, ProtocolError, WebsocketContext, WsResponseBuilder};
use base64::{Engine, prelude::BASE64_STANDARD};
use everwire::{
    Message, SubscriptionWish, config::Scope, core::displayable_json, memory::MemoryUse,
};
use futures::StreamExt;
use serde_json::{Value as Json, json};

use super::{
    ConnectionSlot,
    batches::Batches,
    client_timeout::{ClientTimeout, HasClientTimeout},
    frames::Frames,
    holding::Holding,
    inbound::{Heard, Inbound, end, reason},
    json_batch::JsonBatch,
    op::{Hold, Op, Release, Request, Send, Subscribe},
};
use crate::service::{
    http::{
        permit::{Permit, ToCome},
        problem::Problem,
        send,
        shares::Place,
        subscriptions::refuse_foreign,
    },
    state::AppState,
};

/// The subprotocol that a client offers with its token.
pub const PROTOCOL: &str = "everwire.v1";
/// The longest request, in bytes; longer messages are sent by POST.
const MAX_REQUEST: usize = 1 << 20;
/// The most subscriptions of a client.
const MAX_SUBSCRIPTIONS: usize = 64;
/// The most messages of a client that may wait for their fate or their answer.
const MAX_PENDING: usize = 1024;
/// The most events that may wait for a subscription.
const EVENTS: usize = 4096;
/// The most payload bytes that may wait.
const BYTES: usize = 1 << 20;

/// Subscribe and send over one WebSocket
///
/// Requests are texts:
/// `{"op":"subscribe","id":"a","match":"feed-*","types":["message"],"since":"…"}`,
/// `{"op":"unsubscribe","id":"a"}`,
/// `{"op":"send","id":"b","name":"feed","text":"…","wait":"written","timeout":"5s"}` (or
/// `"base64"`). Answers are `{"type":"ack","id":"a","cursor":"…"}`,
/// `{"type":"ack","id":"b","fate":"written","message":7,"epoch":3}` and
/// `{"type":"error","id":"b","problem":{…}}`.
///
/// A message with an answer is `{"op":"request","id":"d","name":"feed","text":"…","timeout":"5s"}`,
/// with `json` and `equals` if the settings of the connection have no `request`. Its answer is
/// `{"type":"ack","id":"d","text":"…"}` (or `"base64"`).
///
/// Events have the member `subscription`, the id of the request. The event `lagged` of a
/// subscription says what it missed because the client was too slow. With `"subscriptions":["k"]`,
/// only messages of these keys are sent. A message that belongs to a live subscription has the
/// member `key`.
///
/// `{"op":"hold","id":"c","name":"feed","key":"k","item":…}` subscribes to a key of the connection
/// while this client is connected; its other members are those of the body of PUT.
/// `{"op":"release","id":"e","name":"feed","key":"k"}` ends that. The answer to the first is
/// `{"type":"ack","id":"c","key":"k","state":"sent"}`.
///
/// A browser cannot set `Authorization`: it offers the subprotocols `everwire.v1` and
/// `bearer.TOKEN`, with the token in base64url without padding.
#[utoipa::path(
    get,
    path = "/v1/ws",
    tag = "events",
    responses(
        (status = 101, description = "The WebSocket is open"),
        (status = 426, body = crate::service::http::schema::Problem, content_type = "application/problem+json", description = "No WebSocket handshake"),
    ),
)]
pub async fn ws(
    permit: Permit<ToCome>,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    super::check_handshake(&request)?;
    let charge = || state.manager.charge(MemoryUse::Bodies);
    let (inbound, frames) = (
        Inbound::new(MAX_REQUEST, charge()),
        Frames::new(payload, MAX_REQUEST, charge()),
    );
    let holding = Holding::new(&state);
    let session = Session {
        _slot: super::take_slot(&state, &request, &permit)?,
        state,
        caller: permit,
        holding,
        inbound,
        client_timeout: ClientTimeout::new(),
        subscriptions: HashMap::new(),
        pending: 0,
    };
    WsResponseBuilder::new(session, &request, frames)
        .protocols(&[PROTOCOL])
        .codec(Codec::new().max_size(MAX_REQUEST))
        .start()
        .map_err(|error| Problem::bad_request(error.to_string()))
}

/// One client.
struct Session {
    state: Data<AppState>,
    caller: Permit<ToCome>,
    /// The subscriptions that it holds on connections.
    holding: Holding,
    inbound: Inbound,
    client_timeout: ClientTimeout,
    subscriptions: HashMap<String, (SpawnHandle, Place)>,
    /// The number of messages that wait for their fate or their answer.
    pending: usize,
    _slot: ConnectionSlot,
}

type Context = WebsocketContext<Session>;

impl Actor for Session {
    type Context = Context;

    fn started(&mut self, ctx: &mut Context) {
        ClientTimeout::watch(ctx);
    }
}

impl HasClientTimeout for Session {
    fn client_timeout(&mut self) -> &mut ClientTimeout {
        &mut self.client_timeout
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for Session {
    fn handle(&mut self, frame: Result<ws::Message, ProtocolError>, ctx: &mut Context) {
        self.client_timeout.heard();
        match self.inbound.hear(frame) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Ping(data)) => ctx.pong(&data),
            Ok(Heard::Message(Message::Text(text))) => self.answer(&text, ctx),
            Ok(Heard::Message(_)) => {
                let text = "requests are texts";
                end(ctx, Some(reason(CloseCode::Unsupported, text)));
            }
            Ok(Heard::Close(reason)) => end(ctx, reason),
            Err(reason) => end(ctx, Some(reason)),
        }
    }
}

impl StreamHandler<JsonBatch> for Session {
    fn handle(&mut self, told: JsonBatch, ctx: &mut Context) {
        told.texts().for_each(|text| ctx.text(text));
    }

    /// A subscription ends only with the manager. The client continues.
    fn finished(&mut self, _ctx: &mut Context) {}
}

impl Session {
    fn answer(&mut self, text: &str, ctx: &mut Context) {
        let (id, answered) = match Op::parse(text) {
            Err((id, problem)) => (id, Err(problem)),
            Ok(op) => {
                let id = op.id().to_owned();
                let answered = match op {
                    Op::Subscribe(subscribe) => self.subscribe(subscribe, ctx),
                    Op::Unsubscribe { id } => self.unsubscribe(&id, ctx),
                    Op::Send(send) => self.send(send, ctx),
                    Op::Request(request) => self.request(request, ctx),
                    Op::Hold(hold) => self.hold(hold, ctx),
                    Op::Release(release) => self.release(release, ctx),
                };
                (Some(id), answered)
            }
        };
        match answered {
            Ok(None) => {}
            Ok(Some(ack)) => say(ctx, ack.to_string()),
            Err(problem) => send_problem(ctx, id.as_deref(), &problem),
        }
    }

    fn subscribe(
        &mut self,
        subscribe: Subscribe,
        ctx: &mut Context,
    ) -> Result<Option<Json>, Problem> {
        self.caller.need(&[Scope::Read])?;
        let id = subscribe.id;
        if self.subscriptions.contains_key(&id) {
            return Err(Problem::conflict(format!(
                "the subscription {id:?} exists already"
            )));
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let detail = format!("a client has at most {MAX_SUBSCRIPTIONS} subscriptions");
            return Err(Problem::too_many(detail));
        }
        let tenants = self.state.access.tenants();
        let place = self.state.subscriptions.take(&self.caller, tenants)?;
        let pattern = super::pattern(&self.caller, &subscribe.pattern)?;
        let kinds = super::kinds(&subscribe.types.join(","))?;
        let since = super::cursor("since", &subscribe.since)?;
        let keys = subscribe.subscriptions.map(super::keys).transpose()?;
        let delivery = super::delivery(EVENTS, BYTES, kinds, keys);
        let events = self.state.manager.resume(pattern, delivery, since);
        let ack = json!({ "type": "ack", "id": id, "cursor": events.start().to_string() });
        let prefix = JsonBatch::prefix(&id);
        let told = Batches::new(events).map(move |updates| JsonBatch::new(&prefix, updates));
        let stream = ctx.add_stream(told);
        self.subscriptions.insert(id, (stream, place));
        Ok(Some(ack))
    }

    fn unsubscribe(&mut self, id: &str, ctx: &mut Context) -> Result<Option<Json>, Problem> {
        let Some((subscription, _place)) = self.subscriptions.remove(id) else {
            return Err(Problem::not_found(format!(
                "there is no subscription {id:?}"
            )));
        };
        ctx.cancel_future(subscription);
        Ok(Some(json!({ "type": "ack", "id": id })))
    }

    /// Accepts a message at once, in the order of the requests. Answers when its fate is reached or
    /// the time is over.
    fn send(&mut self, mut send: Send, ctx: &mut Context) -> Result<Option<Json>, Problem> {
        self.caller.need(&[Scope::Send])?;
        let name = self.caller.name(&send.name)?;
        let (handle, settings) = self.state.find(&name)?;
        let (wait, timeout) = send.wait()?;
        send::check_wait(wait, &settings)?;
        let message = send.message()?;
        self.check_pending()?;
        let receipt = handle.send(message)?;
        self.pending += 1;
        let waited = async move {
            // After a timeout, the answer says how far the message has come.
            let waited = tokio::time::timeout(timeout, receipt.fate(wait)).await;
            let fate = waited.unwrap_or_else(|_| receipt.now());
            (receipt, fate)
        };
        let told = waited
            .into_actor(self)
            .map(move |(receipt, fate), session, ctx| {
                session.pending -= 1;
                if fate.is_final() && !fate.reaches(wait) {
                    send_problem(ctx, Some(&send.id), &Problem::fate(&receipt, fate));
                } else {
                    let ack = json!({
                        "type": "ack",
                        "id": &send.id,
                        "fate": fate.as_str(),
                        "message": receipt.id(),
                        "epoch": receipt.epoch(),
                    });
                    say(ctx, ack.to_string());
                }
            });
        ctx.spawn(told);
        Ok(None)
    }
}

impl Session {
    /// Sends a message, and returns its answer.
    fn request(
        &mut self,
        mut request: Request,
        ctx: &mut Context,
    ) -> Result<Option<Json>, Problem> {
        self.caller.need(&[Scope::Send])?;
        self.caller.need(&[Scope::Read])?;
        let name = self.caller.name(&request.name)?;
        let (handle, _settings) = self.state.find(&name)?;
        let wanted = request.wanted()?;
        self.check_pending()?;
        self.pending += 1;
        let answered = async move { handle.request(wanted).await };
        let told = answered.into_actor(self).map(move |answer, session, ctx| {
            session.pending -= 1;
            let mut ack = json!({ "type": "ack", "id": &request.id });
            match answer {
                Ok(Message::Text(text)) => ack["text"] = (&*text).into(),
                Ok(Message::Binary(bytes)) => {
                    ack["base64"] = BASE64_STANDARD.encode(bytes).into();
                }
                Err(error) => return send_problem(ctx, Some(&request.id), &error.into()),
            }
            say(ctx, ack.to_string());
        });
        ctx.spawn(told);
        Ok(None)
    }

    /// Subscribes to a key of a connection while this client is connected.
    fn hold(&mut self, hold: Hold, ctx: &mut Context) -> Result<Option<Json>, Problem> {
        self.caller.need(&[Scope::Control])?;
        let name = self.caller.name(&hold.name)?;
        let (id, wish) = (hold.id, SubscriptionWish::from_json(&hold.long_form.into()));
        let wish = wish.map_err(|error| Problem::unprocessable(error.to_string()))?;
        refuse_foreign(&self.caller, &wish)?;
        self.check_pending()?;
        self.pending += 1;
        let held = self.holding.hold(name, hold.key, wish);
        let told = held.into_actor(self).map(move |held, session, ctx| {
            session.pending -= 1;
            match held {
                Ok(status) => {
                    let (key, state) = (&*status.key, status.state.as_str());
                    let ack = json!({ "type": "ack", "id": id, "key": key, "state": state });
                    say(ctx, ack.to_string());
                }
                Err(problem) => send_problem(ctx, Some(&id), &problem),
            }
        });
        ctx.spawn(told);
        Ok(None)
    }

    /// Releases a key of a connection.
    fn release(&mut self, release: Release, ctx: &mut Context) -> Result<Option<Json>, Problem> {
        self.caller.need(&[Scope::Control])?;
        let name = self.caller.name(&release.name)?;
        self.check_pending()?;
        self.pending += 1;
        let released = self.holding.release(name, release.key);
        let told = released
            .into_actor(self)
            .map(move |released, session, ctx| {
                session.pending -= 1;
                match released {
                    Ok(()) => say(ctx, json!({ "type": "ack", "id": release.id }).to_string()),
                    Err(problem) => send_problem(ctx, Some(&release.id), &problem),
                }
            });
        ctx.spawn(told);
        Ok(None)
    }

    /// Checks that one more message may wait for its fate or its answer.
    fn check_pending(&self) -> Result<(), Problem> {
        if self.pending >= MAX_PENDING {
            let detail = format!(
                "{MAX_PENDING} messages of this client wait for their fate or their answer already"
            );
            return Err(Problem::too_many(detail));
        }
        Ok(())
    }
}

fn send_problem(ctx: &mut Context, id: Option<&str>, problem: &Problem) {
    let told = json!({ "type": "error", "id": id, "problem": problem.json() });
    say(ctx, told.to_string());
}

fn say(ctx: &mut Context, json: String) {
    ctx.text(match displayable_json(&json) {
        Cow::Borrowed(_) => json,
        Cow::Owned(escaped) => escaped,
    });
}
