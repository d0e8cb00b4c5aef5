//! Renders a template: puts the values of its holes into its text.

use std::borrow::Cow;

use super::{
    super::{
        Expression, Part, Secret, Variable, World,
        json::write_escaped,
        value::{Data, Value},
    },
    kind::TemplateKind,
    piece::{Piece, PieceKind},
    rendered::{Content, Rendered, Unfilled},
    runs::Run,
};

/// On average a value may be this much longer than its hole before the text must be moved.
const ROOM: usize = 16;

/// A template that is being rendered.
pub(super) struct Filling<'f> {
    /// As it was written.
    pub text: &'f str,
    pub kind: TemplateKind,
    pub is_json: bool,
    pub world: &'f dyn World,
}

/// What is rendered so far.
struct Filled {
    text: String,
    is_secret: bool,
    secrets: Vec<Secret>,
}

impl<'f> Filling<'f> {
    /// Renders the whole template.
    pub fn fill(&self, pieces: &'f [Piece], runs: &'f [Run]) -> Result<Rendered, Unfilled> {
        match self.kind == TemplateKind::Bytes && !self.is_json {
            true => self.bytes(pieces),
            false => self.texts(pieces, runs),
        }
    }

    fn texts(&self, pieces: &'f [Piece], runs: &'f [Run]) -> Result<Rendered, Unfilled> {
        let mut filled = Filled {
            // Most values are longer than their holes: ids, tokens, signatures.
            text: String::with_capacity(self.text.len() + pieces.len() * ROOM),
            is_secret: false,
            secrets: Vec::new(),
        };
        for run in runs {
            match run {
                Run::Fixed { text, is_secret } => {
                    filled.text.push_str(text.expose());
                    filled.is_secret |= is_secret;
                    check_length(filled.text.len(), self.world.max_message())?;
                }
                Run::Piece(at) => {
                    if let Some(piece) = pieces.get(*at) {
                        self.piece(piece, &mut filled)?;
                    }
                }
            }
        }
        if runs.is_empty() {
            for piece in pieces {
                self.piece(piece, &mut filled)?;
            }
        }
        let Filled {
            text,
            is_secret,
            secrets,
        } = filled;
        let content = match self.kind {
            TemplateKind::Bytes => Content::Bytes(text.into_bytes()),
            TemplateKind::Text | TemplateKind::Header | TemplateKind::Url => Content::Text(text),
        };
        Ok(Rendered {
            content,
            is_secret,
            secrets,
        })
    }

    fn piece(&self, piece: &'f Piece, filled: &mut Filled) -> Result<(), Unfilled> {
        let out = &mut filled.text;
        let before = out.len();
        match &piece.kind {
            PieceKind::Literal(literal) => out.push_str(literal),
            PieceKind::Variable(part) => {
                filled.is_secret = true;
                self.put(&self.variable(part, piece)?, piece, out);
            }
            PieceKind::Hole(expression) => {
                if let Some(secret) = self.hole(expression, piece, out)? {
                    filled.is_secret = true;
                    add(secret, &mut filled.secrets);
                }
            }
        }
        check_length(out.len(), self.world.max_message())?;
        if self.kind.refuses_some() {
            self.check_characters(out.get(before..).unwrap_or_default(), piece)?;
        }
        Ok(())
    }

    fn bytes(&self, pieces: &'f [Piece]) -> Result<Rendered, Unfilled> {
        let mut out = Vec::with_capacity(self.text.len());
        let (mut is_secret, mut secrets) = (false, Vec::new());
        let max = self.world.max_message();
        for piece in pieces {
            match &piece.kind {
                PieceKind::Literal(literal) => out.extend_from_slice(literal.as_bytes()),
                PieceKind::Variable(part) => {
                    is_secret = true;
                    out.extend_from_slice(self.variable(part, piece)?.as_bytes());
                }
                PieceKind::Hole(expression) => {
                    let value = expression.evaluate(self.world);
                    is_secret |= value.is_secret();
                    secrets.extend(secret_of(&value));
                    let bytes = value.as_bytes();
                    out.extend_from_slice(&bytes.ok_or_else(|| Unfilled::Absent {
                        hole: self.written(piece),
                    })?);
                }
            }
            check_length(out.len(), max)?;
        }
        let content = Content::Bytes(out);
        Ok(Rendered {
            content,
            is_secret,
            secrets,
        })
    }

