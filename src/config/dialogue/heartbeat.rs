//! Templates and expressions of a text heartbeat.

use super::{compiler::Compiler, durations, merged::Merged, places, sending};
use crate::config::{
    keys::{HeartbeatTable, PongLayer},
    read::Located,
    values::{Templated, Timeout},
};
use everwire_proto::{
    language::TemplateKind,
    settings::dialogue::{HeartbeatTemplates, Sending, TemplateDuration},
};

/// The templates of a text heartbeat; `None` if it has only plain texts.
pub(super) fn compile(
    table: &HeartbeatTable,
    merged: &Merged,
    compiler: &mut Compiler<'_, '_>,
) -> Option<HeartbeatTemplates> {
    let ping = table.ping.as_ref();
    let ping = ping.and_then(|ping| {
        let text = ping.value.template()?;
        let template = compiler.quick_template(text, TemplateKind::Text, places::SENDING)?;
        let sending = Sending::Text(template.clone());
        sending::refuse_long(&sending, ping.place, merged.max_message, compiler);
        Some(template)
    });
    let pong = match table.pong.as_ref().map(|pong| &pong.value) {
        Some(PongLayer::When(when)) => compiler.condition(when, places::ANSWER),
        Some(PongLayer::Text(_)) | None => None,
    };
    let templates = HeartbeatTemplates {
        ping,
        pong,
        interval: duration(&table.interval, compiler),
        timeout: duration(&table.timeout, compiler),
        first: table
            .first
            .as_ref()
            .map_or_else(Default::default, |first| first.value),
        from: table
            .from
            .as_ref()
            .map_or_else(Default::default, |from| from.value),
    };
    (templates != HeartbeatTemplates::default()).then_some(templates)
}

fn duration(
    time: &Option<Located<Templated<Timeout>>>,
    compiler: &mut Compiler<'_, '_>,
) -> Option<TemplateDuration> {
    let text = time.as_ref()?.value.template()?;
    durations::template(text, places::ELSEWHERE, compiler)
}
