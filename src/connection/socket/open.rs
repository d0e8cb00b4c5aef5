//! Turns a finished dial into a socket.

use std::{net::SocketAddr, time::Instant};

use super::{
    Sent, Socket,
    codec::{codec, message_decoder},
    early::Early,
    reader::Reader,
    writer::Writer,
};
use crate::{
    connection::{
        State,
        arbiter::stall_detector,
        state::{ActorState, reported::Upgrade},
    },
    core::{Cause, Deadlines, Message},
    events::{self, EventKind},
    settings::Opening,
    transport::{self, Secrets},
};

/// Facts about a socket for events and status.
#[derive(Clone, Debug)]
pub(in crate::connection) struct SocketInfo {
    pub peer: SocketAddr,
    pub subprotocol: Option<String>,
    pub timings: events::DialTimings,
    pub tls: Option<events::TlsReport>,
}

impl SocketInfo {
    /// The part that the status keeps.
    pub fn upgrade(&self) -> Option<Box<Upgrade>> {
        (self.subprotocol.is_some() || self.tls.is_some()).then(|| {
            Box::new(Upgrade {
                subprotocol: self.subprotocol.clone(),
                tls: self.tls,
            })
        })
    }
}

impl Socket {
    /// Takes over a finished dial as the current socket: queues the opening messages, starts the
    /// heartbeat.
    pub(in crate::connection) fn open(
        act: &mut ActorState,
        opened: transport::Opened,
        now: Instant,
    ) -> Result<Box<Self>, Cause> {
        let compression = opened.compression;
        let replaces = act.life.is_replacing();
        let (mut socket, info) = Self::new(act, opened, now)?;
        act.life.opened(now);
        act.inbound.begin_numbers();
        act.reported.upgrade = info.upgrade();
        act.show(State::Opening, None);
        if replaces && let Some(old) = act.last.close.as_deref() {
            let rotated = events::Rotated {
                peer: info.peer,
                subprotocol: info.subprotocol,
                incarnation: act.life.incarnation(),
                timings: info.timings,
                tls: info.tls,
                old: old.report(),
                doubled: 0,
            };
            act.publish(EventKind::Rotated(Box::new(rotated)));
            socket.begin_conversation(act, now);
            return Ok(socket);
        }
        let opened = events::Opened {
            peer: info.peer,
            subprotocol: info.subprotocol,
            compression,
            incarnation: act.life.incarnation(),
            timings: info.timings,
            tls: info.tls,
        };
        act.publish(EventKind::Opened(Box::new(opened)));
        socket.begin_conversation(act, now);
        Ok(socket)
    }

    /// Takes over a finished dial, and queues the opening messages.
    pub(in crate::connection) fn new(
        act: &ActorState,
        opened: transport::Opened,
        now: Instant,
    ) -> Result<(Box<Self>, SocketInfo), Cause> {
        let (decoder, deflater) = codec(&act.settings, opened.compression.as_ref());
        let mut writer = Writer::new(deflater);
        for message in openings(act, &opened.secrets)? {
            writer.message(message);
        }
        let reader = Reader::new(decoder, opened.leftover, &act.process.memory);
        let info = SocketInfo {
            peer: opened.peer,
            subprotocol: opened.subprotocol,
            timings: opened.timings.into(),
            tls: opened.tls,
        };
        let socket = Box::new(Self {
            stream: opened.stream,
            reader: reader.decoding(message_decoder(&act.settings)),
            writer,
            alive: now,
            deadlines: Deadlines::new(stall_detector::stalled(now), now),
            sent: Sent::new(act, opened.secrets),
            early: Some(Box::new(Early::of(opened.prepared))),
        });
        Ok((socket, info))
    }
}

/// The first messages: `on_open`, then `Connect`'s data. With a script, the data follow it.
fn openings(act: &ActorState, secrets: &Secrets) -> Result<Vec<Message>, Cause> {
    let mut messages = Vec::with_capacity(act.settings.on_open.len() + 1);
    for opening in &act.settings.on_open {
        messages.push(match opening {
            Opening::Text(template) => Message::text(secrets.render(template)?.expose().to_owned()),
            Opening::Binary(bytes) => Message::Binary(bytes.clone()),
        });
    }
    if act.settings.dialogue.is_none() && act.settings.protocol.is_none() {
        messages.extend(connect_data(act));
    }
    Ok(messages)
}

/// `Connect`'s data.
pub(super) fn connect_data(act: &ActorState) -> Option<Message> {
    act.outbox
        .with(|locked| locked.connect_data.as_deref().cloned())
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
