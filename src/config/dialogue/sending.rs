//! `send`.

use super::compiler::Compiler;
use crate::config::{
    keys::SendLayer,
    read::{Located, Place},
    units::format_size,
};
use everwire_proto::{
    language::{BuiltIns, MessageTemplate, Part, TemplateKind},
    settings::dialogue::Sending,
};

/// The message to send. Its known part must not exceed the message limit.
pub(super) fn compile(
    send: &Located<SendLayer>,
    here: BuiltIns,
    max_message: usize,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Sending> {
    let sending = match &send.value {
        SendLayer::Text(text) => {
            Sending::Text(compiler.template(text, TemplateKind::Text, here)?)
        }
        SendLayer::Bytes(text) => {
            Sending::Bytes(compiler.template(text, TemplateKind::Bytes, here)?)
        }
        SendLayer::Binary(bytes) => Sending::Binary(bytes.clone()),
    };
    refuse_long(&sending, send.place, max_message, compiler);
    Some(sending)
}

/// The same in a place that cannot wait for a slow signature.
pub(super) fn compile_quick(
    send: &Located<SendLayer>,
    here: BuiltIns,
    max_message: usize,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Sending> {
    let sending = compile(send, here, max_message, compiler)?;
    if let (SendLayer::Text(text) | SendLayer::Bytes(text), Some(template)) =
        (&send.value, sending.template())
    {
        compiler.refuse_slow(text, compiler.lets.makes_slow(template))?;
    }
    Some(sending)
}

/// Reports a message that is too long, as far as its length is known.
pub(super) fn refuse_long(
    sending: &Sending,
    place: Place,
    max_message: usize,
    compiler: &mut Compiler<'_, '_>,
) {
    let size = match sending {
        Sending::Binary(bytes) => bytes.len(),
        Sending::Text(template) | Sending::Bytes(template) => known_size(template),
    };
    if size > max_message {
        let limit = format_size(max_message as u64);
        let message = format!("the message is longer than max_message ({limit})");
        let help = "shorten it, or write a larger max_message";
        compiler.wrong(place, message, help);
    }
}

/// The size of the part that is known when the file is read.
fn known_size(template: &MessageTemplate) -> usize {
    let Some(template) = template.as_template() else {
        return 0;
    };
    let known = template.parts().iter().map(|part| match part {
        Part::Literal(text) => text.len(),
        Part::Env { value, .. } => value.expose().len(),
        Part::File(_) | Part::Stored(_) | Part::Hole(_) => 0,
    });
    known.sum()
}
