//! What is told of a socket, and where.

use std::io::{self, IsTerminal as _};

use everwire::{Message, Update};
use serde_json::Value;

use crate::{
    cli::{Failure, event_line, output, stderr, words},
    terminal,
};

/// Messages go to standard output, a line each; what happens to the socket goes to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// All of it goes to standard output, as JSON.
    pub json: bool,
    /// What happens to the socket is not told.
    pub quiet: bool,
    /// Messages are told by somebody else, unless as JSON.
    pub only_events: bool,
}

impl Printer {
    /// Tells it.
    ///
    /// # Errors
    ///
    /// [`Failure::Output`].
    pub fn print(self, update: &Update) -> Result<(), Failure> {
        let json = || serde_json::to_value(update).map_err(|error| Failure::Output(error.into()));
        match update.message() {
            _ if self.json => output::print_json(&json()?.to_string()),
            Some(_) if self.only_events => Ok(()),
            Some((_, message)) => output::print_raw(&shown(message)),
            _ if self.quiet => Ok(()),
            _ => {
                let mut event = json()?;
                // There is but one name.
                event["name"] = Value::Null;
                let is_colored = terminal::is_colored(&io::stderr());
                stderr::complain(&event_line::of(&event, is_colored));
                Ok(())
            }
        }
    }
}

/// A pipe gets a text as it is; on a terminal it must not move the cursor.
fn shown(message: &Message) -> String {
    match message.as_text() {
        Some(text) if io::stdout().is_terminal() => words::printable(text),
        Some(text) => text.to_owned(),
        None => event_line::binary(message.payload()),
    }
}
