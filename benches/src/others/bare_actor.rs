//! awc and the smallest actix actor that echoes: the cost of the framework alone.

use std::{cell::Cell, rc::Rc, time::Duration};

use actix::{
    Actor, ActorContext, Context, StreamHandler,
    io::{SinkWrite, WriteHandler},
};
use awc::{
    Client, Connector,
    error::WsProtocolError,
    ws::{Frame, Message},
};
use bytes::Bytes;
use futures::{Sink, StreamExt};
use tokio::sync::Notify;

use crate::{
    load::{Load, SOCKETS},
    process::cpu,
};

struct Bare<S: Sink<Message, Error = WsProtocolError> + Unpin + 'static> {
    sink: SinkWrite<Message, S>,
    answer: Bytes,
    left_to_send: usize,
    left_to_hear: usize,
    busy: Rc<(Cell<usize>, Notify)>,
}

impl<S: Sink<Message, Error = WsProtocolError> + Unpin + 'static> Actor for Bare<S> {
    type Context = Context<Self>;
}

impl<S: Sink<Message, Error = WsProtocolError> + Unpin + 'static> WriteHandler<WsProtocolError>
    for Bare<S>
{
}

impl<S: Sink<Message, Error = WsProtocolError> + Unpin + 'static>
    StreamHandler<Result<Frame, WsProtocolError>> for Bare<S>
{
    fn handle(&mut self, frame: Result<Frame, WsProtocolError>, ctx: &mut Context<Self>) {
        let Ok(Frame::Binary(_)) = frame else {
            return;
        };
        if self.left_to_send > 0 {
            self.left_to_send -= 1;
            let _accepted = self.sink.write(Message::Binary(self.answer.clone()));
        }
        self.left_to_hear -= 1;
        if self.left_to_hear == 0 {
            self.busy.0.update(|busy| busy - 1);
            self.busy.1.notify_one();
            ctx.stop();
        }
    }
}

/// The CPU time for echoing `load`, in an actix system.
pub async fn echo(url: &str, load: Load) -> Duration {
    let client = Client::builder()
        .connector(Connector::new().limit(0))
        .finish();
    let busy = Rc::new((Cell::new(SOCKETS), Notify::new()));
    let answer = Bytes::from(vec![7; load.size]);
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let connected = client.ws(format!("{url}/echo")).connect().await;
        sockets.push(connected.expect("a socket").1);
    }
    let before = cpu();
    for socket in sockets {
        Bare::create(|ctx| {
            let (sink, stream) = socket.split();
            Bare::add_stream(stream, ctx);
            let mut sink = SinkWrite::new(sink, ctx);
            for _ in 0..load.in_flight {
                let _accepted = sink.write(Message::Binary(answer.clone()));
            }
            Bare {
                sink,
                answer: answer.clone(),
                left_to_send: load.each() - load.in_flight,
                left_to_hear: load.each(),
                busy: Rc::clone(&busy),
            }
        });
    }
    while busy.0.get() > 0 {
        busy.1.notified().await;
    }
    cpu() - before
}
