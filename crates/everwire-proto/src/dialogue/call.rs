//! A call before a dial, filled.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    language::{MessageTemplate, Rendered, Secret, Unfilled, World},
    settings::dialogue::{HttpRequest, PrepareCall, Program},
};

/// The longest text that a template of a call comes to, in bytes.
const MAX_FILLED: usize = 1 << 20;

/// A call, filled. `Debug` shows it as it was written.
pub struct Call {
    /// What is called.
    pub target: CallTarget,
    /// How long it may take, from when its turn has come.
    pub within: Duration,
    /// What an operator reads: the method and the URL as it was written, without its query, or the program.
    pub shown: String,
    /// What must not be shown if an answer says it: secrets of which it was made, and what was made of them.
    pub secrets: Vec<Secret>,
}

/// A call's target, filled.
pub(super) struct FilledTarget {
    pub target: CallTarget,
    /// As [`Call::secrets`].
    pub secrets: Vec<Secret>,
}

/// What is called.
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
pub(super) fn target(call: &PrepareCall, world: &dyn World) -> Result<FilledTarget, NotFilled> {
    let mut filling = Filling {
        world,
        secrets: Vec::new(),
    };
    let target = match call {
        PrepareCall::Http(request) => filling.http(request),
        PrepareCall::Exec(program) => filling.exec(program),
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
