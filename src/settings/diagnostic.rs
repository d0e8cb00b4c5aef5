//! Errors and warnings of a configuration, with their places.

use std::{fmt, ops::Range};

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
    /// A related place.
    pub related: Option<Related>,
    #[serde(skip)]
    pub(crate) excerpt: Excerpt,
}

/// A place that is related to an error.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Related {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The relation.
    pub message: String,
    #[serde(skip)]
    pub(crate) excerpt: Excerpt,
}

/// The line on which an error starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub line: usize,
    pub column: usize,
    pub source: String,
    pub range: Range<usize>,
}

#[cfg(feature = "config")]
impl Diagnostic {
    pub(crate) fn new(
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

#[cfg(feature = "config")]
impl Related {
    pub(crate) fn new(file: String, message: String, excerpt: Excerpt) -> Self {
        Self {
            file,
            line: excerpt.line,
            column: excerpt.column,
            message,
            excerpt,
        }
    }
}

#[cfg(feature = "config")]
impl Excerpt {
    /// A longer line is cut off on both sides, in bytes.
    const MAX: usize = 400;

    /// `range` of a line; its number and the column count from 1.
    pub(crate) fn new(line: usize, column: usize, source: &str, range: Range<usize>) -> Self {
        let cut = match source.len() > Self::MAX {
            true => source.floor_char_boundary(range.start.saturating_sub(Self::MAX / 4)),
            false => 0,
        };
        let end = source.floor_char_boundary(cut + Self::MAX);
        Self {
            line,
            column,
            source: source[cut..end].to_owned(),
            range: (range.start - cut).min(end - cut)..(range.end - cut).min(end - cut),
        }
    }
}
