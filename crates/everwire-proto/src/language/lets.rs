//! `let`: named templates that are rendered when they are used, once per step.

use super::{LanguageError, MessageTemplate, Name, Names, Scope, TemplateKind};

/// The longest chain of `let`s that read each other.
pub const MAX_LET_DEPTH: usize = 8;

/// The `let`s of a connection.
///
/// ```
/// use everwire_proto::language::{Lets, Name, Names, NothingOutside, Scope, json::PointerSet};
///
/// let mut names = Names::default();
/// let (ts, sign) = (names.declare("ts")?, names.declare("sign")?);
/// let mut pointers = PointerSet::default();
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
/// let lets = Lets::compile(&[r#"${now("s")}"#, r#"${hash("sha256", ts)}"#], &mut scope);
/// assert!(lets.is_ok_and(|lets| lets.get(sign).is_some()));
/// # Ok::<(), everwire_proto::language::InvalidName>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lets {
    templates: Box<[MessageTemplate]>,
    /// For each whether it, or one that it reads, is slow.
    slow: Box<[bool]>,
}

/// An error of one `let`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetError {
    /// Its number among [`Names::lets`].
    pub at: usize,
    /// The error in its text.
    pub error: LanguageError,
}

impl Lets {
    /// Compiles the texts of all `let`s that the scope's names declare, in their order. Warnings go
    /// to the scope.
    ///
    /// # Errors
    ///
    /// All errors; cycles only if there are no others.
    pub fn compile(texts: &[&str], scope: &mut Scope<'_>) -> Result<Self, Vec<LetError>> {
        let mut templates = Vec::with_capacity(texts.len());
        let mut errors = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            match MessageTemplate::parse(text, TemplateKind::Text, scope) {
                Ok(template) => templates.push(template),
                Err(wrong) => errors.extend(wrong.into_iter().map(|error| LetError { at, error })),
            }
        }
        match errors.is_empty() {
            true => Self::new(templates, scope.names),
            false => Err(errors),
        }
    }

    /// The `let`s of these templates, one for each that the names declare, in their order.
    ///
    /// # Errors
    ///
    /// The cycles among them, or else the chains that are too long.
    pub fn new(templates: Vec<MessageTemplate>, names: &Names) -> Result<Self, Vec<LetError>> {
        let graph = Graph::of(&templates, names);
        let errors = graph.errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let slow = graph.with_readers(templates.iter().map(MessageTemplate::is_slow).collect());
        Ok(Self {
            templates: templates.into(),
            slow,
        })
    }

    /// The template of a `let`.
    pub fn get(&self, name: Name) -> Option<&MessageTemplate> {
        match name {
            Name::Let(at) => self.templates.get(usize::from(at)),
            Name::BuiltIn(_) | Name::Capture(_) => None,
        }
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MessageTemplate> {
        self.templates.iter()
    }

    /// Whether a template, with the `let`s that it reads, is so slow that it belongs on another
    /// thread: it signs with RS256.
    pub fn makes_slow(&self, template: &MessageTemplate) -> bool {
        template.is_slow() || template.reads().any(|read| self.is_slow(read.name))
    }

    /// Whether this `let`, or one that it reads, is that slow.
    pub fn is_slow(&self, name: Name) -> bool {
        match name {
            Name::Let(at) => self.slow.get(usize::from(at)).copied().unwrap_or_default(),
            Name::BuiltIn(_) | Name::Capture(_) => false,
        }
    }
}

/// Which `let` reads which.
struct Graph<'a> {
    reads: Vec<Vec<(usize, std::ops::Range<usize>)>>,
    names: &'a Names,
}

