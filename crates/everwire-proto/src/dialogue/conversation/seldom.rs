//! State that few conversations have.

use crate::{
    dialogue::{kept::Keeping, trace::Trace, unanswered::Unanswered},
    language::json::Spans,
    settings::dialogue::Dialogue,
};

/// State that few conversations have. Boxed, and absent while empty: a ready name may be silent for
/// days.
#[derive(Debug, Default)]
pub(in crate::dialogue) struct Seldom(Option<Box<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    /// For a dialogue with kept captures.
    keeping: Option<Keeping>,
    /// For pings with their own answers, while one is unanswered.
    unanswered: Unanswered,
    /// The memory of the last pass over a message, if nearly every message needs one.
    spans: Option<Spans>,
    /// For a watcher.
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

    /// A ping with this number was sent, which a message answers.
    pub fn pinged(&mut self, id: u64) {
        self.0.get_or_insert_default().unanswered.push(id);
    }

    /// Whether a ping is unanswered.
    pub fn has_unanswered(&self) -> bool {
        self.unanswered() > 0
    }

    /// How many are unanswered.
    pub fn unanswered(&self) -> usize {
        self.0.as_ref().map_or(0, |parts| parts.unanswered.len())
    }

    /// Removes the first ping that a message answers. `true` if there was one.
    pub fn take_answered(&mut self, answers: impl FnMut(u64) -> bool) -> bool {
        let parts = self.0.as_mut();
        let is_answered = parts.is_some_and(|parts| parts.unanswered.take(answers));
        if is_answered {
            self.tidy();
        }
        is_answered
    }

    /// Forgets the socket's pings.
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

    /// The same memory, borrowed.
    pub fn spans(&mut self) -> &mut Spans {
        let parts = self.0.get_or_insert_default();
        parts.spans.get_or_insert_default()
    }

    /// Keeps the memory for the next pass.
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
