//! A protocol in code, defined by functions.

use std::any::Any;

use super::*;
use crate::settings::ProtocolFactory;

/// A protocol whose callbacks are functions; absent ones do nothing.
#[derive(Default)]
pub(super) struct Told {
    pub opened: Option<Call>,
    pub message: Option<fn(&Message, &mut Cx<'_>) -> Deliver>,
    pub timer: Option<fn(TimerId, &mut Cx<'_>)>,
    pub lost: Option<fn(&Cause, &mut Cx<'_>)>,
    pub ready: Option<Call>,
    pub compose: Option<fn(TurnId, &mut Cx<'_>) -> Option<Message>>,
    pub written: Option<fn(TurnId, &mut Cx<'_>)>,
    pub goodbye: Option<Call>,
    /// The number of received messages; the successor continues to count.
    pub heard: u32,
}

pub(super) type Call = fn(&mut Cx<'_>);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}

impl Protocol for Told {
    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(opened) = self.opened {
            opened(cx);
        }
    }

    fn message(&mut self, message: &Message, cx: &mut Cx<'_>) -> Deliver {
        self.heard += 1;
        if message.as_text() == Some("how many?") {
            cx.send(self.heard.to_string());
        }
        self.message.map_or(Deliver::Yes, |hear| hear(message, cx))
    }

    fn timer(&mut self, timer: TimerId, cx: &mut Cx<'_>) {
        if let Some(told) = self.timer {
            told(timer, cx);
        }
    }

    fn lost(&mut self, cause: &Cause, cx: &mut Cx<'_>) {
        if let Some(lost) = self.lost {
            lost(cause, cx);
        }
    }

    fn ready(&mut self, cx: &mut Cx<'_>) {
        if let Some(ready) = self.ready {
            ready(cx);
        }
    }

    fn compose(&mut self, turn: TurnId, cx: &mut Cx<'_>) -> Option<Message> {
        self.compose.and_then(|compose| compose(turn, cx))
    }

    fn written(&mut self, turn: TurnId, cx: &mut Cx<'_>) {
        if let Some(written) = self.written {
            written(turn, cx);
        }
    }

    fn has_goodbye(&self) -> bool {
        self.goodbye.is_some()
    }

    fn goodbye(&mut self, cx: &mut Cx<'_>) {
        if let Some(goodbye) = self.goodbye {
            goodbye(cx);
        }
    }

    fn successor(&self) -> Option<Box<dyn Protocol>> {
        let (opened, message) = (self.opened, self.message);
        Some(Box::new(Self {
            opened,
            message,
            ..Self::default()
        }))
    }

    fn adopt(&mut self, before: Box<dyn Protocol>) {
        if let Ok(before) = (before as Box<dyn Any>).downcast::<Self>() {
            self.heard += before.heard;
        }
    }
}

/// Rehearses it on an open socket.
pub(super) fn open(make: impl Fn() -> Told + Send + Sync + 'static) -> Rehearsal<'static> {
    let factory = ProtocolFactory::new(make);
    let mut rehearsal = Rehearsal::new(factory, &LengthSigner, Instant::now());
    rehearsal.open();
    rehearsal
}

/// The actions as text.
pub(super) fn told(rehearsal: &mut Rehearsal<'_>) -> String {
    let done = rehearsal.done();
    let done: Vec<String> = done.iter().map(done_text).collect();
    done.join("; ")
}

pub(super) fn done_text(done: &Done) -> String {
    match done {
        Done::Sent(message) => format!("sent {}", text_of(message)),
        Done::Answered(message) => format!("answer {}", text_of(message)),
        Done::Ready => "ready".into(),
        Done::Beats => "beat".into(),
        Done::Times {
            interval,
            timeout,
            idle,
        } => format!("times {interval:?} {timeout:?} {idle:?}"),
        Done::Rotates { url: None } => "rotate".into(),
        Done::Rotates { url: Some(url) } => format!("rotate to {url}"),
        Done::NextUrl(url) => format!("next {url}"),
        Done::Error(cause) => format!("error {cause}"),
        Done::Closes => "closes".into(),
        Done::Lost(cause) => format!("lost {cause}"),
        Done::Failed(cause) => format!("failed {cause}"),
    }
}
