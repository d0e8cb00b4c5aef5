//! `everwire dial --steps`: shows a conversation, and evaluates expressions on its messages.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use everwire::{
    ConnectionSettings, EventKind, Events, Fate, Handle, Receipt, Reconnect, Update,
    connection::{Watch, Watched},
    dialogue::Happening,
};
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::{
    answers,
    farewell::{self, CLOSE},
    input,
    printer::Printer,
};
use crate::cli::{Failure, input::Lines, output, signals::Signals, stderr, words};

/// The most happenings that may wait while standard output is slow.
const HAPPENINGS: usize = 65_536;
/// How many of them are printed before anything else gets a turn.
const MOST: usize = 1024;
/// How long an expression from a pipe, and the end of the pipe, wait for an answer to the previous
/// line.
const ANSWER: Duration = Duration::from_secs(2);

/// The input.
pub struct Input {
    /// Line by line.
    pub lines: Lines,
    /// Whether the conversation continues after its end.
    pub stays: bool,
    /// Whether a person types it, who has seen the messages.
    pub is_typed: bool,
}

/// Makes the connection dial once, and only when it is watched.
pub fn prepare(connection: &mut ConnectionSettings) {
    connection.enabled = false;
    connection.reconnect = Reconnect::Never;
    // A connection without a dialogue can be watched, too.
    connection.dialogue.get_or_insert_default();
}

/// Prints what happens until the end of the input, a signal, or the end of the socket.
///
/// # Errors
///
/// [`Failure::Undone`] if the script, the dial or the socket fails.
pub async fn show(
    handle: &Handle,
    input: Input,
    events: Events,
    printer: Printer,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let gone = |gone: everwire::ConnectionGone| Failure::Undone(gone.to_string());
    let watch = handle.watch(HAPPENINGS).await.map_err(gone)?;
    let none = || Failure::Undone("the connection has no dialogue".into());
    let mut shown = Shown {
        printer,
        handle,
        is_typed: input.is_typed,
        watch: watch.ok_or_else(none)?,
        began: Timestamp::now(),
        is_ready: false,
        failed: None,
        last: None,
        awaits_answer: None,
    };
    let asked = handle.connect(None).await;
    asked.map_err(|error| Failure::Undone(error.to_string()))?;
    shown.talk(input, events, signals).await
}

/// A conversation that is printed.
struct Shown<'h> {
    printer: Printer,
    handle: &'h Handle,
    is_typed: bool,
    watch: Watch,
    began: Timestamp,
    is_ready: bool,
    /// Why the connection has given up.
    failed: Option<String>,
    /// The last line that was sent.
    last: Option<Receipt>,
    /// Later lines wait until then for an answer to the last line.
    awaits_answer: Option<Instant>,
}

impl Shown<'_> {
    async fn talk(
        &mut self,
        Input {
            mut lines, stays, ..
        }: Input,
        mut events: Events,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let (mut asked, mut is_over) = (VecDeque::new(), false);
        loop {
            self.answer_all(&mut asked).await?;
            let waits = self.awaits_answer;
            if is_over && asked.is_empty() && waits.is_none() && !stays {
                break;
            }
            tokio::select! {
                Some(watched) = self.watch.next() => self.tell(&watched)?,
                Some(update) = events.next() => {
                    self.hear(&update)?;
                    if let Some(failed) = &self.failed {
                        let failed = format!("gave up: {failed}");
                        self.tell_rest()?;
                        return Err(Failure::Undone(failed));
                    }
                }
                _signal = signals.next() => break,
                line = lines.next(), if self.is_ready && !is_over && asked.is_empty() => match line? {
                    Some(line) => self.take(line, &mut asked).await?,
                    None => is_over = true,
                },
                () = until(waits), if waits.is_some() => self.awaits_answer = None,
            }
        }
        self.close(events).await
    }

    /// Handles a line: evaluates or sends it.
    async fn take(&mut self, line: Bytes, asked: &mut VecDeque<String>) -> Result<(), Failure> {
        let question = std::str::from_utf8(&line)
            .ok()
            .and_then(|line| line.strip_prefix('?'))
            .filter(|rest| rest.is_empty() || rest.starts_with(' '));
        if let Some(question) = question {
            asked.push_back(question.trim().to_owned());
            return Ok(());
        }
        let sent = input::one(self.handle, line, self.last.as_ref()).await;
        self.last = Some(sent.map_err(|why| Failure::Undone(why.to_string()))?);
        // A person has seen the messages.
        if !self.is_typed {
            self.awaits_answer = Some(Instant::now() + ANSWER);
        }
        Ok(())
    }

    /// Evaluates the questions, unless an answer of the peer is awaited first.
    async fn answer_all(&mut self, asked: &mut VecDeque<String>) -> Result<(), Failure> {
        while self.awaits_answer.is_none()
            && let Some(question) = asked.pop_front()
        {
            // Earlier happenings are printed first.
            self.tell_rest()?;
            let question = match &*question {
                "" => "message",
                question => question,
            };
            let answer = answers::to(question, self.handle.evaluate(question).await)?;
            match self.printer.json {
                true => output::print_json(&answer.json.to_string())?,
                false => output::print(&answer.text)?,
            }
        }
        Ok(())
    }

    /// Prints a happening.
    fn tell(&mut self, watched: &Watched) -> Result<(), Failure> {
        if let Happening::Came { .. } = &watched.happening {
            self.awaits_answer = None;
        }
        if self.printer.json {
            let mut told = json!(watched);
            told["type"] = "dialogue".into();
            return output::print_json(&told.to_string());
        }
        if watched.missed > 0 {
            let missed = words::count(watched.missed, "line");
            output::print(&format!("{:>12}  ({missed} left out)", ""))?;
        }
        let after = words::between(self.began, watched.at);
        let after = words::duration(after.as_secs_f64() * 1e3);
        let whose = match watched.successor {
            true => "(successor) ",
            false => "",
        };
        let told = words::printable(&watched.happening.to_string());
        output::print(&format!("{after:>12}  {whose}{told}"))
    }

    /// Prints all happenings that were not printed yet, up to a limit.
    fn tell_rest(&mut self) -> Result<(), Failure> {
        for _ in 0..MOST {
            let Some(Some(watched)) = self.watch.next().now_or_never() else {
                break;
            };
            self.tell(&watched)?;
        }
        Ok(())
    }

    fn hear(&mut self, update: &Update) -> Result<(), Failure> {
        match update.kind() {
            Some(EventKind::Ready) if !self.is_ready => {
                self.is_ready = true;
                if self.is_typed && !self.printer.json {
                    stderr::complain(
                        "ready: a line is sent as a message, ? EXPR is tried on the last one, Ctrl-D ends",
                    );
                }
            }
            Some(EventKind::Failed(failed)) => self.failed = Some(failed.cause.to_string()),
            _ => {}
        }
        self.printer.print(update)
    }

    /// Closes when everything is written, and prints what is received until then.
    async fn close(&mut self, events: Events) -> Result<(), Failure> {
        if let Some(last) = &self.last {
            let written = tokio::time::timeout(CLOSE, last.fate(Fate::Written));
            let _unwritten = written.await;
        }
        self.tell_rest()?;
        let closed = farewell::close(self.handle, events, self.printer).await;
        self.tell_rest()?;
        closed
    }
}

async fn until(time: Option<Instant>) {
    if let Some(time) = time {
        tokio::time::sleep_until(time).await;
    }
}
