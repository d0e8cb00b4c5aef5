//! A call, filled: one of a step, or of whatever else asks for it.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    language::{MessageTemplate, Rendered, Secret, Unfilled, World},
    settings::dialogue::{HttpRequest, Program, StepCall},
};

/// The longest text that a template of a call comes to, in bytes.
const MAX_FILLED: usize = 1 << 20;

/// A shorter value of a header is no secret: it would be found in words that have nothing to do with it.
const SHORTEST_SECRET: usize = 4;

/// Headers whose values say nothing.
const HARMLESS: [&str; 5] = [
    "accept",
    "accept-language",
    "content-type",
    "origin",
    "user-agent",
];

/// A call, filled. `Debug` shows it as it was written.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// Who asks for it, and is told its answer.
    pub owner: CallOwner,
    /// What is called.
    pub target: CallTarget,
    /// How long it may take, from when its turn has come.
    pub within: Duration,
    /// What an operator reads: the method and the URL as it was written, without its query, or the program.
    pub shown: String,
    /// What must not be shown if an answer says it: secrets of which it was made, what was made of them, and what its headers say.
    pub secrets: Vec<Secret>,
}

/// Who asks for a call, and is told its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOwner {
    /// What is done before a dial.
    Prepare,
    /// The step of a script with this number.
    Step(u64),
}

/// A call's target, filled.
pub(super) struct FilledTarget {
    pub target: CallTarget,
    /// Secrets of which it was made, and what was made of them.
    pub secrets: Vec<Secret>,
}

/// What is called.
#[derive(Clone, PartialEq, Eq)]
pub enum CallTarget {
    /// An HTTP request.
    Http {
        /// Its method.
        method: &'static str,
        /// Its URL, which is not validated.
        url: String,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Option<Vec<u8>>,
    },
    /// A program.
    Exec {
        /// The program.
        path: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

impl Call {
    /// `shown`: what an operator reads of it.
    pub(super) fn new(
        owner: CallOwner,
        filled: FilledTarget,
        within: Duration,
        shown: String,
    ) -> Self {
        let FilledTarget {
            target,
            mut secrets,
        } = filled;
        if let CallTarget::Http { headers, .. } = &target {
            secrets.extend(secrets_of(headers));
        }
        Self {
            owner,
            target,
            within,
            shown,
            secrets,
        }
    }
}

/// What a server may repeat of headers, and nobody must be shown: their values, and what stands behind a scheme such as `Bearer`.
fn secrets_of(headers: &[(String, String)]) -> impl Iterator<Item = Secret> {
    let secret = headers.iter().filter(|(name, _)| {
        let is_harmless = |harmless: &str| name.eq_ignore_ascii_case(harmless);
        !HARMLESS.iter().any(|harmless| is_harmless(harmless))
    });
    let values = secret.flat_map(|(_, value)| {
        let behind = value.split_once(' ').map(|(_, rest)| rest);
        [Some(&**value), behind].into_iter().flatten()
    });
    let values = values.filter(|value| value.len() >= SHORTEST_SECRET);
    values.map(Secret::new)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.shown).finish()
    }
}

/// What is called.
///
/// # Errors
///
/// What cannot be filled, and why.
pub(super) fn target(call: &StepCall, world: &dyn World) -> Result<FilledTarget, NotFilled> {
    let mut filling = Filling {
        world,
        secrets: Vec::new(),
    };
    let target = match call {
        StepCall::Http(request) => filling.http(request),
        StepCall::Exec(program) => filling.exec(program),
    }?;
    Ok(FilledTarget {
        target,
        secrets: filling.secrets,
    })
}

/// What cannot be filled, and why.
pub(super) type NotFilled = (String, Unfilled);

struct Filling<'w> {
    world: &'w dyn World,
    secrets: Vec<Secret>,
}

impl Filling<'_> {
    fn http(&mut self, request: &HttpRequest) -> Result<CallTarget, NotFilled> {
        let url = self.text(&request.url).map_err(|why| ("url".into(), why))?;
        let mut headers = Vec::with_capacity(request.headers.len());
        for (name, value) in &request.headers {
            let filled = self.text(value);
            let filled = filled.map_err(|why| (format!("the header {name}"), why))?;
            headers.push((name.clone(), filled));
        }
        let body = request.body.as_ref().map(|body| self.fill(body));
        let body = body.transpose().map_err(|why| ("body".into(), why))?;
        Ok(CallTarget::Http {
            method: request.method,
            url,
            headers,
            body: body.map(Rendered::into_bytes),
        })
    }

    fn exec(&mut self, program: &Program) -> Result<CallTarget, NotFilled> {
        let mut arguments = Vec::with_capacity(program.arguments.len());
        for (at, argument) in program.arguments.iter().enumerate() {
            let filled = self.text(argument);
            let filled = filled.map_err(|why| (format!("argument {} of exec", at + 1), why))?;
            arguments.push(filled);
        }
        Ok(CallTarget::Exec {
            path: program.path.clone(),
            arguments,
        })
    }

    fn text(&mut self, template: &MessageTemplate) -> Result<String, Unfilled> {
        let filled = self.fill(template)?.into_text();
        match filled.len() <= MAX_FILLED {
            true => Ok(filled),
            false => Err(Unfilled::TooLong { max: MAX_FILLED }),
        }
    }

    fn fill(&mut self, template: &MessageTemplate) -> Result<Rendered, Unfilled> {
        let mut rendered = template.render(self.world)?;
        self.secrets.append(&mut rendered.take_secrets());
        Ok(rendered)
    }
}
