//! Checks that a step reads only what may have been set before it.

use super::compiler::Compiler;
use crate::config::{
    keys::CaptureLayer,
    read::{Entries, Problem, backticked},
    values::Written,
};
use everwire_proto::{
    language::{Lets, MAX_LET_DEPTH, Name, Names, Read},
    settings::dialogue::Capture,
};

/// The captures that may have a value at some point.
#[derive(Clone)]
pub(super) struct Order {
    is_set: Vec<bool>,
    /// For each `let`, the captures that it needs, directly or through others. Captures with a
    /// fallback do not count.
    of_lets: Vec<Vec<u16>>,
    /// The captures of a shared `prepare`.
    shared: Vec<u16>,
}

impl Order {
    /// Nothing is set before the first step.
    pub fn new(lets: &Lets, names: &Names) -> Self {
        Self {
            is_set: vec![false; names.captures().len()],
            of_lets: captures_of_lets(lets),
            shared: Vec::new(),
        }
    }

    /// A shared `prepare` sets these captures.
    pub fn set_shared<'n>(&mut self, captures: impl Iterator<Item = &'n str>, names: &Names) {
        for name in captures {
            if let Some(Name::Capture(at)) = names.find(name) {
                self.set_one(at);
                self.shared.push(at);
            }
        }
    }

    /// Whether one of these texts reads a capture of a shared `prepare`.
    pub fn reads_shared(&self, texts: &[(Written, Vec<Read>)]) -> bool {
        let mut reads = texts.iter().flat_map(|(_, reads)| reads);
        reads.any(|read| match read.name {
            Name::Capture(at) => self.shared.contains(&at),
            Name::Let(at) => {
                let of_let = self.of_lets.get(usize::from(at));
                of_let.is_some_and(|read| read.iter().any(|at| self.shared.contains(at)))
            }
            Name::BuiltIn(_) => false,
        })
    }

    /// Once a connection runs everything may be set, except `unset`.
    pub fn running(lets: &Lets, names: &Names, unset: impl IntoIterator<Item = u16>) -> Self {
        let mut order = Self::new(lets, names);
        order.is_set.fill(true);
        for at in unset {
            if let Some(is_set) = order.is_set.get_mut(usize::from(at)) {
                *is_set = false;
            }
        }
        order
    }

    /// Adds names that were declared later; they are not set.
    pub fn extend(&mut self, names: &Names) {
        self.is_set.resize(names.captures().len(), false);
    }

    /// Marks these captures as set.
    pub fn set(&mut self, captures: &Entries<CaptureLayer>, names: &Names) {
        for item in &captures.0 {
            if let Some(Name::Capture(at)) = names.find(&item.name) {
                self.set_one(at);
            }
        }
    }

    /// Marks these captures as set.
    pub fn set_captures(&mut self, captures: &[Capture]) {
        captures
            .iter()
            .for_each(|capture| self.set_one(capture.name));
    }

    fn set_one(&mut self, at: u16) {
        if let Some(is_set) = self.is_set.get_mut(usize::from(at)) {
            *is_set = true;
        }
    }

    /// Reports captures that these texts read too early.
    pub fn refuse_early(&self, texts: Vec<(Written, Vec<Read>)>, compiler: &mut Compiler<'_, '_>) {
        for (text, reads) in texts {
            for read in reads.iter().filter(|read| !read.is_guarded) {
                if let Some(early) = self.early(read.name) {
                    let problem = problem(read, early, &text, compiler);
                    compiler.push(problem);
                }
            }
        }
    }

    /// The capture that this name reads and that no earlier step has set.
    fn early(&self, name: Name) -> Option<u16> {
        let is_set = |at: u16| self.is_set.get(usize::from(at)).copied().unwrap_or(true);
        match name {
            Name::Capture(at) => (!is_set(at)).then_some(at),
            Name::Let(at) => {
                let of_let = self.of_lets.get(usize::from(at))?;
                of_let.iter().copied().find(|at| !is_set(*at))
            }
            Name::BuiltIn(_) => None,
        }
    }
}

fn problem(read: &Read, early: u16, text: &Written, compiler: &Compiler<'_, '_>) -> Problem {
    let capture = compiler.names.text(Name::Capture(early));
    let quoted = backticked(capture);
    let message = match read.name {
        Name::Let(_) => {
            let reader = backticked(compiler.names.text(read.name));
            format!("{reader} reads {quoted} before any step sets it")
        }
        Name::Capture(_) | Name::BuiltIn(_) => {
            format!("{quoted} is read before any step sets it")
        }
    };
    let help = format!(
        "capture it in a step before this one, write `default({capture}, …)`, or give the step an `if`"
    );
    Problem::new(compiler.part(text, read.span.clone()), message).help(help)
}

fn captures_of_lets(lets: &Lets) -> Vec<Vec<u16>> {
    let reads: Vec<Vec<Name>> = lets
        .iter()
        .map(|template| {
            let reads = template.reads().filter(|read| !read.is_guarded);
            reads.map(|read| read.name).collect()
        })
        .collect();
    let mut captures: Vec<Vec<u16>> = vec![Vec::new(); reads.len()];
    // No chain of them is longer.
    for _ in 0..MAX_LET_DEPTH {
        let known = captures.clone();
        for (own, reads) in captures.iter_mut().zip(&reads) {
            let further = reads.iter().flat_map(|name| match name {
                Name::Capture(at) => std::slice::from_ref(at),
                Name::Let(at) => known.get(usize::from(*at)).map_or(&[][..], Vec::as_slice),
                Name::BuiltIn(_) => &[],
            });
            own.extend(further);
            own.sort_unstable();
            own.dedup();
        }
    }
    captures
}
