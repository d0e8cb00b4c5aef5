//! Templates with expressions: for messages, dials and headers.

mod fill;
mod json_form;
mod json_value;
mod kind;
mod piece;
mod rendered;
mod runs;
mod split;
#[cfg(test)]
mod tests;
mod unfill;

use std::fmt;

use self::{
    fill::Filling,
    piece::{Piece, PieceKind},
    runs::Run,
};
use super::{
    Expression, LanguageError, Need, Part, Read, Scope, Secret, Template, Value, Variable, World,
    value::{Data, join},
};

pub use self::{
    json_value::JsonTemplate,
    kind::TemplateKind,
    rendered::{Rendered, Unfilled},
};

/// The longest template, in bytes.
pub const MAX_TEMPLATE: usize = 64 * 1024;

/// A text with holes: `${NAME}`, `${file:PATH}` and `${secret:ID}` as in a [`Template`], and `${…}`
/// with an expression.
///
/// A template that begins with `{` or `[`, perhaps after digits, and has an expression is JSON. A
/// hole within quotes then takes a text, which is escaped, and one outside of quotes takes a whole
/// value, so that nothing that a peer sends can break out of its place. In all other templates a
/// peer's value must not contain a line end.
///
/// `Debug` and `Display` print the text as it was written.
///
/// ```
/// use everwire_proto::language::{MessageTemplate, Names, NothingOutside, Scope, TemplateKind, json::PointerSet};
///
/// let (names, mut pointers) = (Names::default(), PointerSet::default());
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
/// let pong = MessageTemplate::parse(r#"{"pong":${/ping}}"#, TemplateKind::Text, &mut scope);
/// assert!(pong.is_ok_and(|pong| pong.is_json()));
///
/// let errors = MessageTemplate::parse(r#"{"pong":${/ping}"#, TemplateKind::Text, &mut scope).unwrap_err();
/// assert_eq!(errors.len(), 1);
/// ```
#[derive(Clone, PartialEq)]
pub struct MessageTemplate {
    text: Box<str>,
    kind: TemplateKind,
    pieces: Box<[Piece]>,
    runs: Box<[Run]>,
    is_json: bool,
}

impl MessageTemplate {
    /// Compiles a template. Warnings go to the scope.
    ///
    /// # Errors
    ///
    /// All errors in its holes, or else all errors of it as JSON.
    pub fn parse(
        text: &str,
        kind: TemplateKind,
        scope: &mut Scope<'_>,
    ) -> Result<Self, Vec<LanguageError>> {
        if text.len() > MAX_TEMPLATE {
            let message = format!("invalid template: it has {} bytes", text.len());
            return Err(vec![LanguageError::new(
                0..0,
                message,
                format!("at most {MAX_TEMPLATE} are allowed"),
            )]);
        }
        let mut pieces = split::split(text, scope)?;
        refuse_characters(&pieces, kind)?;
        let is_json = json_form::is_json(&pieces);
        if is_json {
            json_form::check(text, &mut pieces)?;
        }
        Ok(Self::of_pieces(text.into(), kind, pieces.into(), is_json))
    }

    fn of_pieces(text: Box<str>, kind: TemplateKind, pieces: Box<[Piece]>, is_json: bool) -> Self {
        // Where characters are refused, each piece is checked.
        let runs = match kind.refuses_some() {
            true => Box::default(),
            false => runs::of(&pieces, is_json),
        };
        Self {
            text,
            kind,
            pieces,
            runs,
            is_json,
        }
    }

    /// Renders the template with the current values of its holes.
    ///
    /// # Errors
    ///
    /// Why nothing can be sent, and which hole is the cause.
    pub fn render(&self, world: &dyn World) -> Result<Rendered, Unfilled> {
        self.filling(world).fill(&self.pieces, &self.runs)
    }

    /// The template as the value of a `let`: a single hole keeps the type of its value; if it
    /// cannot be rendered, it is absent.
    pub fn evaluate<'e>(&'e self, world: &'e dyn World) -> Value<'e> {
        if let [piece] = &*self.pieces {
            return evaluate_piece(piece, world);
        }
        let all = self.pieces.iter().map(|piece| evaluate_piece(piece, world));
        if !self.is_json {
            return join(all, world.max_message());
        }
        // JSON has no line ends within.
        let filled = self.filling(world).fill(&self.pieces, &self.runs);
        filled.map_or_else(
            |_| Value::absent(),
            |filled| match filled.is_secret() {
                true => Value::text(filled.into_text()).secret(),
                false => Value::text(filled.into_text()),
            },
        )
    }

