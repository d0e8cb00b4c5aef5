//! The errors of a configuration, with remedies.

use std::fmt;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use crate::settings::{Diagnostic, Excerpt};

/// All errors of a configuration, in the order of its files.
///
/// `Display` is plain text for logs, [`render`](Self::render) shows the source too, and `Serialize`
/// is for programs. None of them shows a header's value, a password, or the value of a variable.
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

impl Diagnostics {
    pub(super) fn new(errors: Vec<Diagnostic>, omitted: usize) -> Self {
        Self { errors, omitted }
    }

    /// The errors, in the order of the files.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.errors.iter()
    }

    /// The number of errors, including those that are only counted: at most 200 are reported, and
    /// at most 5 for one place.
    pub fn count(&self) -> usize {
        self.errors.len() + self.omitted
    }

    /// Draws the errors into their source lines, for a terminal; `color` adds ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut drawn: Vec<String> = self
            .errors
            .iter()
            .map(|error| renderer.render(&report(error)))
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

/// An error and its related places as a drawing.
fn report(error: &Diagnostic) -> Vec<Group<'_>> {
    let excerpt = snippet(&error.excerpt, &error.file, AnnotationKind::Primary);
    let mut title = Level::ERROR
        .primary_title(error.message.as_str())
        .element(excerpt);
    if let Some(help) = &error.help {
        title = title.element(Level::HELP.message(help.as_str()));
    }
    let mut report = vec![title];
    if let Some(related) = &error.related {
        let excerpt = snippet(&related.excerpt, &related.file, AnnotationKind::Context);
        report.push(
            Level::NOTE
                .secondary_title(related.message.as_str())
                .element(excerpt),
        );
    }
    report
}

fn snippet<'a>(
    excerpt: &'a Excerpt,
    file: &'a str,
    kind: AnnotationKind,
) -> Snippet<'a, Annotation<'a>> {
    Snippet::source(excerpt.source.as_str())
        .path(file)
        .line_start(excerpt.line)
        .annotation(kind.span(excerpt.range.clone()))
}
