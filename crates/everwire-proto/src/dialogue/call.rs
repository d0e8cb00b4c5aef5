//! A rendered call, of a step or of another source.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    language::{MessageTemplate, Rendered, Secret, Unfilled, World},
    settings::dialogue::{HttpRequest, Program, StepCall},
};

/// The longest rendered text of a call's template, in bytes.
const MAX_FILLED: usize = 1 << 20;

/// A shorter header value is not masked: it would match unrelated text.
const SHORTEST_SECRET: usize = 4;

/// Headers whose values are not secret.
const HARMLESS: [&str; 5] = [
    "accept",
    "accept-language",
    "content-type",
    "origin",
    "user-agent",
];

/// A rendered call. `Debug` shows it as it was written.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// The source of the call, which gets its answer.
    pub owner: CallOwner,
    /// The target.
    pub target: CallTarget,
    /// The time limit, from its turn on.
    pub within: Duration,
    /// The text for an operator: the method and the URL as it was written, without its query, or
    /// the program.
    pub shown: String,
    /// Texts to mask in an answer: the secrets that were used, what was made of them, and header
    /// values.
    pub secrets: Vec<Secret>,
}

/// The source of a call, which gets its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOwner {
    /// The preparation of a dial.
    Prepare,
    /// The step of a script with this number.
    Step(u64),
    /// The subscription message with this number.
    Subscription(u64),
}

/// A call's rendered target.
pub(super) struct FilledTarget {
    pub target: CallTarget,
    /// The secrets that were used, and what was made of them.
    pub secrets: Vec<Secret>,
}

/// The target of a call.
#[derive(Clone, PartialEq, Eq)]
pub enum CallTarget {
    /// An HTTP request.
    Http {
        /// Its method.
        method: &'static str,
        /// Its URL, not yet checked.
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
    /// `shown`: the text for an operator.
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

/// Header parts that a server may repeat and that must be masked: the values, and the part after a
/// scheme such as `Bearer`.
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

/// Renders the target of a call.
///
/// # Errors
///
/// The part that cannot be rendered, and why.
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

/// Renders an HTTP request.
///
/// # Errors
///
/// The part that cannot be rendered, and why.
pub(super) fn http_target(
    request: &HttpRequest,
    world: &dyn World,
) -> Result<FilledTarget, NotFilled> {
    let mut filling = Filling {
        world,
        secrets: Vec::new(),
    };
    let target = filling.http(request)?;
    Ok(FilledTarget {
        target,
        secrets: filling.secrets,
    })
}

/// The part that cannot be rendered, and why.
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