    /// The template of a dial with its expressions rendered, so that only its variables are left.
    /// It prints the expressions as they were written, never their values.
    ///
    /// # Errors
    ///
    /// Why it cannot be rendered, and which hole is the cause.
    pub fn filled(&self, world: &dyn World) -> Result<Template, Unfilled> {
        if self.is_json {
            // It is one piece: its contents are already in JSON notation.
            let value = Secret::new(self.render(world)?.into_text());
            let name = self.text.as_ref().into();
            return Ok(Template::from_parts([Part::Env { name, value }]));
        }
        let filling = self.filling(world);
        let parts = self.pieces.iter().map(|piece| match &piece.kind {
            PieceKind::Literal(text) => Ok(Part::Literal(text.clone())),
            PieceKind::Variable(part) => Ok(part.clone()),
            PieceKind::Hole(_) => {
                let value = filling.fill(std::slice::from_ref(piece), &[])?.into_text();
                let written = self.text.get(piece.span.start + 2..piece.span.end - 1);
                Ok(Part::Env {
                    name: written.unwrap_or_default().into(),
                    value: Secret::new(value),
                })
            }
        });
        parts
            .collect::<Result<Vec<_>, _>>()
            .map(Template::from_parts)
    }

    /// The same without rendering: its expressions are [`Part::Hole`]s.
    pub fn unfilled(&self) -> Template {
        let part = |piece: &Piece| match &piece.kind {
            PieceKind::Literal(text) => Part::Literal(text.clone()),
            PieceKind::Variable(part) => part.clone(),
            PieceKind::Hole(_) => {
                let written = self.text.get(piece.span.start + 2..piece.span.end - 1);
                Part::Hole(written.unwrap_or_default().into())
            }
        };
        Template::from_parts(self.pieces.iter().map(part).collect::<Vec<_>>())
    }

    fn filling<'f>(&'f self, world: &'f dyn World) -> Filling<'f> {
        Filling {
            text: &self.text,
            kind: self.kind,
            is_json: self.is_json,
            world,
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The expression of the hole at its start.
    pub fn leading_hole(&self) -> Option<&Expression> {
        match &self.pieces.first()?.kind {
            PieceKind::Hole(expression) => Some(expression),
            PieceKind::Literal(_) | PieceKind::Variable(_) => None,
        }
    }

    /// The text with `***` for everything outside of holes: for texts that are secret as written.
    pub fn masked(&self) -> String {
        let write = |piece: &Piece| match &piece.kind {
            PieceKind::Literal(_) => "***",
            PieceKind::Variable(_) | PieceKind::Hole(_) => {
                self.text.get(piece.span.clone()).unwrap_or_default()
            }
        };
        self.pieces.iter().map(write).collect()
    }

    /// Its purpose.
    pub fn kind(&self) -> TemplateKind {
        self.kind
    }

    /// Whether it is JSON, whose holes are rendered by their position.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// The same as a [`Template`], if it has no expressions.
    pub fn as_template(&self) -> Option<Template> {
        if self.pieces.iter().any(Piece::is_hole) {
            return None;
        }
        let mut parts: Vec<Part> = Vec::new();
        for piece in &self.pieces {
            match (&piece.kind, parts.last_mut()) {
                (PieceKind::Literal(text), Some(Part::Literal(before))) => {
                    *before = format!("{before}{text}").into()
                }
                (PieceKind::Literal(text), _) => parts.push(Part::Literal(text.clone())),
                (PieceKind::Variable(part), _) => parts.push(part.clone()),
                (PieceKind::Hole(_), _) => {}
            }
        }
        Some(Template::from_parts(parts))
    }

    /// Whether it has neither variables nor expressions.
    pub fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| piece.as_literal().is_some())
    }