    /// Renders one hole. Returns its value if that is a secret.
    fn hole(
        &self,
        expression: &Expression,
        piece: &Piece,
        out: &mut String,
    ) -> Result<Option<Secret>, Unfilled> {
        let value = expression.evaluate(self.world);
        if self.is_json && !piece.is_quoted {
            value
                .write_json(out)
                .ok_or_else(|| self.textless(&value, piece))?;
            return Ok(secret_of(&value));
        }
        let text = match &value.data {
            Data::Text(text) | Data::Number(text) => Cow::Borrowed(&**text),
            _ => value
                .as_text()
                .ok_or_else(|| self.textless(&value, piece))?,
        };
        if !self.is_json && self.kind.has_lines() && value.breaks_lines() {
            return Err(Unfilled::ControlCharacter {
                hole: self.written(piece),
            });
        }
        self.put(&text, piece, out);
        Ok(secret_of(&value))
    }

    /// Puts a text in place of a piece.
    fn put(&self, text: &str, piece: &Piece, out: &mut String) {
        match self.is_json && piece.is_quoted {
            true => write_escaped(text, out),
            false => out.push_str(text),
        }
    }

    /// Checks an inserted text: JSON does not escape one of the characters that headers refuse.
    fn check_characters(&self, filled: &str, piece: &Piece) -> Result<(), Unfilled> {
        let is_refused = filled.contains(|c| self.kind.refuses(c));
        match is_refused {
            false => Ok(()),
            true => Err(Unfilled::ControlCharacter {
                hole: self.written(piece),
            }),
        }
    }

    fn variable<'p>(&'p self, part: &'p Part, piece: &Piece) -> Result<Cow<'p, str>, Unfilled> {
        variable(part, self.world).ok_or_else(|| Unfilled::Missing {
            hole: self.written(piece),
        })
    }

    fn written(&self, piece: &Piece) -> Box<str> {
        self.text.get(piece.span.clone()).unwrap_or_default().into()
    }

    fn textless(&self, value: &Value<'_>, piece: &Piece) -> Unfilled {
        let hole = self.written(piece);
        match value.data {
            Data::Bytes(_) => Unfilled::NotText { hole },
            _ => Unfilled::Absent { hole },
        }
    }
}

/// Most templates have at most one secret, and need no more room.
fn add(secret: Secret, secrets: &mut Vec<Secret>) {
    match secrets.is_empty() {
        true => *secrets = vec![secret],
        false => secrets.push(secret),
    }
}

fn check_length(length: usize, max: usize) -> Result<(), Unfilled> {
    match length <= max {
        true => Ok(()),
        false => Err(Unfilled::TooLong { max }),
    }
}

/// The secret text of a value; empty if it has no text.
fn secret_of(value: &Value<'_>) -> Option<Secret> {
    let text = || value.as_text().map(Cow::into_owned).unwrap_or_default();
    value.is_secret().then(|| Secret::new(text()))
}

/// The current value of a variable.
pub(super) fn variable<'p>(part: &'p Part, world: &'p dyn World) -> Option<Cow<'p, str>> {
    match part {
        Part::Literal(text) => Some(Cow::Borrowed(text)),
        Part::Env { value, .. } => Some(Cow::Borrowed(value.expose())),
        Part::File(path) => world.variable(Variable::File(path)).map(Cow::Borrowed),
        Part::Stored(id) => world.variable(Variable::Stored(id)).map(Cow::Borrowed),
        Part::Hole(_) => None,
    }
}
