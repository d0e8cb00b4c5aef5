//! Runs a program whose output is an answer.

use std::{path::Path, process::Stdio, time::Duration};

use everwire_proto::{
    dialogue::{Response, Unanswered},
    settings::dialogue::PrepareStep,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    sync::Semaphore,
    time::timeout,
};

use crate::transport::error_text::plain;

/// The longest output, in bytes. The same limit applies to the error output, of which the start is
/// reported.
const MAX_OUTPUT: usize = 64 * 1024;

/// How many programs run at a time: without a limit, a fleet that reconnects would start one for
/// each name. Each runs for at most 10 s, so that the wait is bounded.
static PROGRAMS: Semaphore = Semaphore::const_new(16);

/// The only variable in the environment of a program.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts a program without a shell and with a clean environment, and waits for it. Kills it when
/// its time is over, when its output is too long, and when this future is dropped.
///
/// # Errors
///
/// Why there is no output.
pub(super) async fn run(
    program: &Path,
    arguments: &[String],
    within: Duration,
) -> Result<Response, Unanswered> {
    let within = within.min(PrepareStep::WITHIN);
    // The semaphore is never closed. The time of a program starts with the program.
    let _permit = PROGRAMS.acquire().await;
    let ran = timeout(within, wait(program, arguments)).await;
    let ran = ran.unwrap_or_else(|_| Err("it was killed, since its time was over".into()));
    ran.map_err(|text| Unanswered {
        text,
        is_refusal: false,
    })
}

async fn wait(program: &Path, arguments: &[String]) -> Result<Response, String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let started = command.spawn();
    let mut child = started.map_err(|error| format!("it cannot be started: {}", plain(&error)))?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let (output, errors) = tokio::try_join!(read(output), read(errors))?;
    let status = child.wait().await;
    let status = status.map_err(|error| plain(&error))?;
    let code = status.code().and_then(|code| u16::try_from(code).ok());
    let is_silent = output.iter().all(u8::is_ascii_whitespace);
    Ok(Response {
        status: code,
        // The error output says what went wrong.
        body: match code != Some(0) && is_silent {
            true => errors,
            false => output,
        },
        ..Response::default()
    })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let Some(pipe) = pipe else {
        return Ok(text);
    };
    let mut pipe = pipe.take(MAX_OUTPUT as u64 + 1);
    let read = pipe.read_to_end(&mut text).await;
    read.map_err(|error| plain(&error))?;
    match text.len() > MAX_OUTPUT {
        true => Err(format!(
            "it was killed, since it wrote more than {MAX_OUTPUT} bytes"
        )),
        false => Ok(text),
    }
}
