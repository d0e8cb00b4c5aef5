//! `everwire rehearse`: runs a configuration against a peer that is generated from it.
//!
//! The expressions are inverted ([`answers`]) into the messages of a server. Each run ([`run`])
//! starts the unchanged name with a peer on this machine in place of all servers, and lets one
//! thing go wrong ([`plan`]). [`watching`] and [`secrets`] check the results.

mod answers;
mod encoder;
mod fault;
mod judge;
mod model;
mod names;
mod outcome;
mod peer;
mod placeholders;
mod plan;
mod playback;
mod rehearsed;
mod report;
mod run;
mod samples;
mod secrets;
mod shorten;
mod stage;
mod state_dir;
mod watching;

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use actix::System;
use clap::{Args, ValueHint};
use everwire::{Pattern, Settings};
use futures::{StreamExt as _, stream};

use self::{
    fault::{Fault, Place, What},
    names::Chosen,
    outcome::{Outcome, Verdict},
    placeholders::Placeholders,
    playback::Playback,
    report::{Counts, NameReport},
};
use super::{Failure, config_path::ConfigPath, explain, output, parse, recording, stderr};
use crate::service::BASE;

/// How many runs run at a time.
const AT_A_TIME: usize = 8;

/// Test a configuration against a server that is made from it, without network or credentials
///
/// A server on this machine sends what each step, rule and heartbeat of a connection expects. Each connection runs once as it is
/// written, and then once for each thing that can go wrong: the socket ends before, during and after each answer; a step is refused or
/// not answered; a rule gets its message; messages come that no server sends. A run fails if the connection hangs, dials in a loop,
/// gives up where it should not, or shows a secret. Missing variables, files and secrets get placeholders.
///
/// Waits are shortened, and rates are left out. TLS, proxies, programs and name servers are not rehearsed. The exit code is 1 if a run
/// failed.
#[derive(Debug, Args)]
pub struct Rehearse {
    #[command(flatten)]
    config: ConfigPath,

    /// Which connections: a name or a pattern, as in "market.*"
    #[arg(value_name = "NAME", value_parser = parse::pattern)]
    names: Option<Pattern>,

    /// Play back a recording of `everwire record`, and compare the decisions
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    from: Option<PathBuf>,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

impl Rehearse {
    /// Runs the rehearsal.
    ///
    /// # Errors
    ///
    /// [`Failure::Config`] for an invalid configuration, [`Failure::Usage`] if no name is selected,
    /// [`Failure::Undone`] if a run failed.
    pub fn execute(self) -> Result<(), Failure> {
        let placeholders = Rc::new(Placeholders::default());
        let settings = BASE.load_with(self.config.path(), &*placeholders);
        let settings = settings.map_err(Failure::Config)?;
        let chosen = match &self.from {
            Some(path) => self.recorded(path, &settings, &placeholders)?,
            None => self.chosen(&settings, &placeholders)?,
        };
        let reports = System::new().block_on(rehearse_all(&chosen));
        match self.json {
            true => output::print_json(&report::json(&reports).to_string())?,
            false => {
                let (table, summary) = (report::table(&reports), report::summary(&reports));
                output::print(&format!("{table}\n\n{summary}\n{}", report::SHORTENED))?;
            }
        }
        match Counts::of(&reports).failed {
            0 => Ok(()),
            1 => Err(Failure::Undone("1 run failed".into())),
            failed => Err(Failure::Undone(format!("{failed} runs failed"))),
        }
    }

    /// The name of a recording, or the given one.
    fn recorded(
        &self,
        path: &Path,
        settings: &Settings,
        placeholders: &Rc<Placeholders>,
    ) -> Result<Vec<Chosen>, Failure> {
        let read = recording::read(path);
        let (name, entries) = read.map_err(|error| Failure::Usage(error.to_string()))?;
        let pattern = match &self.names {
            Some(names) => names.clone(),
            None => Pattern::new(&name).map_err(|error| Failure::Usage(error.to_string()))?,
        };
        let mut chosen = names::of(settings, &pattern, placeholders);
        chosen.truncate(1);
        let playback = Arc::new(Playback::of(&entries));
        for chosen in &mut chosen {
            chosen.rehearsed.playback = Some(Arc::clone(&playback));
            chosen.alike = 0;
        }
        match chosen.is_empty() {
            false => Ok(chosen),
            true => Err(Failure::Usage(format!(
                "the recording is of {name:?}, but {} has no connection of that name with a socket of its own{}",
                self.config.path().display(),
                explain::names_there(settings)
            ))),
        }
    }

    fn chosen(
        &self,
        settings: &Settings,
        placeholders: &Rc<Placeholders>,
    ) -> Result<Vec<Chosen>, Failure> {
        let pattern = self.names.clone().unwrap_or_else(Pattern::all);
        let chosen = names::of(settings, &pattern, placeholders);
        match chosen.is_empty() {
            false => Ok(chosen),
            true => {
                let path = self.config.path().display();
                Err(Failure::Usage(format!(
                    "{path} has no such connection with a socket of its own{}",
                    explain::names_there(settings)
                )))
            }
        }
    }
}

async fn rehearse_all(chosen: &[Chosen]) -> Vec<NameReport> {
    let mut reports = Vec::with_capacity(chosen.len());
    for chosen in chosen {
        reports.push(rehearse(chosen).await);
    }
    reports
}

/// Runs all runs of a name.
async fn rehearse(chosen: &Chosen) -> NameReport {
    let rehearsed = &chosen.rehearsed;
    let whole = Fault::new(Place::Whole, What::AsWritten);
    let faults = match rehearsed.playback {
        Some(_) => vec![Fault::new(Place::Whole, What::Recorded)],
        None => plan::of(&rehearsed.subject(whole)),
    };
    let all = faults.len();
    let progress = Progress::begin(rehearsed.name.as_str(), all);
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(all);
    let mut faults = faults.into_iter();
    if let Some(whole) = faults.next() {
        outcomes.push(run::run(rehearsed, whole).await);
    }
    // If the dialogue fails as written, all other runs would fail for the same reason.
    if outcomes
        .iter()
        .all(|outcome| outcome.verdict() == Verdict::Passed)
    {
        let runs = faults.map(|fault| run::run(rehearsed, fault));
        let mut runs = stream::iter(runs).buffered(AT_A_TIME);
        while let Some(outcome) = runs.next().await {
            outcomes.push(outcome);
            progress.show(outcomes.len());
        }
    }
    progress.end();
    NameReport {
        name: rehearsed.name.to_string(),
        alike: chosen.alike,
        left_out: all - outcomes.len(),
        outcomes,
    }
}

/// The progress of a name, on standard error.
struct Progress<'n> {
    name: &'n str,
    runs: usize,
    is_terminal: bool,
}

impl<'n> Progress<'n> {
    fn begin(name: &'n str, runs: usize) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        if !is_terminal {
            stderr::complain(&format!("rehearsing {name}: {runs} runs"));
        }
        Self {
            name,
            runs,
            is_terminal,
        }
    }

    fn show(&self, done: usize) {
        if self.is_terminal {
            let mut stderr = std::io::stderr();
            // The progress line is not essential.
            let _unseen = write!(
                stderr,
                "\r\x1b[Krehearsing {}: {done} of {} runs",
                self.name, self.runs
            );
            let _unseen = stderr.flush();
        }
    }

    fn end(&self) {
        if self.is_terminal {
            let _unseen = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
