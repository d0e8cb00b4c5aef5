//! Compiles texts, and reports their errors by line and column.

use std::{ops::Range, path::PathBuf, sync::Arc};

use super::outside::Outside;
use crate::config::{
    keys::RateKeys,
    read::{Context, Place, Preparations, Problem},
    values::{ExpressionText, Written, warn_of_missing_file},
};
use everwire_proto::{
    language::{
        BuiltIn, BuiltIns, Expression, JsonTemplate, LanguageError, Lets, MessageTemplate, Names,
        Read, Scope, TemplateKind,
        json::{JsonPointer, PointerSet},
    },
    settings::{
        RateSettings,
        dialogue::{RequestSettings, Route},
    },
};

/// The error for a slow signature where it would block the arbiter.
const SLOW: &str = "RS256 takes too long here: the arbiter's other connections would wait";

/// The shared state for all texts of a dialogue.
pub(super) struct Compiler<'c, 's> {
    /// The declared names.
    pub names: Names,
    /// The names that each text has read, for the texts compiled since this was last taken.
    pub reads: Vec<(Written, Vec<Read>)>,
    /// The `let`s, once they are compiled.
    pub lets: Lets,
    pointers: PointerSet,
    context: &'c mut Context<'s>,
    has_failed: bool,
    /// Whether warnings were reported before.
    is_quiet: bool,
}

impl<'c, 's> Compiler<'c, 's> {
    pub fn new(context: &'c mut Context<'s>) -> Self {
        Self {
            names: Names::default(),
            reads: Vec::new(),
            lets: Lets::default(),
            pointers: PointerSet::default(),
            context,
            has_failed: false,
            is_quiet: false,
        }
    }

    /// The preparations that connections share.
    pub fn preparations(&self) -> &Arc<Preparations> {
        &self.context.preparations
    }

    /// Resolves a path that is written at `place`.
    pub fn resolve(&self, place: Place, path: &str) -> PathBuf {
        self.context.resolve(place, path)
    }

    /// From now on texts look into other messages, until [`put_pointers`](Self::put_pointers) gets
    /// the returned set back.
    pub fn take_pointers(&mut self) -> PointerSet {
        std::mem::take(&mut self.pointers)
    }

    /// Texts look into the messages of these pointers again. Returns the pointers of the texts in
    /// between.
    pub fn put_pointers(&mut self, pointers: PointerSet) -> PointerSet {
        std::mem::replace(&mut self.pointers, pointers)
    }

    /// Compiles again what was compiled without errors before; no warning is repeated.
    pub fn again<T>(&mut self, compile: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.has_failed {
            return None;
        }
        self.is_quiet = true;
        let compiled = compile(self);
        self.is_quiet = false;
        Some(compiled)
    }

    /// Whether there were errors so far.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The names, and the pointers of all texts; `None` after errors.
    pub fn finish(self) -> Option<(Names, PointerSet)> {
        (!self.has_failed).then_some((self.names, self.pointers))
    }

    /// Compiles a condition.
    pub fn condition(&mut self, text: &ExpressionText, here: BuiltIns) -> Option<Expression> {
        let condition = self.compile(&text.0, here, Expression::condition)?;
        self.refuse_slow_expression(&text.0, &condition)?;
        self.note_reads(&text.0, condition.reads().to_vec());
        Some(condition)
    }

    /// Compiles an expression with a value.
    pub fn value(&mut self, text: &ExpressionText, here: BuiltIns) -> Option<Expression> {
        let value = self.compile(&text.0, here, Expression::value)?;
        self.refuse_slow_expression(&text.0, &value)?;
        self.note_reads(&text.0, value.reads().to_vec());
        Some(value)
    }

    /// Compiles a template.
    pub fn template(
        &mut self,
        text: &Written,
        kind: TemplateKind,
        here: BuiltIns,
    ) -> Option<MessageTemplate> {
        let parse = |text: &str, scope: &mut Scope<'_>| MessageTemplate::parse(text, kind, scope);
        let template = self.compile(text, here, parse)?;
        self.note_reads(text, template.reads().collect());
        Some(template)
    }

