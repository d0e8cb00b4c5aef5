//! Prints messages and events of a socket.

use std::io::{self, IsTerminal as _};

use everwire::{Message, Update};
use serde_json::Value;

use crate::{
    cli::{Failure, event_line, output, stderr, words},
    terminal,
};

/// Messages go to standard output, a line each. Events of the socket go to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// Everything goes to standard output, as JSON.
    pub json: bool,
    /// Events of the socket are not printed.
    pub quiet: bool,
    /// Messages are printed by somebody else, except in JSON.
    pub only_events: bool,
}

impl Printer {
    /// Prints an update.
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
                // There is only one name.
                event["name"] = Value::Null;
                let is_colored = terminal::is_colored(&io::stderr());
                stderr::complain(&event_line::of(&event, is_colored));
                Ok(())
            }
        }
    }
}

/// A pipe gets the text unchanged. On a terminal, it must not move the cursor.
fn shown(message: &Message) -> String {
    match message.as_text() {
        Some(text) if io::stdout().is_terminal() => words::printable(text),
        Some(text) => text.to_owned(),
        None => event_line::binary(message.payload()),
    }
}
