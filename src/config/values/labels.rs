//! Labels of a node, and of the nodes that a name may be given to.

use serde_json::{Map, Value as Json, json};

use super::text::{escaped, plain};
use crate::{
    config::read::{Context, Entry, IntoField, Node, Place, Read, ShowField, Value, backticked},
    core::is_displayable,
};
use everwire_proto::settings::{Labels, MAX_LABELS};

/// The `place` of a name, in the order of the file; inherited labels come first.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct PlaceLabels(Vec<Label>);

/// The labels of a node.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct NodeLabels(PlaceLabels);

/// A label of one layer.
#[derive(Clone, Debug)]
struct Label {
    key: String,
    /// Empty: it removes an inherited label.
    value: String,
}

impl Read for PlaceLabels {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table of texts such as { region = \"eu\" }");
        };
        let labels = entries.iter().filter_map(|entry| label(entry, context));
        Some(Self(labels.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": { "type": "string" } })
    }

    fn overlay(&mut self, nearer: Self) {
        for label in nearer.0 {
            match self.0.iter_mut().find(|known| known.key == label.key) {
                Some(known) => *known = label,
                None => self.0.push(label),
            }
        }
    }
}

impl IntoField<Labels> for PlaceLabels {
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Labels {
        let labels = self.0.into_iter().filter(|label| !label.value.is_empty());
        let labels: Labels = labels.map(|label| (label.key, label.value)).collect();
        if labels.len() > MAX_LABELS {
            let message = format!("the labels have {} bytes", labels.len());
            let help = format!("write {MAX_LABELS} or less; each label counts 6 beside its text");
            context.wrong(place, message, help);
            return Labels::default();
        }
        labels
    }
}

impl ShowField<Labels> for PlaceLabels {
    fn show_field(labels: &Labels) -> Json {
        let labels = labels.iter();
        let labels: Map<_, _> = labels
            .map(|(key, value)| (key.to_owned(), escaped(value).into()))
            .collect();
        labels.into()
    }
}

impl Read for NodeLabels {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let labels = PlaceLabels::read(node, context)?;
        if let Some(empty) = labels.0.iter().find(|label| label.value.is_empty()) {
            let message = format!("the label {} is empty", backticked(&empty.key));
            context.wrong(node.place, message, "write a text, or remove the label");
            return None;
        }
        Some(Self(labels))
    }

    fn schema() -> Json {
        let label = json!({ "type": "string", "minLength": 1 });
        json!({ "type": "object", "additionalProperties": label })
    }
}

impl IntoField<Labels> for NodeLabels {
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Labels {
        self.0.into_field(place, context)
    }
}

/// Reads a label. Reports errors.
fn label(entry: &Entry, context: &mut Context<'_>) -> Option<Label> {
    let value = plain(&entry.node, context, "a text such as \"eu\"")?;
    if entry.key.is_empty() {
        let help = "write a name for the label: { region = \"eu\" }";
        context.wrong(entry.place, "the key of a label is empty", help);
        return None;
    }
    for (text, place) in [(&entry.key, entry.place), (&value, entry.node.place)] {
        if let Some(character) = text.chars().find(|c| !is_of_label(*c)) {
            let message = format!(
                "invalid label {}: {character:?} cannot stand in it",
                backticked(text)
            );
            let help = "write printable text without \" \\ = and comma: labels are shown as region=eu,disk=ssd";
            context.wrong(place, message, help);
            return None;
        }
    }
    Some(Label {
        key: entry.key.clone(),
        value,
    })
}

/// Labels are a part of records whose size is bounded, so no character may grow when it is escaped.
fn is_of_label(character: char) -> bool {
    is_displayable(character) && !matches!(character, '"' | '\\' | '=' | ',')
}
