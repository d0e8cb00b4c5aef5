//! The item of a subscription: a text, or any JSON value. Strings in it are templates.

use super::{compiler::Compiler, places};
use crate::config::{
    read::{Entry, Node, Place, Value},
    units::format_size,
    values::Written,
};
use everwire_proto::{
    language::{JsonTemplate, MessageTemplate, Template, TemplateKind, json::write_quoted},
    settings::dialogue::{MAX_ITEM, SubscriptionItem},
};

/// Compiles an item as it is written.
pub(super) fn compile(node: &Node, compiler: &mut Compiler<'_, '_>) -> Option<SubscriptionItem> {
    if let Value::String(text) = &node.value {
        let place = node.place;
        let text = text.clone();
        return of_text(&Written { text, place }, compiler);
    }
    let mut template = JsonTemplate::default();
    write(node, &mut template, compiler)?;
    let size = template.size();
    let Some(template) = template.finish().filter(|_| size <= MAX_ITEM) else {
        refuse_long(size, node.place, compiler);
        return None;
    };
    let whole = Written {
        text: String::new(),
        place: node.place,
    };
    compiler.refuse_slow(&whole, compiler.lets.makes_slow(&template))?;
    Some(SubscriptionItem::Json(template))
}

/// An item that is a text.
pub(super) fn of_text(text: &Written, compiler: &mut Compiler<'_, '_>) -> Option<SubscriptionItem> {
    if text.text.len() > MAX_ITEM {
        refuse_long(text.text.len(), text.place, compiler);
        return None;
    }
    let template = compiler.quick_template(text, TemplateKind::Text, places::ITEM)?;
    Some(SubscriptionItem::Text(template))
}

/// An item that is its key.
pub(super) fn of_key(key: &str) -> SubscriptionItem {
    SubscriptionItem::Text(MessageTemplate::from(Template::literal(key)))
}

fn refuse_long(size: usize, place: Place, compiler: &mut Compiler<'_, '_>) {
    let message = format!("the item has {size} bytes");
    let help = format!("at most {} are allowed", format_size(MAX_ITEM as u64));
    compiler.wrong(place, message, help);
}

fn write(node: &Node, template: &mut JsonTemplate, compiler: &mut Compiler<'_, '_>) -> Option<()> {
    match &node.value {
        Value::String(text) => {
            let text = Written {
                text: text.clone(),
                place: node.place,
            };
            compiler.json_text(template, &text, places::ITEM)?;
        }
        Value::Integer(number) => template.fixed(&number.to_string()),
        Value::Float(number) if number.is_finite() => {
            template.fixed(&serde_json::Value::from(*number).to_string());
        }
        Value::Float(_) => {
            let message = format!("JSON cannot hold {}", node.describe());
            compiler.wrong(node.place, message, "write a finite number, or a text");
            return None;
        }
        Value::Null => template.fixed("null"),
        Value::Boolean(value) => template.fixed(if *value { "true" } else { "false" }),
        Value::Datetime(text) => {
            let message = format!("JSON cannot hold the date {text}");
            compiler.wrong(node.place, message, "write it as a text, in quotes");
            return None;
        }
        Value::Array(items) => write_array(items, template, compiler)?,
        Value::Table(entries) => write_table(entries, template, compiler)?,
    }
    Some(())
}

fn write_array(
    items: &[Node],
    template: &mut JsonTemplate,
    compiler: &mut Compiler<'_, '_>,
) -> Option<()> {
    let mut is_right = true;
    for (at, item) in items.iter().enumerate() {
        template.fixed(if at == 0 { "[" } else { "," });
        is_right &= write(item, template, compiler).is_some();
    }
    template.fixed(if items.is_empty() { "[]" } else { "]" });
    is_right.then_some(())
}

fn write_table(
    entries: &[Entry],
    template: &mut JsonTemplate,
    compiler: &mut Compiler<'_, '_>,
) -> Option<()> {
    let mut is_right = true;
    for (at, entry) in entries.iter().enumerate() {
        let mut key = String::from(if at == 0 { "{" } else { "," });
        write_quoted(&entry.key, &mut key);
        key.push(':');
        template.fixed(&key);
        is_right &= write(&entry.node, template, compiler).is_some();
    }
    template.fixed(if entries.is_empty() { "{}" } else { "}" });
    is_right.then_some(())
}
