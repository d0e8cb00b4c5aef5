//! Texts with variables, and secret ones.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::Secret;

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
    /// `${secret:ID}`: the latest secret of that id, at each dial.
    Stored(Box<str>),
    /// `${…}` with an expression, as it was written. A dialogue renders it before each dial: see
    /// [`MessageTemplate::filled`](super::MessageTemplate::filled).
    Hole(Box<str>),
}

/// Something that must be looked up to render a [`Template`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// The content of a file.
    File(&'a Path),
    /// The secret of this id.
    Stored(&'a str),
}

/// A string of the configuration that may contain `${NAME}`, `${file:PATH}` and `${secret:ID}`.
///
/// `Debug` and `Display` print the variables' names, never their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Template(Box<[Part]>);

/// A [`Template`] whose written text is secret, too: a header's value, a password.
///
/// ```
/// use everwire_proto::language::SecretTemplate;
///
/// let header: SecretTemplate = "Bearer abc".into();
/// assert_eq!(format!("{header:?}"), "***");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretTemplate(Template);

impl SecretTemplate {
    /// The template, which prints what was written. Every use of this must be reviewed.
    pub fn expose(&self) -> &Template {
        &self.0
    }
}

impl fmt::Display for SecretTemplate {
    /// `***` for written text, `${NAME}` for a variable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.parts().iter().try_for_each(|part| match part {
            Part::Literal(_) => f.write_str("***"),
            part => write!(f, "{}", Template::from_parts([part.clone()])),
        })
    }
}

impl fmt::Debug for SecretTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Template> for SecretTemplate {
    fn from(template: Template) -> Self {
        Self(template)
    }
}

impl From<&str> for SecretTemplate {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for SecretTemplate {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A variable of a template that has no value.
#[derive(Debug, thiserror::Error)]
pub enum SecretMissing {
    /// A `${file:PATH}` could not be read.
    #[error("the secret file {} cannot be read: {source}", path.display())]
    File {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// There is no secret for a `${secret:ID}`.
    #[error("there is no secret {0:?}")]
    Stored(String),
    /// It is an expression that was not filled.
    #[error("`${{{0}}}` is not filled")]
    Hole(String),
}

impl Template {
    /// A template of one literal text: nothing in it is expanded.
    pub fn literal(text: impl Into<Box<str>>) -> Self {
        Self([Part::Literal(text.into())].into())
    }

    /// A template of these parts, in order.
    pub fn from_parts(parts: impl Into<Box<[Part]>>) -> Self {
        Self(parts.into())
    }

    /// The text, if nothing in it is expanded.
    pub fn as_literal(&self) -> Option<&str> {
        match &*self.0 {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// What [`render`](Self::render) will ask for.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'_>> {
        self.0.iter().filter_map(|part| match part {
            Part::File(path) => Some(Variable::File(path)),
            Part::Stored(id) => Some(Variable::Stored(id)),
            Part::Literal(_) | Part::Env { .. } | Part::Hole(_) => None,
        })
    }

    /// The files among them.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.variables().filter_map(|variable| match variable {
            Variable::File(path) => Some(path),
            Variable::Stored(_) => None,
        })
    }

    /// Whether it contains a variable, whose value may be a secret.
    pub fn has_variables(&self) -> bool {
        let is_variable = |part: &Part| !matches!(part, Part::Literal(_));
        self.0.iter().any(is_variable)
    }

    /// Whether it can be rendered without reading or filling anything.
    pub fn is_static(&self) -> bool {
        self.variables().next().is_none() && !self.has_holes()
    }

    /// Whether it contains an expression.
    pub fn has_holes(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Hole(_)))
    }

    /// The text with everything expanded; `read` provides the content of a file, or a secret.
    ///
    /// # Errors
    ///
    /// The first variable that `read` could not provide, or a hole.
    pub fn render(
        &self,
        mut read: impl FnMut(Variable<'_>) -> std::io::Result<String>,
    ) -> Result<Secret, SecretMissing> {
        // Room for the known parts, so that a literal is copied once.
        let known = self.0.iter().map(|part| match part {
            Part::Literal(literal) => literal.len(),
            Part::Env { value, .. } => value.expose().len(),
            Part::File(_) | Part::Stored(_) | Part::Hole(_) => 0,
        });
        let mut text = String::with_capacity(known.sum());
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Env { value, .. } => text.push_str(value.expose()),
                Part::File(path) => {
                    let content =
                        read(Variable::File(path)).map_err(|source| SecretMissing::File {
                            path: path.clone(),
                            source,
                        })?;
                    text.push_str(content.trim_end_matches(['\r', '\n']));
                }
                Part::Stored(id) => {
                    let missing = |_| SecretMissing::Stored(id.to_string());
                    text.push_str(&read(Variable::Stored(id)).map_err(missing)?);
                }
                Part::Hole(hole) => return Err(SecretMissing::Hole(hole.to_string())),
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
            Part::Stored(id) => write!(f, "${{secret:{id}}}"),
            Part::Hole(hole) => write!(f, "${{{hole}}}"),
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
