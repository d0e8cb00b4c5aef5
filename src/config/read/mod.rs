//! Reading typed values out of the tree of a file: every error is collected, and reading goes on.

mod json;
mod names;
mod node;
mod place;
mod problems;
mod syntax;
mod table;

use std::path::PathBuf;

use serde_json::Value as Json;

pub(super) use self::{
    json::{Pointers, parse_json},
    names::{Item, Named, Section},
    node::{Entry, Node, Table, Value, backticked},
    place::{File, Place, boundary},
    problems::{Problem, Problems},
    syntax::parse,
    table::{Keys, read_entries, read_table, similar, table, table_schema, unknown_key},
};
use super::Source;

/// A value of the configuration: how it is read, how it is described to others, how a nearer layer changes it.
pub(super) trait Read: Sized {
    /// Reads the value. What is wrong is told to the context; `None` when nothing can be made of it.
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self>;

    /// The JSON Schema of what is accepted.
    fn schema() -> Json;

    /// Lets a nearer layer change this value: it replaces it, unless the value is a table.
    fn overlay(&mut self, nearer: Self) {
        *self = nearer;
    }
}

/// A value, and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub value: T,
    pub place: Place,
}

impl<T: Read> Located<T> {
    /// Reads a value and keeps its place.
    pub fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        T::read(node, context).map(|value| Self {
            value,
            place: node.place,
        })
    }
}

/// Lets the nearer of two layers change what the other says.
pub(super) fn overlay<T: Read>(value: &mut Option<Located<T>>, nearer: Option<Located<T>>) {
    match (value.as_mut(), nearer) {
        (_, None) => {}
        (None, nearer) => *value = nearer,
        (Some(value), Some(nearer)) => {
            value.value.overlay(nearer.value);
            value.place = nearer.place;
        }
    }
}

/// Who wrote what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The operator: files and the environment are read where the text says so.
    Files,
    /// Whoever may use the API: the text reaches neither.
    Api,
}

/// What reading needs besides the tree.
pub(super) struct Context<'a> {
    /// Who wrote it.
    pub origin: Origin,
    /// Files and variables.
    pub source: &'a dyn Source,
    /// The files that places point into.
    pub files: Vec<File>,
    /// What is wrong, so far.
    pub problems: Problems,
}

impl<'a> Context<'a> {
    /// Nothing read, nothing wrong.
    pub fn new(source: &'a dyn Source) -> Self {
        Self {
            origin: Origin::Files,
            source,
            files: Vec::new(),
            problems: Problems::default(),
        }
    }

    /// Adds a file, for places to point into.
    pub fn add_file(&mut self, file: File) -> u32 {
        self.files.push(file);
        self.files.len() as u32 - 1
    }

    /// Tells what is wrong with the text at `place`.
    pub fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(place, message).help(help));
    }

    /// Tells about something that only a file may say; false where a file says it.
    pub fn refuse_over_api(&mut self, place: Place, what: &str, help: &str) -> bool {
        let refused = self.origin == Origin::Api;
        if refused {
            self.wrong(place, format!("{what} is not allowed over the API"), help);
        }
        refused
    }

    /// Tells that a value has the wrong type.
    pub fn wrong_type<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", node.describe());
        self.problems.push(Problem::new(node.place, message));
        None
    }

    /// The same of a value that may be a secret: it is not quoted.
    pub fn wrong_secret<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        self.problems.hide(node.place);
        let problem = Problem::new(node.place, format!("expected {expected}"));
        self.problems.push(problem);
        None
    }

    /// The place of `part` within `place`, when the source spells it the same way; all of `place` otherwise.
    pub fn within(&self, place: Place, part: &str) -> Place {
        let Some(file) = self.files.get(place.file as usize) else {
            return place;
        };
        match file.at(place).find(part) {
            Some(at) => {
                let start = place.range(&file.text).start + at;
                Place::new(place.file, start..start + part.len())
            }
            None => place,
        }
    }

    /// A path as it is written at `place`: a relative one starts at the folder of its file.
    pub fn resolve(&self, place: Place, path: &str) -> PathBuf {
        self.files
            .get(place.file as usize)
            .map_or_else(PathBuf::new, |file| file.folder.clone())
            .join(path)
    }
}
