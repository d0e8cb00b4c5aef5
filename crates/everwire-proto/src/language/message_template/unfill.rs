//! Reads the values of holes back from a rendered template.

use std::borrow::Cow;

use super::{
    super::{
        BuiltIn, Name, Value, World,
        json::{Number, RawJson, prefix, write_escaped},
        value::Data,
    },
    MessageTemplate, fill,
    piece::{Piece, PieceKind},
};

impl MessageTemplate {
    /// The values of names in this template that gave this text; `None` if that is impossible. A
    /// hole that is more than a name says nothing about its names. `world` provides only variables;
    /// one that it does not know may be anything.
    ///
    /// ```
    /// # use everwire_proto::language::*;
    /// # struct Nothing;
    /// # impl Signer for Nothing {
    /// #     fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> { Vec::new() }
    /// #     fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> { Vec::new() }
    /// #     fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> { None }
    /// # }
    /// # impl World for Nothing {
    /// #     fn pointer(&self, _: json::Slot) -> Option<json::RawJson<'_>> { None }
    /// #     fn name(&self, _: Name) -> Value<'_> { Value::absent() }
    /// #     fn moment(&self) -> Moment<'_> { Moment { wall: std::time::Duration::ZERO, random: &|_: &mut [u8]| {} } }
    /// #     fn signer(&self) -> &dyn Signer { self }
    /// #     fn max_message(&self) -> usize { 1 << 20 }
    /// # }
    /// let (names, mut pointers) = (Names::default(), json::PointerSet::default());
    /// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
    /// let ping = MessageTemplate::parse(r#"{"id":${id},"op":"ping"}"#, TemplateKind::Text, &mut scope);
    /// let ping = ping.map_err(|errors| errors[0].clone())?;
    /// let names = ping.unfilled_from(r#"{"id":7,"op":"ping"}"#, &Nothing).ok_or("another message")?;
    /// assert_eq!(names, [(Name::BuiltIn(BuiltIn::Id), 7_u64.into())]);
    /// assert!(ping.unfilled_from(r#"{"id":7,"op":"sub"}"#, &Nothing).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unfilled_from(
        &self,
        text: &str,
        world: &dyn World,
    ) -> Option<Vec<(Name, Value<'static>)>> {
        let mut names = Vec::new();
        let mut rest = text;
        for (at, piece) in self.pieces.iter().enumerate() {
            let behind = self.pieces.get(at + 1).map(|next| fixed(next, world));
            let end = match fixed(piece, world) {
                Some(fixed) => {
                    let written = self.written(&fixed, piece);
                    rest = rest.strip_prefix(&*written)?;
                    continue;
                }
                None if self.is_json && !piece.is_quoted => prefix(rest)?,
                None => self.end(rest, piece, behind)?,
            };
            let (filled, behind) = rest.split_at_checked(end)?;
            let value = self.value(filled, piece)?;
            rest = behind;
            if let PieceKind::Hole(expression) = &piece.kind
                && let Some(name) = expression.as_name()
            {
                names.push((name, as_number(name, value)));
            }
        }
        rest.is_empty().then_some(names)
    }

    /// The text of a fixed piece, as it is in the whole.
    fn written<'f>(&self, fixed: &'f str, piece: &Piece) -> Cow<'f, str> {
        let is_escaped = self.is_json && piece.is_quoted && piece.as_literal().is_none();
        match is_escaped {
            true => {
                let mut escaped = String::new();
                write_escaped(fixed, &mut escaped);
                escaped.into()
            }
            false => fixed.into(),
        }
    }

    /// Where a hole ends: where the next fixed piece begins, or at the end.
    fn end(
        &self,
        rest: &str,
        piece: &Piece,
        behind: Option<Option<Cow<'_, str>>>,
    ) -> Option<usize> {
        let is_quoted = self.is_json && piece.is_quoted;
        match behind {
            None => Some(rest.len()),
            // Two adjacent holes: their border is unknown.
            Some(None) => None,
            Some(Some(next)) => {
                let mut places = rest.match_indices(&*next).map(|(at, _)| at);
                places.find(|at| !is_quoted || !is_escaped(&rest[..*at]))
            }
        }
    }

    /// The value of a hole, from its text.
    fn value(&self, filled: &str, piece: &Piece) -> Option<Value<'static>> {
        if !self.is_json {
            return Some(Value::text(filled.to_owned()));
        }
        match piece.is_quoted {
            true => {
                let quoted = format!("\"{filled}\"");
                let text = RawJson::parse(&quoted)?.as_text()?.into_owned();
                Some(Value::text(text))
            }
            false => Some(Value::json(RawJson::parse(filled)?).into_owned()),
        }
    }
}

/// Whether what follows is escaped: there is an odd number of backslashes at the end.
fn is_escaped(before: &str) -> bool {
    let backslashes = before.len() - before.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

/// The text of a piece that is always the same.
fn fixed<'p>(piece: &'p Piece, world: &'p dyn World) -> Option<Cow<'p, str>> {
    match &piece.kind {
        PieceKind::Literal(text) => Some(Cow::Borrowed(text)),
        PieceKind::Variable(part) => fill::variable(part, world),
        PieceKind::Hole(_) => None,
    }
}

/// The number of these digits, for a name that can only be a number.
fn as_number(name: Name, value: Value<'static>) -> Value<'static> {
    match (name, value.data()) {
        (Name::BuiltIn(BuiltIn::Id | BuiltIn::OnId), Data::Text(text))
            if Number::parse(text).is_some() =>
        {
            Data::Number(text.clone()).into()
        }
        _ => value,
    }
}
