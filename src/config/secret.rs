//! Text that must not be printed, and templates that may hold such text.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A text that neither `Debug`, nor a log, nor the API can print.
///
/// ```
/// use everwire::config::Secret;
///
/// let token = Secret::new("abc");
/// assert_eq!(format!("{token:?}"), "***");
/// assert_eq!(token.expose(), "abc");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every use of this is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it was written.
    Literal(Box<str>),
    /// `${NAME}`: read from the environment when the configuration was loaded.
    Env {
        /// The variable's name.
        name: Box<str>,
        /// Its value.
        value: Secret,
    },
    /// `${file:PATH}`: read again for each dial; the trailing line end is cut off.
    File(PathBuf),
}

/// A string of the configuration in which `${NAME}` and `${file:PATH}` may stand.
///
/// `Debug` and `Display` print the variables' names, never their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Template(Box<[Part]>);

/// A `${file:PATH}` that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret file {} cannot be read: {source}", path.display())]
pub struct SecretMissing {
    /// The file that was asked for.
    pub path: PathBuf,
    /// What the operating system answered.
    pub source: std::io::Error,
}

impl Template {
    /// A template that is one literal text: nothing in it is expanded.
    pub fn literal(text: impl Into<Box<str>>) -> Self {
        Self([Part::Literal(text.into())].into())
    }

    /// A template of these parts, in order.
    pub fn from_parts(parts: impl Into<Box<[Part]>>) -> Self {
        Self(parts.into())
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The files that [`render`](Self::render) will ask for.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|part| match part {
            Part::File(path) => Some(path.as_path()),
            Part::Literal(_) | Part::Env { .. } => None,
        })
    }

    /// Whether nothing needs to be read to render this.
    pub fn is_static(&self) -> bool {
        self.files().next().is_none()
    }

    /// The text with everything expanded; `read` gives the content of a file.
    ///
    /// # Errors
    ///
    /// What `read` returned for the first file that could not be read.
    pub fn render(
        &self,
        mut read: impl FnMut(&Path) -> std::io::Result<String>,
    ) -> Result<Secret, SecretMissing> {
        // Room for what is known, so that a literal is copied once.
        let known = self.0.iter().map(|part| match part {
            Part::Literal(literal) => literal.len(),
            Part::Env { value, .. } => value.expose().len(),
            Part::File(_) => 0,
        });
        let mut text = String::with_capacity(known.sum());
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Env { value, .. } => text.push_str(value.expose()),
                Part::File(path) => {
                    let content = read(path).map_err(|source| SecretMissing {
                        path: path.clone(),
                        source,
                    })?;
                    text.push_str(content.trim_end_matches(['\r', '\n']));
                }
            }
        }
        Ok(Secret::new(text))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(literal) => f.write_str(literal),
            Part::Env { name, .. } => write!(f, "${{{name}}}"),
            Part::File(path) => write!(f, "${{file:{}}}", path.display()),
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self::literal(text)
    }
}
