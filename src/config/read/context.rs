//! The context of reading, which also collects the errors.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use everwire_proto::settings::{Pattern, RateSettings, UrlPattern, dialogue::SharedPreparation};

use super::{File, Node, Place, Problem, Problems, Value, node::clipped, string};
use crate::{core::Cause, settings::Source};

/// The origin of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Origin {
    /// The operator: files and the environment are read as the text says.
    Files,
    /// A user of the API: the text may read neither.
    Api,
}

/// The buckets of `[rates]`, by key; `None` for one with errors.
pub(in crate::config) type Buckets = BTreeMap<String, Option<RateSettings>>;

/// The entries of `[prepare]`, by key; `None` for one with errors.
pub(in crate::config) type Preparations = BTreeMap<String, Option<Arc<SharedPreparation>>>;

/// Files that only a dial reads, with their errors.
pub(in crate::config) type LaterFiles = HashMap<(&'static str, Vec<PathBuf>), Option<String>>;

/// Names whose heartbeats must be able to confirm, and the place that requires it.
#[derive(Debug)]
pub(in crate::config) struct Confirmed {
    pub names: Pattern,
    pub place: Place,
}

/// The context of reading.
pub(in crate::config) struct Context<'a> {
    /// The origin of the text.
    pub origin: Origin,
    /// Files and variables.
    pub source: &'a dyn Source,
    /// The files that places point into.
    pub files: Vec<File>,
    /// The buckets that connections may name, once `[rates]` is read.
    pub buckets: Arc<Buckets>,
    /// The URLs on addresses that are not public which a peer may still name, once
    /// `service.allow_urls` is read.
    pub allow_urls: Arc<[UrlPattern]>,
    /// The preparations that connections may share, once `[prepare]` is read.
    pub preparations: Arc<Preparations>,
    /// The files that only a dial reads, as far as they were checked. `None` unless the
    /// configuration is only checked.
    pub later_files: Option<LaterFiles>,
    /// The names that `nats.out` needs confirmations of, as soon as `[nats]` has been read.
    pub confirmed: Option<Confirmed>,
    /// The patterns that `[nats]` bridges, and where they are written.
    pub bridged: Vec<(Pattern, Place)>,
    /// The errors so far.
    pub problems: Problems,
}

impl<'a> Context<'a> {
    /// An empty context.
    pub fn new(source: &'a dyn Source) -> Self {
        Self {
            origin: Origin::Files,
            source,
            files: Vec::new(),
            buckets: Arc::default(),
            allow_urls: Arc::default(),
            preparations: Arc::default(),
            later_files: None,
            confirmed: None,
            bridged: Vec::new(),
            problems: Problems::default(),
        }
    }

    /// Adds a file, for places to point into.
    pub fn add_file(&mut self, file: File) -> u32 {
        self.files.push(file);
        self.files.len() as u32 - 1
    }

    /// Also checks the files that only a dial reads, if the configuration is only checked. `read`
    /// reads them as the dial does, each once.
    pub fn look_at_later_files(
        &mut self,
        what: &'static str,
        paths: Vec<PathBuf>,
        read: impl FnOnce() -> Result<(), Cause>,
    ) -> Option<String> {
        let seen = self.later_files.as_mut()?;
        let wrong = seen.entry((what, paths));
        let wrong = wrong.or_insert_with(|| read().err().map(|cause| cause.text().into_owned()));
        wrong.clone()
    }

    /// Reports an error of the text at `place`.
    pub fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(place, message).help(help));
    }

    /// Reports something that only a file may contain; `false` if this is a file.
    pub fn refuse_over_api(&mut self, place: Place, what: &str, help: &str) -> bool {
        let refused = self.origin == Origin::Api;
        if refused {
            self.wrong(place, format!("{what} is not allowed over the API"), help);
        }
        refused
    }

    /// Reports a value of a wrong type.
    pub fn wrong_type<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", node.describe());
        self.problems.push(Problem::new(node.place, message));
        None
    }

    /// The same for a value that must be an array: a single text only lacks its brackets.
    pub fn wrong_list<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", node.describe());
        let problem = Problem::new(node.place, message);
        self.problems.push(match &node.value {
            Value::String(text) => problem.help(format!("write a list: [{:?}]", clipped(text))),
            _ => problem,
        });
        None
    }

    /// The same of a value that may be a secret: it is not quoted.
    pub fn wrong_secret<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        self.problems.hide(node.place);
        let problem = Problem::new(node.place, format!("expected {expected}"));
        self.problems.push(problem);
        None
    }

    /// The place of `part` within `place`, if the source spells it the same way; otherwise all of
    /// `place`.
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

    /// The place of a byte range of a string at `place` whose value is `text`.
    pub fn part(&self, place: Place, text: &str, span: Range<usize>) -> Place {
        let Some(file) = self.files.get(place.file as usize) else {
            return place;
        };
        let (raw, start) = (file.at(place), place.range(&file.text).start);
        let same_until = match string::locate(raw, text, &span) {
            Ok(part) => return Place::new(place.file, start + part.start..start + part.end),
            Err(at) => at,
        };
        // Text that a fleet has inserted is not in the source, and shifts what follows it.
        let part = text.get(span).unwrap_or_default();
        let behind = raw.get(same_until..).and_then(|rest| rest.find(part));
        match behind {
            Some(at) if !part.is_empty() => {
                let start = start + same_until + at;
                Place::new(place.file, start..start + part.len())
            }
            _ => place,
        }
    }

    /// Resolves a path that is written at `place`: a relative one starts at the folder of its file.
    pub fn resolve(&self, place: Place, path: &str) -> PathBuf {
        self.files
            .get(place.file as usize)
            .map_or_else(PathBuf::new, |file| file.folder.clone())
            .join(path)
    }
}
