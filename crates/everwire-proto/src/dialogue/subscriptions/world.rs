//! The values for expressions and templates of subscriptions.

use crate::{
    language::{
        BuiltIn, Data, MessageTemplate, Moment, Name, Signer, Unfilled, Value, Variable, World,
        json::{RawJson, Slot},
    },
    settings::dialogue::{Capture, SubscriptionItem},
};

/// The values of one subscription, or of a batch, besides the general ones.
pub(super) struct KeyWorld<'a> {
    pub around: &'a dyn World,
    pub key: Option<&'a str>,
    pub item: Option<&'a Value<'static>>,
    pub items: Option<&'a Value<'static>>,
    /// The number of the `on`.
    pub number: Option<u64>,
    /// Whether the peer continues it after a handover.
    pub is_carried: bool,
    /// The captures of single keys, and their values for this one.
    pub captures: &'a [Capture],
    pub captured: &'a [Value<'static>],
}

impl World for KeyWorld<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.around.pointer(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::BuiltIn(BuiltIn::Key) => self.key.map_or_else(Value::absent, Value::text),
            Name::BuiltIn(BuiltIn::Item) => borrowed(self.item),
            Name::BuiltIn(BuiltIn::Items) => borrowed(self.items),
            Name::BuiltIn(BuiltIn::OnId) => self.number.map_or_else(Value::absent, Value::from),
            Name::BuiltIn(BuiltIn::Handover) if !self.is_carried => false.into(),
            Name::Capture(at) => match self.captures.iter().position(|own| own.name == at) {
                Some(own) => borrowed(self.captured.get(own)),
                None => self.around.name(name),
            },
            other => self.around.name(other),
        }
    }

    fn header(&self, name: &str) -> Value<'_> {
        self.around.header(name)
    }

    fn cookie(&self, name: &str) -> Value<'_> {
        self.around.cookie(name)
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        self.around.variable(variable)
    }

    fn moment(&self) -> Moment<'_> {
        self.around.moment()
    }

    fn signer(&self) -> &dyn Signer {
        self.around.signer()
    }

    fn max_message(&self) -> usize {
        self.around.max_message()
    }
}

fn borrowed<'v>(value: Option<&'v Value<'static>>) -> Value<'v> {
    value.map_or_else(Value::absent, Value::as_borrowed)
}

/// Renders an item.
///
/// # Errors
///
/// Why it cannot be rendered.
pub(super) fn filled(
    item: &SubscriptionItem,
    world: &dyn World,
) -> Result<Value<'static>, Unfilled> {
    let template = item.template();
    let rendered = template.render(world)?;
    let (is_secret, text) = (rendered.is_secret(), rendered.into_text());
    let value = match item {
        SubscriptionItem::Text(_) => Value::text(text),
        SubscriptionItem::Json(_) => match RawJson::parse(&text) {
            Some(json) => Value::json(json).into_owned(),
            None => return Err(no_json(template)),
        },
    };
    // A part of it may come from the peer.
    let value = match template.is_literal() {
        true => value,
        false => value.from_peer(),
    };
    Ok(match is_secret {
        true => value.secret(),
        false => value,
    })
}

/// An item that is used as written was not checked to be JSON before.
fn no_json(template: &MessageTemplate) -> Unfilled {
    Unfilled::NotText {
        hole: template.as_str().into(),
    }
}

/// Items as a JSON array.
pub(super) fn array(items: &[Value<'static>]) -> Value<'static> {
    let mut text = String::from("[");
    let mut is_secret = false;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        is_secret |= item.is_secret();
        let is_there = item.write_json(&mut text);
        debug_assert!(is_there.is_some(), "an item is text or JSON");
    }
    text.push(']');
    let value =
        RawJson::parse(&text).map_or_else(Value::absent, |json| Value::json(json).into_owned());
    match is_secret {
        true => value.secret(),
        false => value,
    }
}

/// A value as the text by which the peer repeats it: the content of a JSON string, the digits of a
/// number.
pub(super) fn as_peer_writes(value: &Value<'_>) -> Option<Box<str>> {
    match value.data() {
        Data::Number(text) | Data::Text(text) | Data::Json(text) => Some(text.as_ref().into()),
        Data::Bool(value) => Some(value.to_string().into()),
        Data::Absent | Data::Null | Data::Bytes(_) | Data::List(_) => None,
    }
}