    /// Compiles a text within a JSON value; such texts are templates.
    pub fn json_text(
        &mut self,
        template: &mut JsonTemplate,
        text: &Written,
        here: BuiltIns,
    ) -> Option<()> {
        let reads = self.compile(text, here, |text, scope| template.text(text, scope))?;
        self.note_reads(text, reads);
        Some(())
    }

    /// Compiles a template that is rendered at once, so it must not contain a slow signature.
    pub fn quick_template(
        &mut self,
        text: &Written,
        kind: TemplateKind,
        here: BuiltIns,
    ) -> Option<MessageTemplate> {
        let template = self.template(text, kind, here)?;
        self.refuse_slow(text, self.lets.makes_slow(&template))?;
        Some(template)
    }

    /// Reports a slow signature in a place that cannot wait for it, if it `is_slow`.
    pub fn refuse_slow(&mut self, text: &Written, is_slow: bool) -> Option<()> {
        if is_slow {
            let help =
                "write ES256 or EdDSA, or sign in what a step sends or calls, which waits for it";
            self.wrong(text.place, SLOW, help);
        }
        (!is_slow).then_some(())
    }

    fn refuse_slow_expression(&mut self, text: &Written, expression: &Expression) -> Option<()> {
        let reads = expression.reads().iter();
        let is_slow =
            expression.is_slow() || reads.into_iter().any(|read| self.lets.is_slow(read.name));
        self.refuse_slow(text, is_slow)
    }

    /// Compiles how requests are numbered and answered, with the pointers of all texts.
    pub fn request(&mut self, id: JsonPointer, answer: Expression) -> RequestSettings {
        RequestSettings::new(id, answer, &mut self.pointers)
    }

    /// Compiles the routing of messages to subscriptions, with the pointers of all texts.
    pub fn route(&mut self, json: &JsonPointer, id: MessageTemplate) -> Route {
        Route::new(json, id, &mut self.pointers)
    }

    /// The buckets of a step.
    pub fn rates(&mut self, keys: &RateKeys) -> Vec<RateSettings> {
        let found = keys.find(self.context);
        self.has_failed |= found.is_none();
        found.unwrap_or_default()
    }

    /// Reports an error at a place.
    pub fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::new(place, message).help(help));
    }

    /// Reports an error.
    pub fn push(&mut self, problem: Problem) {
        self.has_failed = true;
        self.context.problems.push(problem);
    }

    /// Reports an error within a text.
    pub fn wrong_within(&mut self, text: &Written, error: LanguageError) {
        let problem = self.problem(text, error);
        self.push(problem);
    }

    /// The place of a byte range of a text.
    pub fn part(&self, text: &Written, span: Range<usize>) -> Place {
        self.context.part(text.place, &text.text, span)
    }

    fn note_reads(&mut self, text: &Written, reads: Vec<Read>) {
        if !reads.is_empty() {
            self.reads.push((text.clone(), reads));
        }
    }

    fn compile<T>(
        &mut self,
        text: &Written,
        here: BuiltIns,
        parse: impl FnOnce(&str, &mut Scope<'_>) -> Result<T, Vec<LanguageError>>,
    ) -> Option<T> {
        let outside = Outside::of(text.place, self.context);
        let scope = Scope::new(&self.names, &mut self.pointers, &outside);
        let scope = scope.with_built_ins(here);
        let mut scope = match here.has(BuiltIn::Status) {
            true => scope.with_http(),
            false => scope,
        };
        let parsed = parse(&text.text, &mut scope);
        let warnings = std::mem::take(&mut scope.warnings);
        for path in outside.into_named() {
            let place = self
                .context
                .within(text.place, &format!("${{file:{path}}}"));
            warn_of_missing_file(place, &path, self.context);
        }
        for warning in warnings {
            if self.is_quiet {
                break;
            }
            let problem = self.problem(text, warning);
            self.context.problems.warn(problem);
        }
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(errors) => {
                for error in errors {
                    self.wrong_within(text, error);
                }
                None
            }
        }
    }

    fn problem(&self, text: &Written, error: LanguageError) -> Problem {
        let place = self.part(text, error.span);
        let problem = Problem::new(place, error.message);
        match error.help.is_empty() {
            true => problem,
            false => problem.help(error.help),
        }
    }
}
