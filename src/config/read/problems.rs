//! Collects what is wrong, each thing once.

use std::collections::{HashMap, HashSet};

use super::{File, Place, Pointers};
use crate::{
    config::{diagnostics::Diagnostics, invalid_json::KeyError},
    settings::{Diagnostic, Excerpt, Related},
};

/// How many errors are told; the rest is counted.
const MAX_TOLD: usize = 200;

/// How many different errors are told about one place: a fleet's template may be wrong for each of its names.
const MAX_TOLD_AT_PLACE: usize = 5;

/// One thing that is wrong.
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
    /// The text is no TOML.
    Syntax,
    /// Something that should be there is not; a syntax error in the same file may be the reason.
    Absence,
    Other,
}

/// What is wrong, so far.
#[derive(Debug, Default)]
pub(in crate::config) struct Problems {
    found: Vec<Problem>,
    /// What is allowed, and looks like a mistake.
    warnings: Vec<Problem>,
    seen: HashSet<(Place, Option<Place>, String)>,
    at_place: HashMap<Place, usize>,
    omitted: usize,
    /// The connection that is read from a template just now.
    pub subject: Option<String>,
    /// What a syntax error before it makes meaningless.
    distrusted: Vec<Place>,
    /// Literal secrets, blotted out where the source is quoted.
    hidden: HashSet<Place>,
}

impl Problem {
    /// A problem with what stands at `place`.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            help: None,
            related: None,
            kind: Kind::Other,
        }
    }

    /// The file is no TOML here.
    pub fn syntax(place: Place, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Syntax,
            ..Self::new(place, message)
        }
    }

    /// Something is missing in what stands at `place`.
    pub fn absence(place: Place, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Absence,
            ..Self::new(place, message)
        }
    }

    /// What would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Another place that has to do with it.
    pub fn related(mut self, place: Place, message: impl Into<String>) -> Self {
        self.related = Some((place, message.into()));
        self
    }
}

impl Problems {
    /// Takes a problem, unless the same was told about the same places before.
    pub fn push(&mut self, mut problem: Problem) {
        let related = problem.related.as_ref().map(|(place, _)| *place);
        let key = (problem.place, related, problem.message.clone());
        if !self.seen.insert(key.clone()) {
            return;
        }
        let at_place = self.at_place.entry(problem.place).or_default();
        *at_place += 1;
        if *at_place > MAX_TOLD_AT_PLACE || self.found.len() >= MAX_TOLD {
            // What is only counted need not be remembered.
            self.seen.remove(&key);
            self.omitted += 1;
        } else {
            if let Some(subject) = &self.subject {
                problem.message = format!("{}, for `{subject}`", problem.message);
            }
            self.found.push(problem);
        }
    }

    /// Takes what is no error and looks like one, unless the same was told before.
    pub fn warn(&mut self, problem: Problem) {
        let key = (problem.place, None, problem.message.clone());
        if self.warnings.len() < MAX_TOLD && self.seen.insert(key) {
            self.warnings.push(problem);
        }
    }

    /// Nothing is told about `place` but what is wrong with its syntax.
    pub fn distrust(&mut self, place: Place) {
        self.distrusted.push(place);
    }

    /// Blots out what stands at `place` wherever the source is quoted.
    pub fn hide(&mut self, place: Place) {
        self.hidden.insert(place);
    }

    /// All that looks wrong, in the order of the files.
    ///
    /// # Errors
    ///
    /// All that is wrong.
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

    /// All that is wrong with a JSON text, in its order, and how much more there is.
    pub fn into_key_errors(mut self, pointers: &Pointers) -> (Vec<KeyError>, usize) {
        self.found.sort_by_key(|problem| problem.place);
        let told = self.found.into_iter().map(|problem| KeyError {
            pointer: pointers.of(problem.place).to_owned(),
            message: problem.message,
            help: problem.help,
        });
        (told.collect(), self.omitted)
    }

    /// A syntax error makes what follows look wrong too: one error per broken line, and nothing "missing" in that file.
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

/// Where the lines of a text start.
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

    /// The line of `text` that `place` starts on, as it is `shown`, and what the place covers of it.
    fn excerpt(&self, text: &str, shown: &str, place: Place) -> Excerpt {
        let range = place.range(text);
        let number = self.number(range.start as u32);
        let start = self.0[number] as usize;
        let line = shown[start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let first = (range.start - start).min(line.len());
        let end = (range.end - start).clamp(first, line.len());
        // A secret has as many stars as bytes, and fewer characters.
        let column = text[start..start + first].chars().count() + 1;
        Excerpt::new(number + 1, column, line, first..end)
    }
}

/// The files' texts with literal secrets replaced byte by byte, so that all places stay where they are; `${…}` stays readable.
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
