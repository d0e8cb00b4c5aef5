//! The fixed texts of a template: put together once, and written at once.

use super::{
    super::{Part, Secret, json::write_escaped},
    piece::{Piece, PieceKind},
};

/// A part of a template that is written in one step.
#[derive(Clone, PartialEq)]
pub(super) enum Run {
    /// Literals and environment variables next to each other, as they are sent.
    Fixed { text: Secret, is_secret: bool },
    /// The piece with this index.
    Piece(usize),
}

/// A template in as few parts as possible; empty if no two of its pieces are fixed next to each other.
pub(super) fn of(pieces: &[Piece], is_json: bool) -> Box<[Run]> {
    let mut runs = Vec::new();
    let mut fixed: Option<(String, bool)> = None;
    let end = |fixed: &mut Option<(String, bool)>, runs: &mut Vec<Run>| {
        let run = fixed.take().map(|(text, is_secret)| Run::Fixed {
            text: Secret::new(text),
            is_secret,
        });
        runs.extend(run);
    };
    for (at, piece) in pieces.iter().enumerate() {
        let (value, is_secret) = match &piece.kind {
            PieceKind::Literal(literal) => (&**literal, false),
            PieceKind::Variable(Part::Env { value, .. }) => (value.expose(), true),
            PieceKind::Variable(_) | PieceKind::Hole(_) => {
                end(&mut fixed, &mut runs);
                runs.push(Run::Piece(at));
                continue;
            }
        };
        let (text, has_secret) = fixed.get_or_insert_default();
        *has_secret |= is_secret;
        match is_secret && is_json && piece.is_quoted {
            true => write_escaped(value, text),
            false => text.push_str(value),
        }
    }
    end(&mut fixed, &mut runs);
    match runs.len() < pieces.len() {
        true => runs.into(),
        false => Box::default(),
    }
}
