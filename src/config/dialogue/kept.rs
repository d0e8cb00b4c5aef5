//! Kept captures are written to disk, so they must not be secret.

use super::{compiler::Compiler, merged::Merged};
use crate::config::{
    keys::{CaptureLayer, CaptureTable},
    read::{Item, Place, Problem, backticked},
};
use everwire_proto::{
    language::{Lets, MAX_LET_DEPTH, Name, Read},
    settings::dialogue::Capture,
};

/// Reports kept captures that are secret, by declaration or because of what their values read.
pub(super) fn refuse_secrets(
    merged: &Merged,
    captures: &[&Capture],
    lets: &Lets,
    compiler: &mut Compiler<'_, '_>,
) {
    let written: Vec<&Item<CaptureLayer>> = written(merged).collect();
    let kept = written.iter().filter_map(|item| {
        let keep = table(item)?.keep.as_ref().filter(|keep| keep.value)?;
        Some((item.name.as_str(), keep.place))
    });
    let kept: Vec<(&str, Place)> = kept.collect();
    if kept.is_empty() {
        return;
    }
    let secret = |name: &str| {
        let same = written.iter().filter(|item| item.name == name);
        let mut secrets = same.filter_map(|item| table(item)?.secret.as_ref());
        secrets
            .find(|secret| secret.value)
            .map(|secret| secret.place)
    };
    let hidden = Hidden::of(captures, lets);
    for (name, place) in kept {
        if let Some(secret) = secret(name) {
            let message =
                "`keep` and `secret` exclude each other: a secret is never written to disk";
            let problem = Problem::new(place, message)
                .related(secret, "secret is here")
                .help("remove one of them");
            compiler.push(problem);
        } else if let Some(Name::Capture(at)) = compiler.names.find(name)
            && hidden.captures.contains(&at)
        {
            let message = format!(
                "`keep` would write a secret to disk: {} is made from one",
                backticked(name)
            );
            compiler.wrong(
                place,
                message,
                "keep only what the server says, or remove it",
            );
        }
    }
}

/// All captures, as they are written.
fn written(merged: &Merged) -> impl Iterator<Item = &Item<CaptureLayer>> {
    let steps = merged.steps();
    let steps = steps.filter_map(|step| step.value.capture.as_ref());
    let rules = merged.rules.0.iter();
    let rules = rules.filter_map(|rule| rule.value.capture.as_ref());
    let nested = steps.chain(rules).flat_map(|capture| &capture.value.0);
    merged.capture.0.iter().chain(nested)
}

fn table(item: &Item<CaptureLayer>) -> Option<&CaptureTable> {
    match &item.value {
        CaptureLayer::Table(table) => Some(table),
        CaptureLayer::Value(_) => None,
    }
}

/// The names whose values are secret, or made of secrets.
#[derive(Default)]
struct Hidden {
    captures: Vec<u16>,
    lets: Vec<u16>,
}

impl Hidden {
    fn of(captures: &[&Capture], lets: &Lets) -> Self {
        let mut hidden = Self::default();
        // Each round follows one more step of a chain; no chain of names is longer.
        for _ in 0..=captures.len() + MAX_LET_DEPTH {
            let known = hidden.captures.len() + hidden.lets.len();
            for (at, template) in (0..).zip(lets.iter()) {
                let holds = template.variables().next().is_some() || !template.secrets().is_empty();
                if !hidden.lets.contains(&at) && (holds || hidden.any(template.reads())) {
                    hidden.lets.push(at);
                }
            }
            for capture in captures {
                let value = &capture.value;
                let holds = capture.secret || !value.secrets().is_empty();
                if !hidden.captures.contains(&capture.name)
                    && (holds || hidden.any(value.reads().iter().cloned()))
                {
                    hidden.captures.push(capture.name);
                }
            }
            if hidden.captures.len() + hidden.lets.len() == known {
                break;
            }
        }
        hidden
    }

    fn any(&self, reads: impl IntoIterator<Item = Read>) -> bool {
        reads.into_iter().any(|read| match read.name {
            Name::Capture(at) => self.captures.contains(&at),
            Name::Let(at) => self.lets.contains(&at),
            Name::BuiltIn(_) => false,
        })
    }
}
