//! Explains in words what a connection will do.

mod also;
mod dialogue;
mod dials;
mod explanation;
mod hints;
mod messages;
mod nats;
mod prepare;
mod reads;
mod subscriptions;
#[cfg(test)]
mod tests;
mod upkeep;
mod words;

use std::collections::HashMap;

use self::also::Defaults;
pub use self::{
    explanation::{Explanation, Line, Section},
    nats::explain_nats,
};
use crate::core::ConnectionName;
use everwire_proto::settings::ConnectionSettings;

/// Explains in words what connections will do: where they dial, their scripts and rules, their
/// heartbeat, what happens after a loss, and which variables, files and stored secrets they read.
/// Of those only names are shown; templates and expressions are shown as written. Connections with
/// the same behaviour are explained together.
///
/// ```
/// use everwire::config::{self, Settings};
///
/// let settings = Settings::from_toml(
///     "[connections.a]\nurl = 'wss://example.com/feed'\n[connections.b]\nurl = 'wss://example.com/feed'",
/// )?;
/// let told = config::explain(&settings.connections);
/// assert_eq!((told.len(), told[0].names.len()), (1, 2));
/// assert_eq!(told[0].sections[0].subject, "dials");
/// assert_eq!(told[0].sections[0].lines[0].text, "wss://example.com/feed");
/// # Ok::<(), everwire::config::Diagnostics>(())
/// ```
pub fn explain<'a>(
    connections: impl IntoIterator<Item = (&'a ConnectionName, &'a ConnectionSettings)>,
) -> Vec<Explanation> {
    let defaults = Defaults::new();
    let mut groups = Groups::default();
    for (name, settings) in connections {
        groups.add(name, of(settings, &defaults));
    }
    groups.told
}

/// Groups connections by their explanations.
#[derive(Default)]
struct Groups {
    told: Vec<Explanation>,
    /// Groups whose members have exactly equal explanations.
    equal: HashMap<Vec<Section>, usize>,
    /// Groups whose members may differ only by their names.
    alike: HashMap<Vec<Section>, usize>,
}

impl Groups {
    fn add(&mut self, name: &ConnectionName, sections: Vec<Section>) {
        if let Some(at) = self.equal.get(&sections) {
            let group = &mut self.told[*at];
            if let [first] = &*group.names {
                self.alike.remove(&shape(sections, first.as_str()));
            }
            return group.names.push(name.clone());
        }
        let shape = shape(sections.clone(), name.as_str());
        if let Some(at) = self.alike.get(&shape) {
            let group = &mut self.told[*at];
            if group.names.len() == 1 {
                self.equal.remove(&group.sections);
                group.sections = shape;
            }
            return group.names.push(name.clone());
        }
        let at = self.told.len();
        self.equal.insert(sections.clone(), at);
        self.alike.insert(shape, at);
        let names = vec![name.clone()];
        self.told.push(Explanation { names, sections });
    }
}

/// The behaviour of one connection.
fn of(settings: &ConnectionSettings, defaults: &Defaults) -> Vec<Section> {
    let sections = [
        ("prepares", prepare::lines(settings)),
        ("dials", dials::lines(settings)),
        ("opening", dialogue::opening(settings)),
        ("subscribes", subscriptions::lines(settings)),
        ("periodic", dialogue::periodic(settings)),
        ("closing", dialogue::closing(settings)),
        ("rules", dialogue::rules(settings)),
        ("captures", dialogue::captures(settings)),
        ("heartbeat", upkeep::heartbeat(settings)),
        ("silence", upkeep::silence(settings)),
        ("losses", upkeep::losses(settings)),
        ("sends", messages::sends(settings)),
        ("requests", messages::requests(settings)),
        ("receives", messages::receives(settings)),
        ("also", also::lines(settings, defaults)),
        ("reads", reads::lines(settings)),
        ("hints", hints::lines(settings)),
    ];
    let told = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    told.map(|(subject, lines)| Section { subject, lines })
        .collect()
}

/// Replaces the connection's own name, and in URLs its number, by tokens, which leaves what names
/// of a fleet have in common.
fn shape(mut sections: Vec<Section>, name: &str) -> Vec<Section> {
    let number = &name[name
        .trim_end_matches(|last: char| last.is_ascii_digit())
        .len()..];
    let lines = sections
        .iter_mut()
        .flat_map(|section| section.lines.iter_mut());
    for Line { text, details } in lines {
        for text in details.iter_mut().chain([text]) {
            if text.contains(name) {
                *text = text.replace(name, "{name}");
            }
            if !number.is_empty() && text.contains("://") && text.contains(number) {
                *text = without_number(text, number);
            }
        }
    }
    sections
}

/// Replaces each occurrence of this number in a text by a token.
fn without_number(text: &str, number: &str) -> String {
    let is_digit = |character: char| character.is_ascii_digit();
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(is_digit) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character| !is_digit(character));
        let (digits, behind) = from.split_at(end.unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(if digits == number { "{i}" } else { digits });
        rest = behind;
    }
    shown + rest
}
