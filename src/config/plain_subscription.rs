//! Subscriptions of callers in builds without `config`: only items without holes.

use std::sync::Arc;

use everwire_proto::{
    language::{MessageTemplate, NothingOutside, Scope, TemplateKind, json::PointerSet},
    settings::dialogue::{DeclaredSubscription, Dialogue, SubscriptionItem},
};
use serde_json::Value;

use crate::settings::{InvalidSubscription, SubscriptionWish};

/// Compiles a caller's wish, if it has an item without holes, or no item.
///
/// # Errors
///
/// It has holes, or keys of its own.
pub(crate) fn compile_subscription(
    dialogue: &Dialogue,
    key: &str,
    wish: &SubscriptionWish,
) -> Result<Arc<DeclaredSubscription>, InvalidSubscription> {
    let declared = dialogue.subscribe.iter().flat_map(|it| &it.declared);
    let mut declared = declared.filter(|declared| *declared.key == *key);
    if let (true, Some(declared)) = (wish.is_empty(), declared.next()) {
        return Ok(Arc::clone(declared));
    }
    if let Some(word) = wish.words.keys().next() {
        let text = format!(
            "invalid key {word:?}: this build reads an item alone; the feature `config` reads the others"
        );
        return Err(InvalidSubscription(text));
    }
    let (text, is_text) = match &wish.item {
        None => (key.to_owned(), true),
        Some(Value::String(text)) => (text.clone(), true),
        Some(other) => (other.to_string(), false),
    };
    if text.contains("${") {
        let text = "invalid item: this build takes none with `${`; the feature `config` reads it";
        return Err(InvalidSubscription(text.into()));
    }
    let mut pointers = PointerSet::default();
    let mut scope = Scope::new(&dialogue.names, &mut pointers, &NothingOutside);
    let template = MessageTemplate::parse(&text, TemplateKind::Text, &mut scope);
    let template = template.map_err(|errors| {
        let error = errors.first().map(ToString::to_string);
        InvalidSubscription(error.unwrap_or_else(|| "invalid item".into()))
    })?;
    let item = match is_text {
        true => SubscriptionItem::Text(template),
        false => SubscriptionItem::Json(template),
    };
    Ok(Arc::new(DeclaredSubscription {
        key: key.into(),
        item,
        words: None,
    }))
}
