//! Checks calls: the number and kinds of arguments, and which of them must be literals.

use super::{
    super::{
        HashAlgorithm, SignatureAlgorithm, TokenAlgorithm,
        error::{meant, quoted},
        functions::{self, encode::Encoding, time::Unit},
        json::JsonPointer,
    },
    ast::{Ast, AstKind},
    kind::Kind,
    node::{Call, Node, One, Two},
    report::{Report, Typed},
};

/// The most bytes of `random`.
const MAX_RANDOM: usize = 1024;

/// A call as it is written.
pub(super) struct Called<'c> {
    pub name: &'c str,
    pub ast: &'c Ast<'c>,
    pub arguments: &'c [Ast<'c>],
    /// Whether there is an HTTP answer.
    pub http: bool,
    /// Whether it is a name rather than a function.
    pub is_name: bool,
}

/// An argument: as it is written, and as it is compiled.
type Argument<'c> = (&'c Ast<'c>, Typed);

/// Checks one call, with its arguments.
pub(super) fn check(report: &mut Report<'_>, called: &Called<'_>, values: Vec<Typed>) -> Typed {
    let Some(function) = functions::find(called.name) else {
        let span = called.ast.span.start..called.ast.span.start + called.name.len();
        report.error(
            &span,
            format!("unknown function {}", quoted(called.name)),
            instead_of(called),
        );
        return Typed::wrong();
    };
    let count = values.len();
    if !(function.least..=function.most).contains(&count) {
        let wanted = match (function.least, function.most) {
            (1, 1) => "1 argument".to_owned(),
            (0, 0) => "no arguments".to_owned(),
            (least, most) if least == most => format!("{most} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        };
        let message = format!("{} takes {wanted}, but has {count}", quoted(called.name));
        report.error(
            &called.ast.span,
            message,
            format!("write {}", quoted(function.signature)),
        );
        return Typed::wrong();
    }
    CallCheck { report, called }
        .call(called.arguments.iter().zip(values).collect())
        .unwrap_or_else(Typed::wrong)
}

fn instead_of(called: &Called<'_>) -> String {
    match functions::near(called.name) {
        _ if called.is_name => format!(
            "{} is a name: leave out the parentheses",
            quoted(called.name)
        ),
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => {
            let all: Vec<&str> = functions::FUNCTIONS
                .iter()
                .map(|function| function.name)
                .collect();
            format!("there are {}", all.join(", "))
        }
    }
}

struct CallCheck<'r, 't, 'c> {
    report: &'r mut Report<'t>,
    called: &'c Called<'c>,
}

impl<'c> CallCheck<'_, '_, 'c> {
    /// `None` after errors, which are reported.
    fn call(&mut self, arguments: Vec<Argument<'c>>) -> Option<Typed> {
        match self.called.name {
            "uuid" => Some(typed(Call::Uuid, Kind::Text)),
            "now" => self.now(arguments),
            "hash" | "hmac" | "sign" => self.digest(arguments),
            "jwt" => self.jwt(arguments),
            "random" => self.random(&arguments),
            "between" => {
                let nodes = arguments
                    .into_iter()
                    .map(|argument| self.text(argument))
                    .collect::<Vec<Node>>();
                Some(typed(Call::Between(nodes.try_into().ok()?), Kind::Text))
            }
            _ => match <[Argument<'c>; 2]>::try_from(arguments) {
                Ok([x, y]) => self.two(x, y),
                Err(mut arguments) => self.one(arguments.pop()?),
            },
        }
    }

    /// One of these words, as a literal.
    fn literal<T: Copy>(
        &mut self,
        (ast, _): &Argument<'c>,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        let list: Vec<String> = known
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let list = list.join(", ");
        let written = self.report.quoted(ast);
        let AstKind::Text(word) = &ast.kind else {
            let message = format!("invalid {what} {written}: it must be a literal text");
            self.report
                .error(&ast.span, message, format!("write one of {list}"));
            return None;
        };
        if let Some((_, found)) = known.iter().find(|(name, _)| name == word) {
            return Some(*found);
        }
        let near = meant(
            &word.replace(['-', '_'], ""),
            known.iter().map(|(name, _)| *name),
        );
        let help = match near {
            Some(meant) => format!("did you mean \"{meant}\"? one of {list}"),
            None => format!("write one of {list}"),
        };
        self.report
            .error(&ast.span, format!("unknown {what} {written}"), help);
        None
    }

    /// A value that is text, or can be converted to text.
    fn text(&mut self, (ast, value): Argument<'c>) -> Node {
        if matches!(value.kind, Kind::Null | Kind::Bool | Kind::List) {
            let written = self.report.quoted(ast);
            let message = format!(
                "{} takes texts, but {written} is {}",
                quoted(self.called.name),
                value.kind.described()
            );
            self.report
                .error(&ast.span, message, "write a text, or `json(x)`");
        }
        value.node
    }

    fn now(&mut self, arguments: Vec<Argument<'c>>) -> Option<Typed> {
        let mut arguments = arguments.into_iter();
        let unit = self.literal(&arguments.next()?, "unit", &Unit::ALL);
        let offset = arguments.next().map(|(ast, offset)| {
            if !offset.kind.may_be(Kind::Number) {
                let message = format!(
                    "the offset {} is {}",
                    self.report.quoted(ast),
                    offset.kind.described()
                );
                self.report
                    .error(&ast.span, message, "write a whole number of units");
            }
            offset.node
        });
        let unit = unit?;
        let kind = match unit {
            Unit::Iso => Kind::Text,
            _ => Kind::Number,
        };
        Some(typed(Call::Now(unit, offset), kind))
    }

    /// `hash`, `hmac` and `sign`: an algorithm, a key or none, the data, and the encoding.
    fn digest(&mut self, mut arguments: Vec<Argument<'c>>) -> Option<Typed> {
        let name = self.called.name;
        let without_form = if name == "hash" { 2 } else { 3 };
        let encoding = match arguments.len() > without_form {
            true => self.literal(&arguments.pop()?, "form", &Encoding::ALL),
            false => Some(Encoding::Hex),
        };
        let mut arguments = arguments.into_iter();
        let algorithm = arguments.next()?;
        let mut nodes: Vec<Node> = arguments.map(|argument| self.text(argument)).collect();
        let call = match name {
            "hash" => Call::Hash(
                self.literal(&algorithm, "algorithm", &HashAlgorithm::ALL)?,
                encoding?,
                nodes.pop()?,
            ),
            "hmac" => Call::Hmac(
                self.literal(&algorithm, "algorithm", &HashAlgorithm::ALL)?,
                encoding?,
                nodes.try_into().ok()?,
            ),
            _ => Call::Sign(
                self.literal(&algorithm, "algorithm", &SignatureAlgorithm::ALL)?,
                encoding?,
                nodes.try_into().ok()?,
            ),
        };
        let kind = match encoding? {
            Encoding::Bytes => Kind::Bytes,
            _ => Kind::Text,
        };
        Some(typed(call, kind))
    }

    fn jwt(&mut self, arguments: Vec<Argument<'c>>) -> Option<Typed> {
        let [algorithm, key, (_, header), (_, claims)] =
            <[Argument<'c>; 4]>::try_from(arguments).ok()?;
        let algorithm = self.literal(&algorithm, "algorithm", &TokenAlgorithm::ALL);
        let nodes = [self.text(key), header.node, claims.node];
        Some(typed(Call::Jwt(algorithm?, nodes), Kind::Text))
    }

    fn random(&mut self, arguments: &[Argument<'c>]) -> Option<Typed> {
        let [(bytes, _), form] = arguments else {
            return None;
        };
        let count = match &bytes.kind {
            AstKind::Number(number) => number
                .parse()
                .ok()
                .filter(|count| (1..=MAX_RANDOM).contains(count)),
            _ => None,
        };
        if count.is_none() {
            let message = format!("invalid number of bytes {}", self.report.quoted(bytes));
            self.report.error(
                &bytes.span,
                message,
                format!("write a number from 1 to {MAX_RANDOM}"),
            );
        }
        let form = self.literal(form, "form", &Encoding::ALL[..3]);
        Some(typed(Call::Random(count?, form?), Kind::Text))
    }

    fn one(&mut self, x: Argument<'c>) -> Option<Typed> {
        let (function, kind) = match self.called.name {
            "base64" => (One::Base64, Kind::Text),
            "base64url" => (One::Base64Url, Kind::Text),
            "unbase64" => (One::Unbase64, Kind::Bytes),
            "hex" => (One::Hex, Kind::Text),
            "unhex" => (One::Unhex, Kind::Bytes),
            "urlencode" => (One::UrlEncode, Kind::Text),
            "json" => (One::Json, Kind::Text),
            "raw" => (One::Raw, x.1.kind),
            "text" => (One::Text, Kind::Text),
            "number" => (One::Number, Kind::Number),
            "exists" => (One::Exists, Kind::Bool),
            "header" => (One::Header, Kind::Text),
            "cookie" => (One::Cookie, Kind::Text),
            _ => return None,
        };
        if matches!(function, One::Header | One::Cookie) && !self.called.http {
            let message = format!(
                "{} looks into an HTTP answer, but there is none here",
                self.report.quoted(self.called.ast)
            );
            self.report.error(
                &self.called.ast.span,
                message,
                "it stands in a step with `http`",
            );
            return None;
        }
        let node = match function {
            One::Unbase64 | One::Unhex | One::UrlEncode | One::Header | One::Cookie => self.text(x),
            _ => x.1.node,
        };
        Some(typed(Call::One(function, node), kind))
    }

    fn two(&mut self, x: Argument<'c>, y: Argument<'c>) -> Option<Typed> {
        let (function, kind) = match self.called.name {
            "at" => (Two::At, Kind::Any),
            "after" => (Two::After, Kind::Text),
            "starts" => (Two::Starts, Kind::Bool),
            "contains" => (Two::Contains, Kind::Bool),
            "default" if x.1.kind == y.1.kind => (Two::Default, x.1.kind),
            "default" => (Two::Default, Kind::Any),
            _ => return None,
        };
        let nodes = match function {
            Two::At => [x.1.node, self.pointer(y)],
            Two::Default => [x.1.node, y.1.node],
            Two::After | Two::Starts | Two::Contains => [self.text(x), self.text(y)],
        };
        Some(typed(Call::Two(function, nodes), kind))
    }

    /// A pointer as a text, which may be computed.
    fn pointer(&mut self, y: Argument<'c>) -> Node {
        let written = self.report.written(y.0);
        match &y.0.kind {
            AstKind::Text(text) => {
                if let Err(error) = JsonPointer::new(text) {
                    self.report.error(
                        &y.0.span,
                        format!("invalid pointer {}", quoted(written)),
                        error.to_string(),
                    );
                }
            }
            AstKind::Pointer(_) => {
                let message = format!(
                    "`at` needs a pointer as a text, but {} is a value of the message",
                    quoted(written)
                );
                let help = format!("for a pointer write {}", quoted(&format!("\"{written}\"")));
                self.report.warn(&y.0.span, message, help);
            }
            _ => {}
        }
        self.text(y)
    }
}

fn typed(call: Call, kind: Kind) -> Typed {
    Typed::new(Node::Call(Box::new(call)), kind)
}
