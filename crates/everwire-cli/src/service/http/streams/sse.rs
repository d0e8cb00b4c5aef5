//! Server-sent events (HTML Living Standard §9.2): events as lines.

use std::{
    convert::Infallible,
    future::Future,
    io::Write,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, web::Data};
use bytes::Bytes;
use everwire::{Batch, core::Cursor, hub::Kinds};
use futures::Stream;
use tokio::time::{Instant, Sleep, sleep};

use super::{ConnectionSlot, batches::Batches};
use crate::service::{
    http::{
        access::Caller,
        permit::{Permit, ToRead},
        problem::Problem,
    },
    state::AppState,
};

/// A client that receives nothing for longer knows that its connection is dead, and so do proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The most events that may wait for a client.
const EVENTS: usize = 8192;
/// The most payload bytes that may wait.
const BYTES: usize = 4 << 20;
/// The size of most events besides their payload, in bytes.
const FRAME: usize = 256;

/// Read events as server-sent events
///
/// `data` is an event and `id` its cursor. A client that reconnects with the cursor as
/// `Last-Event-ID` or `since` continues from there. An event of type `lagged`, which has no `id`,
/// tells a client that it was too slow or reconnected too late.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    params(
        ("match" = inline(Option<crate::service::http::schema::Filter>), Query),
        ("types" = Option<String>, Query, max_length = 4096, description = "The types, separated by commas; all but `sent` by default. `lagged` and `stalled` are always told"),
        ("subscription" = Option<String>, Query, max_length = 4096, description = "Of messages, and of events of type `subscription`, only those of these keys: several are separated by commas, or the parameter is repeated. A comma within a key has a backslash before it. What else happens is told as ever"),
        ("since" = Option<String>, Query, max_length = 64, description = "The cursor of the last event that was read"),
        ("Last-Event-ID" = Option<String>, Header, max_length = 64, description = "The same; it counts more than `since`"),
    ),
    responses((status = 200, body = crate::service::http::schema::Event, content_type = "text/event-stream")),
)]
pub async fn events(
    permit: Permit<ToRead>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(&permit, request.query_string())?;
    let since = last_event_id(&request)?.or(query.since);
    let slot = super::take_slot(&state, &request, &permit)?;
    let keys = query.keys.map(super::keys).transpose()?;
    let delivery = super::delivery(EVENTS, BYTES, query.kinds, keys);
    let events = state.manager.resume(query.pattern, delivery, since);
    // With an empty event, the client knows its position before anything happens.
    let hello = format!("retry: 1000\nid: {}\n\n", events.start());
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // A proxy such as nginx would buffer the answer.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Lines {
            hello: Some(hello.into()),
            batches: Batches::new(events),
            silence: Box::pin(sleep(KEEP_ALIVE)),
            _slot: slot,
        }))
}

/// `?match=&types=&subscription=&since=`; an empty parameter counts as absent.
struct Query {
    pattern: everwire::Pattern,
    kinds: Kinds,
    /// The keys of subscriptions.
    keys: Option<Vec<String>>,
    since: Option<Cursor>,
}

impl Query {
    fn parse(caller: &Caller, query: &str) -> Result<Self, Problem> {
        let mut read = Self {
            pattern: caller.names().clone(),
            kinds: Kinds::default(),
            keys: None,
            since: None,
        };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "match" => read.pattern = super::pattern(caller, &value)?,
                "types" => read.kinds = super::kinds(&value)?,
                "subscription" if value.is_empty() => {}
                "subscription" => {
                    let keys = read.keys.get_or_insert_default();
                    keys.extend(super::split_keys(&value));
                }
                "since" => read.since = super::cursor("since", &value)?,
                _ => {
                    let known = "the parameters are match, types, subscription and since";
                    return Err(Problem::bad_request(format!(
                        "unknown parameter {key}; {known}"
                    )));
                }
            }
        }
        Ok(read)
    }
}

fn last_event_id(request: &HttpRequest) -> Result<Option<Cursor>, Problem> {
    let mut values = request.headers().get_all("Last-Event-ID");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            super::cursor("Last-Event-ID", value.to_str().unwrap_or("not ASCII"))
        }
        _ => Err(Problem::bad_request(
            "invalid Last-Event-ID: it comes more than once; send one",
        )),
    }
}

/// The events as lines of the standard, and a comment when there are no events.
struct Lines {
    hello: Option<Bytes>,
    batches: Batches,
    silence: Pin<Box<Sleep>>,
    _slot: ConnectionSlot,
}

impl Stream for Lines {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(hello) = self.hello.take() {
            return Poll::Ready(Some(Ok(hello)));
        }
        let told = match Pin::new(&mut self.batches).poll_next(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(batch)) => lines(&batch),
            Poll::Pending => {
                futures::ready!(self.silence.as_mut().poll(cx));
                Bytes::from_static(b": still here\n\n")
            }
        };
        self.silence.as_mut().reset(Instant::now() + KEEP_ALIVE);
        Poll::Ready(Some(Ok(told)))
    }
}

fn lines(batch: &Batch) -> Bytes {
    let mut text = Vec::with_capacity(batch.len() * FRAME + batch.bytes());
    for update in batch.json() {
        if let Some(cursor) = update.cursor {
            // Writing to memory cannot fail.
            let _written = writeln!(text, "id: {cursor}");
        }
        text.extend_from_slice(b"data: ");
        text.extend_from_slice(update.text.as_bytes());
        text.extend_from_slice(b"\n\n");
    }
    text.into()
}
