//! A JSON value whose texts are templates, built part by part.

use super::{
    super::{LanguageError, Read, Scope, json::write_escaped},
    MAX_TEMPLATE, MessageTemplate, TemplateKind,
    json_form::refuse_nested,
    piece::{Piece, PieceKind},
    split,
};

/// Builds the template of a JSON value: fixed parts are JSON, and each text may have holes. Errors
/// in a text thus have their place there, and values stay within their text.
///
/// ```
/// use everwire_proto::language::{JsonTemplate, Names, NothingOutside, Scope, json::PointerSet};
///
/// let (names, mut pointers) = (Names::default(), PointerSet::default());
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
/// let mut template = JsonTemplate::default();
/// template.fixed(r#"{"channel":"#);
/// template.text("orders.${key}", &mut scope).map_err(|errors| errors[0].clone())?;
/// template.fixed(r#","depth":5}"#);
/// let template = template.finish().ok_or("too long")?;
/// assert_eq!(template.as_str(), r#"{"channel":"orders.${key}","depth":5}"#);
/// assert_eq!(template.as_json(), Some(serde_json::json!({ "channel": "orders.${key}", "depth": 5 })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct JsonTemplate {
    /// In the notation of a file.
    text: String,
    pieces: Vec<Piece>,
    /// What was added after the last piece.
    literal: String,
    /// Its start in the text.
    literal_start: usize,
}

impl JsonTemplate {
    /// Adds JSON without holes: brackets, commas, numbers.
    pub fn fixed(&mut self, json: &str) {
        // The text is in the notation of a file.
        self.text.push_str(&json.replace("${", "$${"));
        self.literal.push_str(json);
    }

    /// Adds a quoted text. Returns the names that it reads, with their places in it. Warnings go to
    /// the scope.
    ///
    /// # Errors
    ///
    /// All errors in its holes.
    pub fn text(
        &mut self,
        text: &str,
        scope: &mut Scope<'_>,
    ) -> Result<Vec<Read>, Vec<LanguageError>> {
        let pieces = split::split(text, scope)?;
        refuse_nested(text, &pieces)?;
        let mut reads = Vec::new();
        self.fixed("\"");
        for piece in pieces {
            if let PieceKind::Literal(literal) = &piece.kind {
                let mut escaped = String::with_capacity(literal.len());
                write_escaped(literal, &mut escaped);
                self.fixed(&escaped);
                continue;
            }
            if let PieceKind::Hole(expression) = &piece.kind {
                let own = expression.reads().iter().cloned();
                reads.extend(own.map(|read| read.moved(piece.span.start + 2)));
            }
            self.end_literal();
            let start = self.text.len();
            self.text
                .push_str(text.get(piece.span.clone()).unwrap_or_default());
            self.literal_start = self.text.len();
            self.pieces.push(Piece {
                is_quoted: true,
                ..Piece::new(piece.kind, start..self.text.len())
            });
        }
        self.fixed("\"");
        Ok(reads)
    }

    /// Its length so far in bytes, in the notation of a file.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// The template; `None`: it is longer than [`MAX_TEMPLATE`].
    pub fn finish(mut self) -> Option<MessageTemplate> {
        self.end_literal();
        let (text, pieces) = (self.text, self.pieces);
        let kind = TemplateKind::Text;
        (text.len() <= MAX_TEMPLATE)
            .then(|| MessageTemplate::of_pieces(text.into(), kind, pieces.into(), true))
    }

    fn end_literal(&mut self) {
        let literal = std::mem::take(&mut self.literal);
        if !literal.is_empty() {
            let kind = PieceKind::Literal(literal.into());
            let span = self.literal_start..self.text.len();
            self.pieces.push(Piece::new(kind, span));
        }
    }
}

impl MessageTemplate {
    /// The JSON value, whose texts are templates as they were written; `None`: it is not JSON, or a
    /// hole is outside of its texts.
    pub fn as_json(&self) -> Option<serde_json::Value> {
        let mut json = String::with_capacity(self.text.len());
        for piece in &self.pieces {
            match &piece.kind {
                PieceKind::Literal(literal) => json.push_str(&literal.replace("${", "$${")),
                PieceKind::Variable(_) | PieceKind::Hole(_) => {
                    let written = self.text.get(piece.span.clone())?;
                    write_escaped(written, &mut json);
                }
            }
        }
        serde_json::from_str(&json).ok()
    }
}
