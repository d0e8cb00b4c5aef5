//! Collects errors, each once.

use std::collections::{HashMap, HashSet};

use super::{File, Place, Pointers};
use crate::{
    config::{diagnostics::Diagnostics, invalid_json::KeyError},
    settings::{Diagnostic, Excerpt, Related},
};

/// How many errors are reported; the rest is counted.
const MAX_TOLD: usize = 200;

/// How many errors are reported for one place: a fleet's template may be wrong for each of its
/// names.
const MAX_TOLD_AT_PLACE: usize = 5;

/// One error.
#[derive(Debug)]
pub(in crate::config) struct Problem {
    place: Place,
    message: String,
    help: Option<String>,
    related: Option<(Place, String)>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The text is not TOML.
    Syntax,
    /// Something is missing; a syntax error in the same file may be the reason.
    Absence,
    Other,
}

/// The errors so far.
#[derive(Debug, Default)]
pub(in crate::config) struct Problems {
    found: Vec<Problem>,
    /// Things that are valid, but look like a mistake.
    warnings: Vec<Problem>,
    seen: HashSet<(Place, Option<Place>, String)>,
    at_place: HashMap<Place, usize>,
    omitted: usize,
    /// The connection that is currently read from a template.
    pub subject: Option<String>,
    /// Places that an earlier syntax error makes meaningless.
    distrusted: Vec<Place>,
    /// Literal secrets, masked where the source is quoted.
    hidden: HashSet<Place>,
}

impl Problem {
    /// An error at `place`.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            help: None,
            related: None,
            kind: Kind::Other,
        }
    }

    /// The file is not TOML here.
    pub fn syntax(place: Place, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Syntax,
            ..Self::new(place, message)
        }
    }

    /// Something is missing at `place`.
    pub fn absence(place: Place, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Absence,
            ..Self::new(place, message)
        }
    }

    /// Adds a remedy.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a related place.
    pub fn related(mut self, place: Place, message: impl Into<String>) -> Self {
        self.related = Some((place, message.into()));
        self
    }
}

impl Problems {
    /// Adds an error, unless the same was reported for the same places before.
    pub fn push(&mut self, mut problem: Problem) {
        let related = problem.related.as_ref().map(|(place, _)| *place);
        let key = (problem.place, related, problem.message.clone());
        if !self.seen.insert(key.clone()) {
            return;
        }
        let at_place = self.at_place.entry(problem.place).or_default();
        *at_place += 1;
        if *at_place > MAX_TOLD_AT_PLACE || self.found.len() >= MAX_TOLD {
            // Errors that are only counted need not be remembered.
            self.seen.remove(&key);
            self.omitted += 1;
        } else {
            if let Some(subject) = &self.subject {
                problem.message = format!("{}, for `{subject}`", problem.message);
            }
            self.found.push(problem);
        }
    }

    /// Adds a warning, unless the same was reported before.
    pub fn warn(&mut self, problem: Problem) {
        let key = (problem.place, None, problem.message.clone());
        if self.warnings.len() < MAX_TOLD && self.seen.insert(key) {
            self.warnings.push(problem);
        }
    }

    /// From now on reports only syntax errors for `place`.
    pub fn distrust(&mut self, place: Place) {
        self.distrusted.push(place);
    }

    /// Masks the text at `place` wherever the source is quoted.
    pub fn hide(&mut self, place: Place) {
        self.hidden.insert(place);
    }

    /// All warnings, in the order of the files.
    ///
    /// # Errors
    ///
    /// All errors.
    pub fn into_diagnostics(mut self, files: Vec<File>) -> Result<Vec<Diagnostic>, Diagnostics> {
        if self.found.is_empty() && self.warnings.is_empty() {
            return Ok(Vec::new());
        }
        let shown = blot_out(&files, &self.hidden);
        let lines: Vec<Lines> = files.iter().map(|file| Lines::of(&file.text)).collect();
        let in_order = |mut problems: Vec<Problem>| {
            problems.sort_by_key(|problem| problem.place);
            let problems = problems.into_iter();
            problems
                .map(|problem| problem.into_diagnostic(&files, &shown, &lines))
                .collect()
        };
        if self.found.is_empty() {
            return Ok(in_order(self.warnings));
        }
        self.drop_consequences(&lines);
        Err(Diagnostics::new(in_order(self.found), self.omitted))
    }

