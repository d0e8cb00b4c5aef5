//! What is done before a dial: HTTP calls and programs, whose answers give what the dial and its script need.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::Capture;
use crate::language::{Expression, Lets, MessageTemplate, Names, json::PointerSet};

/// What is done before each dial.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepare {
    /// For each dial of its own.
    Own(Arc<Preparation>),
    /// Once for all names that share it.
    Shared(Arc<SharedPreparation>),
}

/// `[prepare.KEY]`: one call at a time for all names, whose captures are used again for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedPreparation {
    /// The key.
    pub key: Box<str>,
    /// How long its captures are used again; zero: each dial asks anew.
    pub keep: Duration,
    /// What is done.
    pub preparation: Arc<Preparation>,
}

/// Steps that are done before a dial. Their expressions look into answers, and share no pointers with those of a socket's messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    /// The captures and `let`s that the steps read; of a name's own those of its dialogue, by the same numbers.
    pub names: Names,
    /// The pointers of all expressions.
    pub pointers: PointerSet,
    /// The `let`s.
    pub lets: Lets,
    /// The steps, in order.
    pub steps: Vec<PrepareStep>,
}

/// A step: a call, and what its answer decides.
///
/// An answer is tried on `give_up`, `fail` and `expect`, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct PrepareStep {
    /// What is called.
    pub call: StepCall,
    /// What the answer must be; `None`: a status of 2xx, or of a program 0.
    pub expect: Option<Expression>,
    /// What is a refusal that may pass.
    pub fail: Option<Expression>,
    /// What is a refusal that stays.
    pub give_up: Option<Expression>,
    /// How long it may take, from when its turn has come.
    pub within: Duration,
    /// What is kept of the answer. All of it is secret, and all of it must be there.
    pub capture: Vec<Capture>,
    /// The captures that are forgotten when the step has passed.
    pub clear: Vec<u16>,
    /// Whether the step is taken at all.
    pub condition: Option<Expression>,
}

/// What a step calls: one of `prepare`, or of a script.
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
    /// `http://` or `https://`; validated when it is filled.
    pub url: MessageTemplate,
    /// Its headers; names are valid.
    pub headers: Vec<(String, MessageTemplate)>,
    /// Its body.
    pub body: Option<MessageTemplate>,
}

/// A program, and what it is started with. There is no shell.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The program itself. No peer chooses it.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<MessageTemplate>,
}

impl Prepare {
    /// What is done.
    pub fn preparation(&self) -> &Arc<Preparation> {
        match self {
            Self::Own(preparation) => preparation,
            Self::Shared(shared) => &shared.preparation,
        }
    }
}

impl Preparation {
    /// Its templates, which are filled with files and stored secrets that are read before.
    pub fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let steps = self.steps.iter().flat_map(|step| step.call.templates());
        steps.chain(self.lets.iter())
    }

    /// Its conditions, and what it captures.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.steps.iter().flat_map(|step| {
            let conditions = [&step.expect, &step.fail, &step.give_up, &step.condition];
            let captures = step.capture.iter().flat_map(Capture::expressions);
            conditions.into_iter().flatten().chain(captures)
        })
    }
}

impl PrepareStep {
    /// From when a step's turn has come to when it must have passed, unless the settings say otherwise; and the most that a program gets.
    pub const WITHIN: Duration = Duration::from_secs(10);

    /// The step that makes this call, and nothing of its answer.
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
    /// What is filled when it is made.
    pub fn templates(&self) -> Vec<&MessageTemplate> {
        match self {
            Self::Http(HttpRequest {
                url, headers, body, ..
            }) => {
                let headers = headers.iter().map(|(_, value)| value);
                std::iter::once(url).chain(headers).chain(body).collect()
            }
            Self::Exec(program) => program.arguments.iter().collect(),
        }
    }
}
