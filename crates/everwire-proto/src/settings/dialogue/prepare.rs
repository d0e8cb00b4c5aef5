//! The preparation of a dial: HTTP calls and programs whose answers the dial and its script need.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::Capture;
use crate::language::{Expression, Lets, MessageTemplate, Names, json::PointerSet};

/// The preparation of each dial.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepare {
    /// Separate for each dial.
    Own(Arc<Preparation>),
    /// Once for all names that share it.
    Shared(Arc<SharedPreparation>),
}

/// `[prepare.KEY]`: one call at a time for all names, whose captures are reused for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedPreparation {
    /// The key.
    pub key: Box<str>,
    /// How long its captures are reused; zero: each dial asks again.
    pub keep: Duration,
    /// Whether each node of a cluster prepares for itself; else all names that share it are in one
    /// shard. Without a cluster it changes nothing.
    pub per_node: bool,
    /// The steps.
    pub preparation: Arc<Preparation>,
}

/// The steps of a preparation. Their expressions read answers, and share no pointers with those for
/// a socket's messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    /// The captures and `let`s that the steps read. For a name's own preparation they have the
    /// numbers of its dialogue.
    pub names: Names,
    /// The pointers of all expressions.
    pub pointers: PointerSet,
    /// The `let`s.
    pub lets: Lets,
    /// The steps, in order.
    pub steps: Vec<PrepareStep>,
}

/// A step: a call, and how its answer is judged.
///
/// An answer is tried on `give_up`, `fail` and `expect`, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct PrepareStep {
    /// The call.
    pub call: StepCall,
    /// What the answer must be; `None`: a status of 2xx, or 0 for a program.
    pub expect: Option<Expression>,
    /// A temporary refusal.
    pub fail: Option<Expression>,
    /// A permanent refusal.
    pub give_up: Option<Expression>,
    /// The time limit, from its turn on.
    pub within: Duration,
    /// Captures from the answer. All of them are secret, and all must be present.
    pub capture: Vec<Capture>,
    /// Captures that are cleared when the step has passed.
    pub clear: Vec<u16>,
    /// Whether the step runs at all.
    pub condition: Option<Expression>,
}

/// The call of a step, of `prepare` or of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum StepCall {
    /// An HTTP request.
    Http(HttpRequest),
    /// A program.
    Exec(Program),
}

/// An HTTP request, as templates.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    /// The method, as it is sent.
    pub method: &'static str,
    /// `http://` or `https://`; checked when it is rendered.
    pub url: MessageTemplate,
    /// Its headers; names are valid.
    pub headers: Vec<(String, MessageTemplate)>,
    /// Its body.
    pub body: Option<MessageTemplate>,
}

/// A program and its arguments. There is no shell.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The program itself. A peer cannot choose it.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<MessageTemplate>,
}

impl Prepare {
    /// The steps.
    pub fn preparation(&self) -> &Arc<Preparation> {
        match self {
            Self::Own(preparation) => preparation,
            Self::Shared(shared) => &shared.preparation,
        }
    }
}

impl Preparation {
    /// Its templates. Their files and stored secrets are read before.
    pub fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let steps = self.steps.iter().flat_map(|step| step.call.templates());
        steps.chain(self.lets.iter())
    }

    /// Its conditions and captured values.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.steps.iter().flat_map(|step| {
            let conditions = [&step.expect, &step.fail, &step.give_up, &step.condition];
            let captures = step.capture.iter().flat_map(Capture::expressions);
            conditions.into_iter().flatten().chain(captures)
        })
    }
}

impl PrepareStep {
    /// The default time limit of a step, from its turn on; also the most that a program gets.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// A step that makes this call, without conditions on the answer.
    pub fn new(call: StepCall) -> Self {
        Self {
            call,
            expect: None,
            fail: None,
            give_up: None,
            within: Self::WITHIN,
            capture: Vec::new(),
            clear: Vec::new(),
            condition: None,
        }
    }
}

impl StepCall {
    /// The templates that are rendered for it.
    pub fn templates(&self) -> Vec<&MessageTemplate> {
        match self {
            Self::Http(request) => request.templates(),
            Self::Exec(program) => program.arguments.iter().collect(),
        }
    }
}

impl HttpRequest {
    /// The templates that are rendered for it.
    pub fn templates(&self) -> Vec<&MessageTemplate> {
        let headers = self.headers.iter().map(|(_, value)| value);
        std::iter::once(&self.url)
            .chain(headers)
            .chain(&self.body)
            .collect()
    }
}