    /// All errors of a JSON text, in its order, and how many more there are.
    pub fn into_key_errors(mut self, pointers: &Pointers) -> (Vec<KeyError>, usize) {
        self.found.sort_by_key(|problem| problem.place);
        let told = self.found.into_iter().map(|problem| KeyError {
            pointer: pointers.of(problem.place).to_owned(),
            message: problem.message,
            help: problem.help,
        });
        (told.collect(), self.omitted)
    }

    /// A syntax error makes later parts look wrong, too: keeps one error per broken line, and no
    /// "missing" in that file.
    fn drop_consequences(&mut self, lines: &[Lines]) {
        let line = |place: Place| (place.file, lines[place.file as usize].number(place.start));
        let broken: HashSet<_> = self
            .found
            .iter()
            .filter(|problem| problem.kind == Kind::Syntax)
            .map(|problem| line(problem.place))
            .collect();
        let files: HashSet<_> = broken.iter().map(|(file, _)| *file).collect();
        let distrusted = std::mem::take(&mut self.distrusted);
        let mut told = HashSet::new();
        self.found.retain(|problem| match problem.kind {
            Kind::Syntax => told.insert(line(problem.place)),
            Kind::Absence => !files.contains(&problem.place.file),
            Kind::Other => {
                !broken.contains(&line(problem.place))
                    && !distrusted.iter().any(|place| place.contains(problem.place))
            }
        });
    }
}

impl Problem {
    fn into_diagnostic(self, files: &[File], shown: &[String], lines: &[Lines]) -> Diagnostic {
        let file = |place: Place| &files[place.file as usize];
        let excerpt = |place: Place| {
            let shown = &shown[place.file as usize];
            lines[place.file as usize].excerpt(&file(place).text, shown, place)
        };
        let related = self.related.map(|(place, message)| {
            let excerpt = excerpt(place);
            Related::new(file(place).name.clone(), message, excerpt)
        });
        Diagnostic::new(
            file(self.place).name.clone(),
            self.message,
            self.help,
            excerpt(self.place),
            related,
        )
    }
}

/// The starts of the lines of a text.
struct Lines(Vec<u32>);

impl Lines {
    fn of(text: &str) -> Self {
        let behind_breaks = text.match_indices('\n').map(|(at, _)| at as u32 + 1);
        Self(std::iter::once(0).chain(behind_breaks).collect())
    }

    /// The number of the line with this byte, from 0.
    fn number(&self, offset: u32) -> usize {
        self.0.partition_point(|start| *start <= offset) - 1
    }

    /// The line of `text` on which `place` starts, as it is `shown`, and the part that the place
    /// covers.
    fn excerpt(&self, text: &str, shown: &str, place: Place) -> Excerpt {
        let range = place.range(text);
        let number = self.number(range.start as u32);
        let start = self.0[number] as usize;
        let line = shown[start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let first = (range.start - start).min(line.len());
        let end = (range.end - start).clamp(first, line.len());
        // A masked secret has one star per byte, which may be more than its characters.
        let column = text[start..start + first].chars().count() + 1;
        Excerpt::new(number + 1, column, line, first..end)
    }
}

/// The files' texts with literal secrets masked byte by byte, so that places stay valid; `${…}`
/// stays readable.
fn blot_out(files: &[File], hidden: &HashSet<Place>) -> Vec<String> {
    let mut shown: Vec<String> = files.iter().map(|file| file.text.clone()).collect();
    for place in hidden {
        let text = &mut shown[place.file as usize];
        let range = place.range(text);
        let blotted = blotted(&text[range.clone()]);
        text.replace_range(range, &blotted);
    }
    shown
}

fn blotted(text: &str) -> String {
    let mut blotted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let end = rest[start..]
            .find('}')
            .map_or(rest.len(), |at| start + at + 1);
        blotted.push_str(&stars(&rest[..start]));
        blotted.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    blotted.push_str(&stars(rest));
    blotted
}

fn stars(text: &str) -> String {
    let keep = |byte: u8| matches!(byte, b'"' | b'\'' | b'\n' | b'\r');
    text.bytes()
        .map(|byte| if keep(byte) { char::from(byte) } else { '*' })
        .collect()
}
