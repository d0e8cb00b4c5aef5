//! Places of texts in the files of a configuration.

use std::path::PathBuf;

/// A range of bytes in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::config) struct Place {
    /// The file's index.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// After the last byte.
    pub end: u32,
}

/// A file of the configuration, or one that it names.
#[derive(Debug)]
pub(in crate::config) struct File {
    /// Its name for people.
    pub name: String,
    /// The start of relative paths.
    pub folder: PathBuf,
    /// Its text.
    pub text: String,
}

impl Place {
    /// A byte range in the file with this index. Files are far smaller than 4 GiB (see `MAX_FILE`).
    pub fn new(file: u32, range: std::ops::Range<usize>) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            file,
            start: offset(range.start),
            end: offset(range.end.max(range.start)),
        }
    }

    /// Whether another place starts within this one.
    pub fn contains(self, other: Self) -> bool {
        self.file == other.file && (self.start..self.end).contains(&other.start)
    }

    /// The bytes of this place in `text`, moved to character boundaries.
    pub fn range(self, text: &str) -> std::ops::Range<usize> {
        let start = boundary(text, self.start as usize);
        start..boundary(text, self.end as usize).max(start)
    }
}

/// The last character boundary of `text` at or before `at`.
pub(in crate::config) fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl File {
    /// The text at a place of this file.
    pub fn at(&self, place: Place) -> &str {
        &self.text[place.range(&self.text)]
    }
}
