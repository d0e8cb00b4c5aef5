//! What few conversations have.

use crate::{
    dialogue::{kept::Keeping, trace::Trace, unanswered::Unanswered},
    language::json::Spans,
    settings::dialogue::Dialogue,
};

/// What few conversations have. Boxed, and absent while there is none of it: a name that is ready may be silent for days.
#[derive(Debug, Default)]
pub(in crate::dialogue) struct Seldom(Option<Box<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    /// Where the dialogue keeps anything.
    keeping: Option<Keeping>,
    /// Where pings have their own answers, and one was not answered.
    unanswered: Unanswered,
    /// Memory of the last pass over a message, where nearly every message needs one.
    spans: Option<Spans>,
    /// Where somebody watches.
    trace: Option<Trace>,
}

impl Parts {
    fn is_empty(&self) -> bool {
        let Self {
            keeping,
            unanswered,
            spans,
            trace,
        } = self;
        keeping.is_none() && unanswered.is_empty() && spans.is_none() && trace.is_none()
    }
}

impl Seldom {
    /// What this dialogue needs from the start.
    pub fn of(dialogue: &Dialogue) -> Self {
        let mut seldom = Self::default();
        seldom.set_keeping(Keeping::of(dialogue));
        seldom
    }

    fn tidy(&mut self) {
        self.0.take_if(|parts| parts.is_empty());
    }

    pub fn keeping(&self) -> Option<&Keeping> {
        self.0.as_ref()?.keeping.as_ref()
    }

    pub fn keeping_mut(&mut self) -> Option<&mut Keeping> {
        self.0.as_mut()?.keeping.as_mut()
    }

    pub fn take_keeping(&mut self) -> Option<Keeping> {
        let keeping = self.0.as_mut()?.keeping.take();
        self.tidy();
        keeping
    }

    pub fn set_keeping(&mut self, keeping: Option<Keeping>) {
        if keeping.is_some() || self.0.is_some() {
            self.0.get_or_insert_default().keeping = keeping;
            self.tidy();
        }
    }

    /// A ping with this number was sent, which is answered by a message.
    pub fn pinged(&mut self, id: u64) {
        self.0.get_or_insert_default().unanswered.push(id);
    }

    /// Whether a ping was not answered.
    pub fn has_unanswered(&self) -> bool {
        self.unanswered() > 0
    }

    /// How many were not.
    pub fn unanswered(&self) -> usize {
        self.0.as_ref().map_or(0, |parts| parts.unanswered.len())
    }

    /// The first ping that a message answers is answered. Returns whether there was one.
    pub fn take_answered(&mut self, answers: impl FnMut(u64) -> bool) -> bool {
        let parts = self.0.as_mut();
        let is_answered = parts.is_some_and(|parts| parts.unanswered.take(answers));
        if is_answered {
            self.tidy();
        }
        is_answered
    }

    /// No ping of the socket is unanswered.
    pub fn forget_pings(&mut self) {
        if let Some(parts) = &mut self.0 {
            parts.unanswered = Unanswered::default();
            self.tidy();
        }
    }

    /// The memory of the last pass, if it was kept.
    pub fn take_spans(&mut self) -> Option<Spans> {
        self.0.as_mut()?.spans.take()
    }

    /// The same, where it stays with the conversation.
    pub fn spans(&mut self) -> &mut Spans {
        let parts = self.0.get_or_insert_default();
        parts.spans.get_or_insert_default()
    }

    /// It is kept for the next one.
    pub fn keep_spans(&mut self, spans: Spans) {
        self.0.get_or_insert_default().spans = Some(spans);
    }

    pub fn forget_spans(&mut self) {
        if let Some(parts) = &mut self.0 {
            parts.spans = None;
            self.tidy();
        }
    }

    pub fn trace(&self) -> Option<&Trace> {
        self.0.as_ref()?.trace.as_ref()
    }

    pub fn trace_mut(&mut self) -> Option<&mut Trace> {
        self.0.as_mut()?.trace.as_mut()
    }

    pub fn take_trace(&mut self) -> Option<Trace> {
        self.0.as_mut()?.trace.take()
    }

    pub fn set_trace(&mut self, trace: Option<Trace>) {
        if trace.is_some() || self.0.is_some() {
            self.0.get_or_insert_default().trace = trace;
            self.tidy();
        }
    }
}