    /// The names that its expressions read, with their places in this text.
    pub fn reads(&self) -> impl Iterator<Item = Read> {
        self.pieces.iter().flat_map(|piece| {
            let reads = match &piece.kind {
                PieceKind::Hole(expression) => expression.reads(),
                PieceKind::Literal(_) | PieceKind::Variable(_) => &[],
            };
            reads
                .iter()
                .cloned()
                .map(|read| read.moved(piece.span.start + 2))
        })
    }

    /// The files and stored secrets that must be read before it is rendered.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'_>> {
        self.pieces.iter().filter_map(|piece| match &piece.kind {
            PieceKind::Variable(Part::File(path)) => Some(Variable::File(path)),
            PieceKind::Variable(Part::Stored(id)) => Some(Variable::Stored(id)),
            PieceKind::Variable(Part::Env { .. } | Part::Literal(_) | Part::Hole(_))
            | PieceKind::Literal(_)
            | PieceKind::Hole(_) => None,
        })
    }

    /// The values of its environment variables.
    pub fn secrets(&self) -> Vec<Secret> {
        let written = self.pieces.iter().filter_map(|piece| match &piece.kind {
            PieceKind::Variable(Part::Env { value, .. }) => Some(value.clone()),
            PieceKind::Variable(_) | PieceKind::Literal(_) | PieceKind::Hole(_) => None,
        });
        let read = self.holes().flat_map(Expression::secrets);
        written.chain(read).collect()
    }

    /// The names of its environment variables.
    pub fn environment(&self) -> impl Iterator<Item = Box<str>> {
        let written = self.pieces.iter().filter_map(|piece| match &piece.kind {
            PieceKind::Variable(Part::Env { name, .. }) => Some(name.clone()),
            PieceKind::Variable(_) | PieceKind::Literal(_) | PieceKind::Hole(_) => None,
        });
        written.chain(self.holes().flat_map(Expression::environment))
    }

    /// Whether it reads the message as JSON, or reads a `let`, which may do so.
    pub fn looks_into_message(&self) -> bool {
        self.holes()
            .any(|expression| *expression.need() != Need::Nothing)
    }

    /// Whether it has a slow signature, which belongs on another thread.
    /// [`Lets::makes_slow`](super::Lets::makes_slow) considers its `let`s, too.
    pub fn is_slow(&self) -> bool {
        self.holes().any(Expression::is_slow)
    }

    /// The expressions of its holes.
    pub fn holes(&self) -> impl Iterator<Item = &Expression> {
        self.pieces.iter().filter_map(|piece| match &piece.kind {
            PieceKind::Hole(expression) => Some(&**expression),
            PieceKind::Literal(_) | PieceKind::Variable(_) => None,
        })
    }
}

fn evaluate_piece<'e>(piece: &'e Piece, world: &'e dyn World) -> Value<'e> {
    match &piece.kind {
        PieceKind::Literal(text) => Value::text(&**text),
        PieceKind::Variable(part) => {
            let value = fill::variable(part, world).map_or(Data::Absent, Data::Text);
            Value::from(value).secret()
        }
        PieceKind::Hole(expression) => expression.evaluate(world),
    }
}

/// The written text must not contain characters that the purpose forbids.
fn refuse_characters(pieces: &[Piece], kind: TemplateKind) -> Result<(), Vec<LanguageError>> {
    for piece in pieces {
        let Some(at) = piece
            .as_literal()
            .and_then(|text| text.find(|character| kind.refuses(character)))
        else {
            continue;
        };
        let span = piece.span.start + at..piece.span.start + at + 1;
        let message = "invalid template: a control character is not allowed here";
        return Err(vec![LanguageError::new(span, message, "leave it out")]);
    }
    Ok(())
}

impl From<Template> for MessageTemplate {
    /// The same template: it has no expressions.
    fn from(template: Template) -> Self {
        let text = template.to_string();
        let mut at = 0;
        let mut pieces = Vec::new();
        for part in template.parts() {
            let end = at + Template::from_parts([part.clone()]).to_string().len();
            let kind = match part {
                Part::Literal(literal) => PieceKind::Literal(literal.clone()),
                part => PieceKind::Variable(part.clone()),
            };
            pieces.push(Piece::new(kind, at..end));
            at = end;
        }
        Self::of_pieces(text.into(), TemplateKind::Text, pieces.into(), false)
    }
}

impl fmt::Display for MessageTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for MessageTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}