impl<'a> Graph<'a> {
    fn of(templates: &[MessageTemplate], names: &'a Names) -> Self {
        let of_template = |template: &MessageTemplate| {
            let lets = template.reads().filter_map(|read| match read.name {
                Name::Let(at) => Some((usize::from(at), read.span)),
                Name::BuiltIn(_) | Name::Capture(_) => None,
            });
            lets.filter(|(at, _)| *at < templates.len()).collect()
        };
        Self {
            reads: templates.iter().map(of_template).collect(),
            names,
        }
    }

    /// The errors of the graph: the cycles, or else the chains that are too long.
    fn errors(&self) -> Vec<LetError> {
        let all = 0..self.reads.len();
        let circles: Vec<LetError> = all.clone().filter_map(|at| self.circle(at)).collect();
        match circles.is_empty() {
            true => all.filter_map(|at| self.long_chain(at)).collect(),
            false => circles,
        }
    }

    /// A cycle through this one, unless another of its members reports it.
    fn circle(&self, at: usize) -> Option<LetError> {
        let mut way = vec![at];
        let mut seen = vec![false; self.reads.len()];
        let is_circle = self.search(&mut way, &mut seen) && way.iter().all(|other| *other >= at);
        let help = "a `let` may read only others, which do not read it";
        is_circle.then(|| self.error("invalid `let`: it reads itself", &way, help))
    }

    /// A chain that is too long, from a `let` that no other reads.
    fn long_chain(&self, at: usize) -> Option<LetError> {
        let way = self.longest(at);
        let is_read = self.reads.iter().flatten().any(|(read, _)| *read == at);
        let is_long = way.len() > MAX_LET_DEPTH && !is_read;
        let message = format!(
            "invalid `let`: the chain of those that it reads is longer than {MAX_LET_DEPTH}"
        );
        is_long.then(|| self.error(&message, &way, "put some of them together"))
    }

    /// An error about the first on this path, where it reads the second.
    fn error(&self, message: &str, way: &[usize], help: &str) -> LetError {
        let at = way.first().copied().unwrap_or_default();
        let span = self.reads[at]
            .iter()
            .find(|(read, _)| way.get(1) == Some(read))
            .map(|(_, span)| span.clone());
        let names: Vec<&str> = way
            .iter()
            .filter_map(|at| self.names.lets().nth(*at))
            .collect();
        let message = format!("{message}: {}", names.join(" → "));
        LetError {
            at,
            error: LanguageError::new(span.unwrap_or_default(), message, help),
        }
    }

    /// Completes the path to a cycle, if there is one.
    fn search(&self, way: &mut Vec<usize>, seen: &mut [bool]) -> bool {
        let (Some(&start), Some(&last)) = (way.first(), way.last()) else {
            return false;
        };
        for (next, _) in &self.reads[last] {
            if *next == start {
                way.push(start);
                return true;
            }
            if !std::mem::replace(&mut seen[*next], true) {
                way.push(*next);
                if self.search(way, seen) {
                    return true;
                }
                way.pop();
            }
        }
        false
    }

    /// The longest chain from here, up to one more than is allowed.
    fn longest(&self, at: usize) -> Vec<usize> {
        // From the ends of the chains to their beginnings, round by round.
        let mut chains: Vec<Vec<usize>> = (0..self.reads.len()).map(|at| vec![at]).collect();
        for _ in 0..MAX_LET_DEPTH {
            let longer = |at: usize| {
                let next = self.reads[at]
                    .iter()
                    .map(|(next, _)| &chains[*next])
                    .max_by_key(|chain| chain.len());
                [at].into_iter()
                    .chain(next.into_iter().flatten().copied())
                    .collect()
            };
            chains = (0..self.reads.len()).map(longer).collect();
        }
        chains.swap_remove(at)
    }

    /// These, and all that read them.
    fn with_readers(&self, mut these: Vec<bool>) -> Box<[bool]> {
        for _ in 0..MAX_LET_DEPTH {
            for (at, reads) in self.reads.iter().enumerate() {
                these[at] |= reads.iter().any(|(read, _)| these[*read]);
            }
        }
        these.into()
    }
}
