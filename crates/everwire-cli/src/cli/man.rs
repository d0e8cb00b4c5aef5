//! `everwire man`: manual pages for all commands, from the definitions of their arguments.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Args, Command, ValueHint};
use clap_mangen::{
    Man as Page,
    roff::{Inline, Roff, bold, italic, roman},
};

use super::Failure;

const MANUAL: &str = "everwire Manual";

const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "It is done."),
    ("1", "It failed."),
    ("2", "Wrong usage, or an invalid configuration."),
];

/// The files of an installed package.
const FILES: &[(&str, &str)] = &[
    (
        "/etc/everwire/everwire.toml",
        "The configuration that the systemd unit runs.",
    ),
    (
        "/var/lib/everwire",
        "What must outlive the process: state_dir of the systemd unit.",
    ),
    (
        "/usr/share/doc/everwire/examples",
        "Configurations to start from; full.toml holds every key.",
    ),
];

/// Write manual pages for all commands into a folder
///
/// For packages: man everwire-run reads everwire-run.1.
#[derive(Debug, Args)]
pub struct Man {
    /// The folder; it is created if it is missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
}

impl Man {
    /// Writes them.
    ///
    /// # Errors
    ///
    /// [`Failure::Undone`] if a page cannot be written.
    pub fn execute(self, command_line: Command) -> Result<(), Failure> {
        let folder = self.out;
        let written = fs::create_dir_all(&folder).and_then(|()| write(command_line, &folder));
        written.map_err(|error| {
            let shown = folder.display();
            Failure::Undone(format!("cannot write the manual pages to {shown}: {error}"))
        })
    }
}

fn write(command_line: Command, folder: &Path) -> io::Result<()> {
    let mut all = command_line.disable_help_subcommand(true);
    // Gives the commands their full names.
    all.build();
    let commands = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let commands: Vec<Command> = commands.cloned().collect();
    for command in &commands {
        write_page(command, &[&all], folder)?;
    }
    let others: Vec<&Command> = commands.iter().collect();
    write_page(&all, &others, folder)
}

fn write_page(command: &Command, others: &[&Command], folder: &Path) -> io::Result<()> {
    let source = concat!("everwire ", env!("CARGO_PKG_VERSION"));
    let page = Page::new(command.clone()).source(source).manual(MANUAL);
    // A page has the version. Without a date, the following fields would move to its place.
    let page = page.date(" ");
    let mut file = BufWriter::new(File::create(folder.join(page.get_filename()))?);
    page.render_title(&mut file)?;
    page.render_name_section(&mut file)?;
    synopsis(command).to_writer(&mut file)?;
    page.render_description_section(&mut file)?;
    page.render_options_section(&mut file)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut file)?;
    }
    more(command, others).to_writer(&mut file)?;
    file.flush()
}

/// How the command is written, with the names of all values: `clap_mangen` leaves those of options out.
fn synopsis(command: &Command) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["SYNOPSIS"]);
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    let mut words = vec![bold(name.replacen('-', " ", 1))];
    let arguments = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set());
    let (places, options): (Vec<_>, Vec<_>) = arguments.partition(|one| one.is_positional());
    for argument in options.into_iter().chain(places) {
        words.push(roman(" "));
        words.extend(written(argument));
    }
    if command.has_subcommands() {
        words.extend([roman(" "), italic("COMMAND")]);
    }
    roff.text(words);
    roff
}

/// An argument: `[--wait FATE]`, `[--json]`, `NAME`, `[DATA]`.
fn written(argument: &Arg) -> Vec<Inline> {
    let mut words = Vec::new();
    let name = argument.get_long().map(|long| format!("--{long}"));
    words.extend(name.map(bold));
    if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default().iter();
        let names = names
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let values = argument.get_num_args();
        let is_optional = values.is_some_and(|values| values.min_values() == 0);
        let (before, behind) = match (argument.is_positional(), is_optional) {
            (true, _) => ("", ""),
            (false, false) => (" ", ""),
            (false, true) if argument.is_require_equals_set() => ("[=", "]"),
            (false, true) => (" [", "]"),
        };
        words.extend([roman(before), italic(names), roman(behind)]);
    }
    if !argument.is_required_set() {
        words.insert(0, roman("["));
        words.push(roman("]"));
    }
    if matches!(argument.get_action(), ArgAction::Append) {
        words.push(roman("..."));
    }
    words
}

/// The sections that a definition of arguments does not have.
fn more(command: &Command, others: &[&Command]) -> Roff {
    let mut roff = Roff::default();
    if let Some(help) = command.get_after_help() {
        roff.control("SH", ["NOTES"]);
        paragraphs(&mut roff, &help.to_string());
    }
    section(&mut roff, "EXIT STATUS", EXIT_CODES);
    if command.has_subcommands() || command.get_name() == "run" {
        section(&mut roff, "FILES", FILES);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text(see_also(others));
    roff
}

fn paragraphs(roff: &mut Roff, text: &str) {
    for line in text.lines() {
        if line.trim().is_empty() {
            roff.control("PP", []);
        } else {
            roff.text([roman(line)]);
        }
    }
}

fn section(roff: &mut Roff, heading: &str, entries: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*text)]);
    }
}

fn see_also(others: &[&Command]) -> Vec<Inline> {
    let mut words = Vec::new();
    for (number, other) in others.iter().enumerate() {
        if number > 0 {
            words.push(roman(", "));
        }
        let name = other.get_display_name().unwrap_or_else(|| other.get_name());
        words.extend([bold(name), roman("(1)")]);
    }
    words
}
