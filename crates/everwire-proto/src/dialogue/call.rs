//! A call before a dial, filled.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    language::{MessageTemplate, Unfilled, World},
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
pub(super) fn target(call: &PrepareCall, world: &dyn World) -> Result<CallTarget, NotFilled> {
    match call {
        PrepareCall::Http(request) => http(request, world),
        PrepareCall::Exec(program) => exec(program, world),
    }
}

/// What cannot be filled, and why.
pub(super) type NotFilled = (String, Unfilled);

fn http(request: &HttpRequest, world: &dyn World) -> Result<CallTarget, NotFilled> {
    let headers = request.headers.iter().map(|(name, value)| {
        let filled = text(value, world).map_err(|why| (format!("the header {name}"), why))?;
        Ok((name.clone(), filled))
    });
    let body = request.body.as_ref().map(|body| body.render(world));
    Ok(CallTarget::Http {
        method: request.method,
        url: text(&request.url, world).map_err(|why| ("url".into(), why))?,
        headers: headers.collect::<Result<_, _>>()?,
        body: body
            .transpose()
            .map_err(|why| ("body".into(), why))?
            .map(|body| body.into_bytes()),
    })
}

fn exec(program: &Program, world: &dyn World) -> Result<CallTarget, NotFilled> {
    let arguments = program.arguments.iter().enumerate();
    let arguments = arguments.map(|(at, argument)| {
        text(argument, world).map_err(|why| (format!("argument {} of exec", at + 1), why))
    });
    Ok(CallTarget::Exec {
        path: program.path.clone(),
        arguments: arguments.collect::<Result<_, _>>()?,
    })
}

fn text(template: &MessageTemplate, world: &dyn World) -> Result<String, Unfilled> {
    let filled = template.render(world)?.into_text();
    match filled.len() <= MAX_FILLED {
        true => Ok(filled),
        false => Err(Unfilled::TooLong { max: MAX_FILLED }),
    }
}
