//! Loading a configuration: a text, a file, or a folder of files.

use std::path::{Path, PathBuf};

use super::{
    Diagnostics,
    assemble::assemble,
    combine::combine,
    keys::DocumentTable,
    read::{
        Context, File, LaterFiles, Node, Place, Problem, Table, Value, parse, read_entries,
        read_table,
    },
};
use crate::settings::{Settings, Source, System};

/// A program's additions to all configurations that it reads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Program {
    /// Keys of a connection that lie below `[defaults]`.
    pub keys: &'static str,
    /// The help for `[nats]` and `[cluster]` in a program without the bridge.
    pub without_nats: Option<&'static str>,
}

impl Settings {
    /// Reads settings from TOML text, with this process's environment. Relative paths stay relative.
    ///
    /// ```
    /// use everwire::config::Settings;
    ///
    /// let settings = Settings::from_toml("connections.feed.url = 'wss://example.com/feed'")?;
    /// assert_eq!(settings.connections.len(), 1);
    /// # Ok::<(), everwire::config::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn from_toml(text: &str) -> Result<Self, Diagnostics> {
        Self::from_toml_with(text, &System)
    }

    /// Reads settings from TOML text; files and variables come from `source`.
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn from_toml_with(text: &str, source: &dyn Source) -> Result<Self, Diagnostics> {
        from_toml(text, Program::default(), source)
    }

    /// Reads settings from a file, or from all `*.toml` files of a folder, with this process's environment.
    ///
    /// Relative paths in a file start at its folder. The files of a folder are one configuration:
    /// each name and each key is in one of them.
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Diagnostics> {
        Self::load_with(path, &System)
    }

    /// Reads settings like [`load`](Self::load); files and variables come from `source`.
    ///
    /// # Errors
    ///
    /// All errors in it.
    pub fn load_with(path: impl AsRef<Path>, source: &dyn Source) -> Result<Self, Diagnostics> {
        load(path.as_ref(), Program::default(), source)
    }
}

/// Reads a file or a folder for a program.
pub(super) fn load(
    path: &Path,
    program: Program,
    source: &dyn Source,
) -> Result<Settings, Diagnostics> {
    load_into(path, program, Context::new(source))
}

/// The same. Also checks the files that only a dial would read.
pub(super) fn check(path: &Path, program: Program) -> Result<Settings, Diagnostics> {
    let mut context = Context::new(&System);
    context.later_files = Some(LaterFiles::new());
    load_into(path, program, context)
}

fn load_into(
    path: &Path,
    program: Program,
    mut context: Context<'_>,
) -> Result<Settings, Diagnostics> {
    let paths = find(path, &mut context);
    let files = paths
        .iter()
        .filter_map(|path| open(path, &mut context))
        .collect();
    read(files, program, context)
}

/// Reads a text for a program.
pub(super) fn from_toml(
    text: &str,
    program: Program,
    source: &dyn Source,
) -> Result<Settings, Diagnostics> {
    read(vec![nowhere("<toml>", text)], program, Context::new(source))
}

/// The path itself, or the files in it if it is a folder.
fn find(path: &Path, context: &mut Context<'_>) -> Vec<PathBuf> {
    let mut paths = match context.source.list(path) {
        Ok(None) => return vec![path.to_owned()],
        Ok(Some(paths)) => paths,
        Err(error) => {
            unreadable(path, &error.to_string(), context);
            return Vec::new();
        }
    };
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    if paths.is_empty() {
        unreadable(path, "the folder has no *.toml file", context);
    }
    paths
}

fn open(path: &Path, context: &mut Context<'_>) -> Option<File> {
    match context.source.read(path) {
        Ok(text) => Some(file(path, text)),
        Err(error) => {
            unreadable(path, &error.to_string(), context);
            None
        }
    }
}

/// A text without a file.
fn nowhere(name: &str, text: &str) -> File {
    File {
        name: name.into(),
        folder: PathBuf::new(),
        text: text.to_owned(),
    }
}

fn file(path: &Path, text: String) -> File {
    File {
        name: path.display().to_string(),
        folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        text,
    }
}

fn unreadable(path: &Path, reason: &str, context: &mut Context<'_>) {
    let file = context.add_file(file(path, String::new()));
    let message = format!("the configuration cannot be read: {reason}");
    let problem = Problem::new(Place::new(file, 0..0), message);
    context.problems.push(problem.help(
        "write the path of a TOML file, or of a folder of such files; `everwire init` has some to start from",
    ));
}

fn read(
    files: Vec<File>,
    program: Program,
    mut context: Context<'_>,
) -> Result<Settings, Diagnostics> {
    let roots = files.into_iter();
    let roots = roots.map(|file| parse_file(file, &mut context)).collect();
    let root = Node {
        place: Place::new(0, 0..0),
        value: Value::Table(combine(roots, &mut context)),
    };
    let document: DocumentTable = read_table(&root, &mut context).unwrap_or_default();
    let needs_nats = [
        document.nats.as_ref().map(|nats| nats.place),
        document.cluster.as_ref().map(|cluster| cluster.place),
    ];
    if let Some(help) = program.without_nats {
        let message = "feature_missing: this program was built without the feature `nats`";
        for place in needs_nats.into_iter().flatten() {
            context.wrong(place, message, help);
        }
    }
    // After the files: relative paths in the first one then start where they do without it.
    let base = (!program.keys.is_empty()).then(|| {
        let keys = parse_file(nowhere("<built in>", program.keys), &mut context);
        read_entries(&keys, &mut context)
    });
    let settings = assemble(document, base, &mut context);
    match context.problems.into_diagnostics(context.files) {
        Ok(warnings) => Ok(Settings {
            warnings,
            ..settings
        }),
        Err(diagnostics) => Err(diagnostics),
    }
}

fn parse_file(file: File, context: &mut Context<'_>) -> Table {
    let index = context.add_file(file);
    let text = std::mem::take(&mut context.files[index as usize].text);
    let table = parse(&text, index, &mut context.problems);
    context.files[index as usize].text = text;
    table
}
