//! What is wrong with a configuration, and what would be right.

use std::{fmt, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::read::boundary;

/// All errors of a configuration, in the order of its files.
///
/// `Display` is plain text for logs; [`render`](Self::render) draws the source too; `Serialize` is for programs.
/// Neither shows a header's value, a password, or the value of a variable.
///
/// ```
/// use everwire::config::Settings;
///
/// let errors = Settings::from_toml("[defaults]\nidle_timeout = '10 sec'").unwrap_err();
/// let error = errors.iter().next().unwrap();
/// assert_eq!((error.line, error.column), (2, 16));
/// assert_eq!(error.help.as_deref(), Some("write \"10s\""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostics {
    errors: Vec<Diagnostic>,
    /// Errors beyond the bound on how many are kept.
    omitted: usize,
}

/// One error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The file, as it was named or found.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The offending text, as it stands in the file.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Another place that has to do with it.
    pub related: Option<Related>,
    #[serde(skip)]
    excerpt: Excerpt,
}

/// Another place that has to do with an error.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Related {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What it has to do with the error.
    pub message: String,
    #[serde(skip)]
    excerpt: Excerpt,
}

/// The line that an error starts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    line: usize,
    column: usize,
    source: String,
    range: Range<usize>,
}

impl Diagnostics {
    pub(super) fn new(errors: Vec<Diagnostic>, omitted: usize) -> Self {
        Self { errors, omitted }
    }

    /// The errors, in the order of the files.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.errors.iter()
    }

    /// How many errors there are, those included that are only counted: at most 200 are told, and at most 5 about one place.
    pub fn count(&self) -> usize {
        self.errors.len() + self.omitted
    }

    /// The errors drawn into the lines that they stand on, for a terminal; `color` asks for ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut drawn: Vec<String> = self
            .errors
            .iter()
            .map(|error| renderer.render(&error.report()))
            .collect();
        drawn.extend(self.rest());
        drawn.join("\n\n")
    }

    fn rest(&self) -> Option<String> {
        match self.omitted {
            0 => None,
            1 => Some("and 1 more error".into()),
            more => Some(format!("and {more} more errors")),
        }
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.errors.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        match self.rest() {
            Some(rest) => write!(f, "\n{rest}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic {
    pub(super) fn new(
        file: String,
        message: String,
        help: Option<String>,
        excerpt: Excerpt,
        related: Option<Related>,
    ) -> Self {
        Self {
            file,
            line: excerpt.line,
            column: excerpt.column,
            text: excerpt.source[excerpt.range.clone()].to_owned(),
            message,
            help,
            related,
            excerpt,
        }
    }

    fn report(&self) -> Vec<Group<'_>> {
        let mut error = Level::ERROR
            .primary_title(self.message.as_str())
            .element(self.excerpt.snippet(&self.file, AnnotationKind::Primary));
        if let Some(help) = &self.help {
            error = error.element(Level::HELP.message(help.as_str()));
        }
        let mut report = vec![error];
        if let Some(related) = &self.related {
            let snippet = related
                .excerpt
                .snippet(&related.file, AnnotationKind::Context);
            report.push(
                Level::NOTE
                    .secondary_title(related.message.as_str())
                    .element(snippet),
            );
        }
        report
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, column, ..
        } = self;
        writeln!(f, "{file}:{line}:{column}: {}", self.message)?;
        let source = self.excerpt.source.trim();
        if !source.is_empty() {
            writeln!(f, "    | {source}")?;
        }
        if let Some(Related {
            file,
            line,
            column,
            message,
            ..
        }) = &self.related
        {
            writeln!(f, "    {message}: {file}:{line}:{column}")?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "    help: {help}")?;
        }
        Ok(())
    }
}

impl Related {
    pub(super) fn new(file: String, message: String, excerpt: Excerpt) -> Self {
        Self {
            file,
            line: excerpt.line,
            column: excerpt.column,
            message,
            excerpt,
        }
    }
}

impl Excerpt {
    /// More of a line than this is cut off on both sides, in bytes.
    const MAX: usize = 400;

    /// `range` of a line; its number and the column count from 1.
    pub(super) fn new(line: usize, column: usize, source: &str, range: Range<usize>) -> Self {
        let cut = match source.len() > Self::MAX {
            true => boundary(source, range.start.saturating_sub(Self::MAX / 4)),
            false => 0,
        };
        let end = boundary(source, cut + Self::MAX);
        Self {
            line,
            column,
            source: source[cut..end].to_owned(),
            range: (range.start - cut).min(end - cut)..(range.end - cut).min(end - cut),
        }
    }

    fn snippet<'a>(&'a self, file: &'a str, kind: AnnotationKind) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.source.as_str())
            .path(file)
            .line_start(self.line)
            .annotation(kind.span(self.range.clone()))
    }
}
