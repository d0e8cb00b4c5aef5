//! Parses a text into a tree: one function for each line of the grammar.

use std::ops::Range;

use super::{
    super::error::{LanguageError, quoted},
    ast::{Ast, AstKind, Comparison, Sign},
    lexer::Lexer,
    unexpected,
};

/// The deepest nesting of parentheses, lists, calls and `!`.
pub const MAX_DEPTH: usize = 32;

/// The most parts of an expression.
pub const MAX_NODES: usize = 1024;

/// The longest expression, in bytes.
pub const MAX_EXPRESSION: usize = 4096;

pub(super) type Parsed<'t> = Result<Ast<'t>, LanguageError>;

/// Parses a whole text; also returns the warnings of its pointers.
pub(super) fn parse(text: &str) -> Result<(Ast<'_>, Vec<LanguageError>), LanguageError> {
    if text.len() > MAX_EXPRESSION {
        let message = format!("invalid expression: it has {} bytes", text.len());
        return Err(LanguageError::new(
            0..text.len(),
            message,
            format!("at most {MAX_EXPRESSION} are allowed"),
        ));
    }
    let mut parser = Parser {
        lexer: Lexer::new(text),
        depth: 0,
        nodes: 0,
    };
    let ast = parser.or()?;
    parser.lexer.skip_space();
    match parser.lexer.rest().is_empty() {
        true => Ok((ast, parser.lexer.warnings)),
        false => Err(unexpected::operator(&parser.lexer, Some(&ast))),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    depth: usize,
    nodes: usize,
}

impl<'t> Parser<'t> {
    /// `or = and {"||" and}`
    fn or(&mut self) -> Parsed<'t> {
        self.chain(Self::and, "||", AstKind::Or)
    }

    /// `and = not {"&&" not}`
    fn and(&mut self) -> Parsed<'t> {
        self.chain(Self::not, "&&", AstKind::And)
    }

    /// `not = "!" not | cmp`
    fn not(&mut self) -> Parsed<'t> {
        self.lexer.skip_space();
        let start = self.lexer.at();
        if self.lexer.rest().starts_with("!=") || !self.lexer.eat("!") {
            return self.comparison();
        }
        self.enter(start)?;
        let operand = self.not()?;
        self.depth -= 1;
        if matches!(operand.kind, AstKind::Compare(..)) && !operand.in_parentheses {
            return Err(self.negated_comparison(start..operand.span.end));
        }
        let span = start..operand.span.end;
        self.node(AstKind::Not(Box::new(operand)), span)
    }

    /// `cmp = cat [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") cat]`
    fn comparison(&mut self) -> Parsed<'t> {
        let left = self.join()?;
        let Some(comparison) = self.comparison_operator() else {
            return Ok(left);
        };
        let right = self.join()?;
        let (before, span) = (self.lexer.at(), left.span.start..right.span.end);
        if self.comparison_operator().is_some() {
            let operator = before..self.lexer.at();
            let first = quoted(&self.lexer.text()[span]);
            let message = format!("invalid comparison: {first} is compared again");
            let help = "write two comparisons with `&&` between them, or use parentheses";
            let start = operator.end - self.lexer.text()[operator.clone()].trim_start().len();
            return Err(LanguageError::new(start..operator.end, message, help));
        }
        self.node(AstKind::Compare(comparison, Box::new([left, right])), span)
    }

    /// `cat = sum {"~" sum}`
    fn join(&mut self) -> Parsed<'t> {
        self.chain(Self::sum, "~", AstKind::Join)
    }

    /// `sum = prim {("+" | "-") prim}`
    fn sum(&mut self) -> Parsed<'t> {
        let first = self.primary()?;
        let mut others = Vec::new();
        loop {
            self.lexer.skip_space();
            let sign = match () {
                () if self.lexer.eat("+") => Sign::Plus,
                () if self.lexer.eat("-") => Sign::Minus,
                () => break,
            };
            others.push((sign, self.primary()?));
        }
        let Some((_, last)) = others.last() else {
            return Ok(first);
        };
        let span = first.span.start..last.span.end;
        self.node(AstKind::Sum(Box::new(first), others), span)
    }

    /// `prim = text | number | true | false | null | /pointer | name | NAME | call | [list] | (expr)`
    fn primary(&mut self) -> Parsed<'t> {
        self.lexer.skip_space();
        let start = self.lexer.at();
        let mut ahead = self.lexer.rest().bytes();
        let kind = match (ahead.next(), ahead.next()) {
            (Some(b'"'), _) => AstKind::Text(self.lexer.string()?),
            (Some(b'/'), _) => AstKind::Pointer(self.lexer.pointer()?),
            (Some(b'-'), Some(b'0'..=b'9')) | (Some(b'0'..=b'9'), _) => {
                AstKind::Number(self.lexer.number()?)
            }
            (Some(b'['), _) => {
                self.lexer.eat("[");
                AstKind::List(self.items(start, "]")?)
            }
            (Some(b'('), _) => return self.parentheses(start),
            (Some(byte), _) if byte.is_ascii_alphabetic() || byte == b'_' => return self.word(),
            _ => return Err(unexpected::value(&self.lexer)),
        };
        self.node(kind, start..self.lexer.at())
    }

    fn parentheses(&mut self, start: usize) -> Parsed<'t> {
        self.lexer.eat("(");
        self.enter(start)?;
        let inner = self.or()?;
        self.lexer.skip_space();
        if !self.lexer.eat(")") {
            return Err(self.unclosed(start, ")", &inner));
        }
        self.depth -= 1;
        Ok(Ast {
            span: start..self.lexer.at(),
            in_parentheses: true,
            ..inner
        })
    }

    /// The items of a list or a call, up to its end.
    fn items(&mut self, start: usize, close: &'static str) -> Result<Vec<Ast<'t>>, LanguageError> {
        self.enter(start)?;
        let mut items = Vec::new();
        self.lexer.skip_space();
        while !self.lexer.eat(close) {
            let item = self.or()?;
            self.lexer.skip_space();
            let has_more = self.lexer.eat(",");
            if !has_more && !self.lexer.rest().starts_with(close) {
                return Err(self.unclosed(start, close, &item));
            }
            items.push(item);
            self.lexer.skip_space();
            if has_more && self.lexer.rest().starts_with(close) {
                let help = "leave out the comma behind the last value";
                return Err(self.lexer.error(
                    1,
                    format!("expected a value before `{close}`"),
                    help,
                ));
            }
        }
        self.depth -= 1;
        Ok(items)
    }

    /// A word: a call, a name, an environment variable, or a word of the language.
    fn word(&mut self) -> Parsed<'t> {
        let start = self.lexer.at();
        let word = self.lexer.word();
        let end = self.lexer.at();
        let has_capital = word.bytes().any(|byte| byte.is_ascii_uppercase());
        let is_variable = word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.bytes().any(|byte| byte.is_ascii_lowercase());
        let kind = match word {
            "true" => AstKind::Bool(true),
            "false" => AstKind::Bool(false),
            "null" => AstKind::Null,
            "in" => return Err(unexpected::reserved(start..end)),
            _ if self.lexer.eat("(") => AstKind::Call(word, self.items(end, ")")?),
            _ if is_variable => AstKind::Variable(word),
            _ if !word.starts_with(|c: char| c.is_ascii_lowercase()) => {
                let message = format!("invalid name {}", quoted(word));
                let help = match has_capital {
                    true => {
                        "a name starts with a small letter; a variable of the environment has capitals only"
                    }
                    false => "a name starts with a letter",
                };
                return Err(LanguageError::new(start..end, message, help));
            }
            _ => AstKind::Name(word),
        };
        self.node(kind, start..self.lexer.at())
    }

    fn chain(
        &mut self,
        part: fn(&mut Self) -> Parsed<'t>,
        operator: &str,
        kind: fn(Vec<Ast<'t>>) -> AstKind<'t>,
    ) -> Parsed<'t> {
        let first = part(self)?;
        self.lexer.skip_space();
        if !self.lexer.eat(operator) {
            return Ok(first);
        }
        let second = part(self)?;
        let mut span = first.span.start..second.span.end;
        let mut parts = vec![first, second];
        self.lexer.skip_space();
        while self.lexer.eat(operator) {
            let next = part(self)?;
            span.end = next.span.end;
            parts.push(next);
            self.lexer.skip_space();
        }
        self.node(kind(parts), span)
    }

    fn comparison_operator(&mut self) -> Option<Comparison> {
        self.lexer.skip_space();
        if self.lexer.peek_word() == "in" {
            self.lexer.eat("in");
            return Some(Comparison::In);
        }
        let found = Comparison::ALL
            .into_iter()
            .find(|(text, comparison)| *comparison != Comparison::In && self.lexer.eat(text));
        found.map(|(_, comparison)| comparison)
    }

    /// Enters a level; [`depth`](Self::depth) is decreased again at its end.
    fn enter(&mut self, start: usize) -> Result<(), LanguageError> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("invalid expression: it is nested deeper than {MAX_DEPTH} levels");
        Err(LanguageError::new(
            start..start + 1,
            message,
            "split it, with `let`",
        ))
    }

    fn node(&mut self, kind: AstKind<'t>, span: Range<usize>) -> Parsed<'t> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("invalid expression: it has more than {MAX_NODES} parts");
            return Err(LanguageError::new(span, message, "split it, with `let`"));
        }
        Ok(Ast {
            kind,
            span,
            in_parentheses: false,
        })
    }

    fn unclosed(&self, start: usize, close: &str, last: &Ast<'t>) -> LanguageError {
        if !self.lexer.rest().is_empty() {
            return unexpected::operator(&self.lexer, Some(last));
        }
        let text = self.lexer.text();
        let message = format!("unclosed {}", quoted(&text[start..]));
        LanguageError::new(
            start..text.len(),
            message,
            format!("write `{close}` at its end"),
        )
    }

    fn negated_comparison(&self, span: Range<usize>) -> LanguageError {
        let written = &self.lexer.text()[span.clone()];
        let message = format!(
            "`!` stands directly before a comparison in {}",
            quoted(written)
        );
        let help = format!("write {}", quoted(&format!("!({})", &written[1..])));
        LanguageError::new(span, message, help)
    }
}
