//! `everwire dial`: a conversation over a socket that reconnects, without a service.

mod answers;
mod course;
mod farewell;
mod input;
mod printer;
pub mod settings;
mod steps;

use std::{
    io::{self, IsTerminal},
    pin::pin,
    time::Duration,
};

use actix::System;
use clap::{Args, ValueHint};
use everwire::{Delivery, Events, Handle, Manager, Pattern};
use futures::{StreamExt, future::OptionFuture};

use self::{course::Course, farewell::CLOSE, printer::Printer, settings::Target, steps::Input};
use super::{Failure, config_path::ConfigOption, input::Lines, parse, signals::Signals};
use crate::service;

/// How many events may wait while standard output is slow.
const EVENTS: usize = 65_536;

/// Talk to a WebSocket server; no service is needed
///
/// The server is given by a URL, or by the name of a connection of a configuration.
///
/// Each line of standard input is a text message. Lines are sent in order, and wait while there is no socket. Messages are printed on
/// standard output, a line each; what happens to the socket is printed on standard error. The end of the input closes the socket when all
/// lines are sent, Ctrl-C closes it at once. The command fails if a message was not sent or is in doubt, if the server closes with an
/// error, or if the input ends before a dial has succeeded.
///
/// With --steps it dials once, and prints what the dialogue does: each step as it was written, what came, which expression decided and
/// after how long, and what rules do. After the script, lines are sent as messages; a line that begins with "? " is an expression, or a
/// template, that is tried on the last message. The command fails if the script fails.
#[derive(Debug, Args)]
pub struct Dial {
    /// The URL, with variables as in a configuration: wss://host/?key=${KEY}; or, without "://", the name of a connection
    #[arg(value_name = "URL|NAME", value_hint = ValueHint::Url)]
    url: String,

    #[command(flatten)]
    config: ConfigOption,

    /// Show each step of the dialogue, and try expressions on messages
    #[arg(long, conflicts_with = "linger")]
    steps: bool,

    /// The only message to send; - is standard input
    #[arg(
        default_value = "-",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    data: String,

    /// A header of the upgrade request, as in 'Authorization: Bearer ${file:token}'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = settings::header)]
    headers: Vec<(String, String)>,

    /// A subprotocol to offer; may be repeated
    #[arg(short, long = "subprotocol", value_name = "NAME")]
    subprotocols: Vec<String>,

    /// Any key of a connection, as in heartbeat.interval="5s" or reconnect="never"; may be repeated
    #[arg(long = "set", value_name = "KEY=TOML")]
    keys: Vec<String>,

    /// Keep the socket open after the end of the input, until Ctrl-C
    #[arg(long)]
    keep_open: bool,

    /// After the end of the input, wait until as many messages came as were sent; fail if that takes longer
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "10s", value_parser = parse::duration, conflicts_with = "keep_open")]
    linger: Option<Duration>,

    /// Print all events as JSON lines on standard output
    #[arg(long)]
    json: bool,

    /// Do not print what happens to the socket
    #[arg(short, long)]
    quiet: bool,
}

impl Dial {
    /// Runs until the end of the input, a signal, or the connection's failure.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the connection gives up, or if a message cannot be sent or may not have
    /// arrived.
    pub fn execute(self) -> Result<(), Failure> {
        let Target {
            name,
            settings,
            mut connection,
        } = self.target()?;
        if self.steps {
            steps::prepare(&mut connection);
        }
        System::new().block_on(async {
            let mut signals = Signals::new().map_err(Failure::Signals)?;
            let manager = Manager::start(settings).map_err(service::Error::Manager)?;
            let delivery = Delivery::default().events(EVENTS);
            let events = manager.subscribe(Pattern::all(), delivery);
            let handle = manager
                .open(&*name, connection)
                .map_err(service::Error::Open)?;
            let ended = match self.steps {
                true => {
                    let input = Input {
                        lines: self.lines()?,
                        stays: self.keep_open,
                        is_typed: self.data == "-" && io::stdin().is_terminal(),
                    };
                    steps::show(&handle, input, events, self.printer(), &mut signals).await
                }
                false => self.talk(&handle, events, &mut signals).await,
            };
            manager.shutdown(CLOSE).await;
            ended
        })
    }

    /// The connection to dial: a URL with the keys of the arguments, or a connection of the
    /// configuration.
    fn target(&self) -> Result<Target, Failure> {
        if self.url.contains("://") {
            return settings::of(&self.url, &self.headers, &self.subprotocols, &self.keys);
        }
        let has_keys = !(self.headers.is_empty() && self.subprotocols.is_empty());
        if has_keys || !self.keys.is_empty() {
            let name = &self.url;
            let told = format!(
                "{name:?} has no \"://\", and so is the name of a connection: its headers, subprotocols and keys stand in its \
                 configuration"
            );
            return Err(Failure::Usage(told));
        }
        settings::named(&self.url, self.config.path())
    }

    /// The lines that are sent.
    fn lines(&self) -> Result<Lines, Failure> {
        Ok(match &*self.data {
            "-" => Lines::of_stdin()?,
            line => Lines::only(line.to_owned()),
        })
    }

    fn printer(&self) -> Printer {
        Printer {
            json: self.json,
            quiet: self.quiet,
            only_events: self.steps,
        }
    }

    async fn talk(
        &self,
        handle: &Handle,
        mut events: Events,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let (lines, printer) = (self.lines()?, self.printer());
        let mut course = Course::default();
        let mut input = pin!(input::send(handle, lines));
        let mut writing = OptionFuture::default();
        let patience = self.linger.unwrap_or_default();
        let mut lingering = pin!(tokio::time::sleep(patience));
        loop {
            tokio::select! {
                Some(update) = events.next() => {
                    printer.print(&update)?;
                    course.hear(&update)?;
                }
                sent = &mut input, if course.is_reading() => writing = course.read(sent?),
                _fate = &mut writing, if course.is_writing() => {
                    course.written();
                    lingering.as_mut().reset(tokio::time::Instant::now() + patience);
                }
                () = &mut lingering, if self.linger.is_some() && course.is_written() => {
                    return Err(course.unanswered(patience));
                }
                _signal = signals.next() => break,
            }
            if !self.keep_open && course.is_over(self.linger.is_some())? {
                break;
            }
        }
        farewell::close(handle, events, printer).await
    }
}
