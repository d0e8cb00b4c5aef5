//! Looks for secrets where they must not be.

use everwire::{EventKind, Status, Update};

use super::placeholders::Planted;

/// A secret that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// What it is.
    pub what: String,
    /// Where it was shown.
    pub place: String,
}

/// The first secret in an event. A server may send anything: its messages go to subscribers, and
/// are only checked for values that the peer sends as secrets.
pub fn in_event(update: &Update, planted: &[Planted]) -> Option<Leak> {
    let is_message = matches!(update.kind(), Some(EventKind::Message(_)));
    let text = serde_json::to_string(update).unwrap_or_default();
    let looked_for = planted
        .iter()
        .filter(|planted| !is_message || planted.in_messages);
    find(looked_for, &text, || {
        format!("the event `{}`", update.type_name())
    })
}

/// The first secret in a status.
pub fn in_status(status: &Status, planted: &[Planted]) -> Option<Leak> {
    let text = serde_json::to_string(status).unwrap_or_default();
    find(planted.iter(), &text, || "the status".to_owned())
}

/// The first secret in a text.
pub fn in_text(text: &str, place: &str, planted: &[Planted]) -> Option<Leak> {
    find(planted.iter(), text, || place.to_owned())
}

fn find<'p>(
    mut planted: impl Iterator<Item = &'p Planted>,
    text: &str,
    place: impl FnOnce() -> String,
) -> Option<Leak> {
    let found = planted.find(|planted| text.contains(&planted.text))?;
    Some(Leak {
        what: found.what.clone(),
        place: place(),
    })
}
